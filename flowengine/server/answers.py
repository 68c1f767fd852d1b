"""What waiting runs wait for: callbacks by POST, approvals by one-time links and through the API.

A link is its own key: made from the project's key, the run and the action, and of no use once the action has its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowengine.app import App, approval_key, callback_key
from flowengine.errors import Conflict, NotFound
from flowengine.server.context import Document, app_of, raw_body
from flowengine.server.pages.render import alone
from flowengine.store.documents import timestamp
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.triggers.deliveries import read_body
from flowengine.triggers.webhook import same
from flowengine.types import Json, Status, format_path

NOBODY: Final = "nothing waits at this address: it was answered, it was given up, or it never existed"


@dataclass(frozen=True, slots=True)
class Asked:
    """An `ask` that waits, and the choice whose link this is."""

    run: RunRecord
    action: ActionRecord
    choice: str


async def callback(request: Request) -> Response:
    """`POST /callbacks/{run}/{key}`: what is posted is what the `wait_for` gives."""
    app = app_of(request)
    run_id, key = request.path_params["run"], request.path_params["key"]
    value = read_body(await raw_body(request))
    for action in await waiting_actions(app, run_id, "wait_for"):
        if same(key, callback_key(app.store.secrets.derive, run_id, action.path)):
            await app.engine.answer(run_id, action.path, value)
            return Document({"run": run_id, "action": format_path(action.path)})
    raise NotFound(NOBODY)


async def approval_page(request: Request) -> Response:
    """The page behind a link. It only asks: programs that look at links in mails must not answer for a person."""
    asked = await _asked(request)
    question = str((asked.action.inputs or {}).get("question", ""))
    return alone(asked.choice, question=question, choice=asked.choice)


async def approve(request: Request) -> Response:
    """The answer from that page."""
    asked = await _asked(request)
    async with request.form(max_files=0, max_fields=10) as form:
        answer = given_answer(
            app_of(request), asked.choice, _field(form, "by") or "one-time link", _field(form, "comment")
        )
    await app_of(request).engine.answer(asked.run.id, asked.action.path, answer)
    return alone("Thank you", message=f"The answer is: {asked.choice}")


async def waiting_actions(app: App, run_id: str, kind: str) -> list[ActionRecord]:
    actions = await app.store.runs.actions(run_id)
    return [action for action in actions if action.kind == kind and action.status is Status.WAITING]


async def _asked(request: Request) -> Asked:
    app = app_of(request)
    run_id, key = request.path_params["run"], request.path_params["key"]
    for action in await waiting_actions(app, run_id, "ask"):
        for choice in (action.inputs or {}).get("choices", []):
            if same(key, approval_key(app.store.secrets.derive, run_id, action.path, choice)):
                return Asked(await app.store.runs.get(run_id), action, choice)
    raise NotFound(NOBODY)


def chosen_action(waiting: list[ActionRecord], wanted: Json) -> ActionRecord:
    fitting = [action for action in waiting if wanted in (None, format_path(action.path), action.name)]
    if not fitting:
        raise Conflict("the run does not wait for an answer" + (f" at {wanted!r:.80}" if wanted else ""))
    if len(fitting) > 1:
        paths = ", ".join(format_path(action.path) for action in fitting)
        raise Conflict(f'the run waits for several answers; name one as "action": {paths}')
    return fitting[0]


def given_answer(app: App, choice: str, by: str, comment: str) -> dict[str, Json]:
    return {"choice": choice, "by": by, "comment": comment, "at": timestamp(app.clock.now())}


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip()[:2_000] if isinstance(value, str) else ""


def routes() -> list[Route]:
    """Addresses that carry their own key."""
    return [
        Route("/callbacks/{run}/{key}", callback, methods=["POST"]),
        Route("/approvals/{run}/{key}", approval_page, methods=["GET"]),
        Route("/approvals/{run}/{key}", approve, methods=["POST"]),
    ]
