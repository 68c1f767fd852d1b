"""One run: what went wrong on top, the path it took, what each action was given and gave back, and doing it again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from flowengine.app import App
from flowengine.errors import FlowEngineError, NotFound
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.pages import again, charts, detail, graph, state
from flowengine.server.pages.advice import advice
from flowengine.server.pages.excerpt import excerpt
from flowengine.server.pages.forms import form_of
from flowengine.server.pages.gantt import timeline
from flowengine.server.pages.passing import Way, passed
from flowengine.server.pages.render import page
from flowengine.server.pages.rounds import Rounds
from flowengine.server.pages.routing import Row, see
from flowengine.server.pages.shown import between, pretty
from flowengine.spec.actions import Action, OperationAction
from flowengine.spec.flow import Flow
from flowengine.store.documents import readable
from flowengine.store.heads import ActionHead
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Json, Path, Status, format_path, parse_path

RECENT: Final = 50
"""Runs of the flow that are looked at for how long it usually takes."""
MOST: Final = 3_000
"""Action runs that a page reads; of longer runs the shown iterations are read besides."""
COUNTED: Final = 20_000
"""Action runs that are counted for the picture; if there are more, it says so."""
VIEWS: Final = ("picture", "list", "timeline", "log")
TABS: Final = ("inputs", "outputs", "request", "attempts", "file", "values")
ALARMING: Final = (Status.FAILED, Status.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Seen:
    """A run with what its page is made of."""

    run: RunRecord
    flow: Flow | None
    """The version that ran; None when its text is gone."""
    text: str
    actions: tuple[ActionHead, ...]
    chosen: Path
    detail: ActionRecord | None


async def show_run(request: Request) -> Response:
    """`GET /runs/{run}`: `?action=` chooses an action, `?view=` and `?tab=` what is shown of run and action."""
    app = app_of(request)
    run = await app.store.runs.find(request.path_params["run"])
    query = request.query_params
    seen = await look(app, request, run, parse_path(query.get("action", "")))
    tab = _one_of(request, "tab", TABS) if "tab" in query else _telling_tab(seen.detail)
    heads = state.of(request).heads
    (older, newer), after, recent = await asyncio.gather(
        heads.beside(run.flow, run.id), heads.begun_again(run.id), heads.recent(run.flow, RECENT)
    )
    names = state.names(app)
    return await page(
        request,
        "run.html",
        run=run,
        seen=seen,
        name=seen.flow.name if seen.flow else names.get(run.flow, run.flow),
        older=older,
        newer=newer,
        after=after,
        view=_one_of(request, "view", VIEWS),
        tab=tab,
        kept_tab=tab if "tab" in query else "",
        sent=detail.calls_of(seen.detail),
        written=detail.written(seen.text, _action_at(seen)),
        looked=await detail.look_up(app, run, seen.chosen, query.get("expression", "")) if tab == "values" else None,
        usual=detail.usual(recent),
        bars=charts.strip(recent),
        label=charts.strip_label(recent[: charts.STRIP]),
        made=detail.made_by_templates(_action_at(seen), seen.detail.inputs if seen.detail else None),
        failure=failure_of(app, seen),
        action=_action_at(seen),
        file=_file(app, run.flow),
        calls=await _called(app, seen),
        forms=again.forms(app, run, seen.flow, seen.actions, chosen=seen.chosen),
        command=f"flowengine runs show {run.id}" + (f" --action {format_path(seen.chosen)}" if seen.chosen else ""),
        log=await _log(request, seen),
        may_operate=may(request, Role.OPERATOR),
        may_edit=may(request, Role.ADMIN) and run.flow in app.library.entries,
        **_drawn(app, seen, await _passed(request, seen)),
    )


async def look(app: App, request: Request, run: RunRecord, wanted: Path) -> Seen:
    """Read what the page needs of a run. Raises `NotFound` for an action that is not in it."""
    heads = state.of(request).heads
    flow, text = await _version(app, run)
    actions = await heads.actions(run.id, MOST)
    chosen = wanted or _telling(run, actions)
    loops = [chosen[: at + 1] for at, part in enumerate(chosen) if isinstance(part, int)]
    if len(actions) == MOST and loops:
        more = await asyncio.gather(*(heads.below(run.id, loop, MOST) for loop in loops[:1]))
        known = {action.path for action in actions}
        actions += [action for found in more for action in found if action.path not in known]
    detail = await heads.action(run.id, chosen) if chosen else None
    if wanted and detail is None and not any(action.path[: len(wanted)] == wanted for action in actions):
        raise NotFound(f'run {run.id} has no action "{format_path(wanted)[:200]}"')
    return Seen(run, flow, text, tuple(actions), chosen, detail)


async def _version(app: App, run: RunRecord) -> tuple[Flow | None, str]:
    try:
        flow = await app.flow_version(run.flow, run.flow_version)
    except FlowEngineError:
        return None, ""
    return flow, flow.source.text


def _telling(run: RunRecord, actions: Sequence[ActionHead]) -> Path:
    """The action to show when none was chosen: where it failed, where it waits, else the last that did something."""
    failed = parse_path(str((run.error or {}).get("action") or ""))
    if failed and any(action.path == failed for action in actions):
        return failed
    for wanted in (ALARMING, (Status.WAITING, Status.RUNNING)):
        found = [action for action in actions if action.status in wanted]
        if found:
            return max(found, key=lambda action: (len(action.path), action.number)).path
    did = [action for action in actions if action.status is not Status.SKIPPED]
    return did[-1].path if did else ()


def _telling_tab(detail: ActionRecord | None) -> str:
    return "inputs" if detail is None or detail.status in ALARMING or detail.outputs is None else "outputs"


def _one_of(request: Request, name: str, words: Sequence[str]) -> str:
    given = request.query_params.get(name, "")
    return given if given in words else words[0]


@dataclass(frozen=True, slots=True)
class Failure:
    """The card on top of a run that went wrong."""

    error: dict[str, Any]
    told: str
    lines: list[Any]
    where: str
    attempts: int


def failure_of(app: App, seen: Seen) -> Failure | None:
    """What happened, where in the file, what to do."""
    error = seen.run.error
    if error is None:
        return None
    where = f"{_file(app, seen.run.flow)}:{error['line']}" if error.get("line") else ""
    at = parse_path(str(error.get("action") or ""))
    attempts = len(seen.detail.attempts) if seen.detail and seen.detail.path == at else 0
    return Failure(error, advice(error), excerpt(seen.text, error.get("line"), error.get("column")), where, attempts)


def _file(app: App, flow_id: str) -> str:
    entry = app.library.entries.get(flow_id)
    return entry.file if entry else f"flows/{flow_id}.yaml"


def _action_at(seen: Seen) -> Action | None:
    """What the flow says of the chosen action."""
    if seen.flow is None:
        return None
    plain = tuple(part for part in seen.chosen if isinstance(part, str))
    return next((action for path, action in seen.flow.walk() if path == plain), None)


async def _called(app: App, seen: Seen) -> RunRecord | None:
    """The run that the chosen `call` began."""
    if seen.detail is None or seen.detail.kind != "call":
        return None
    return await app.store.runs.called_by(seen.run.id, format_path(seen.chosen))


async def _passed(request: Request, seen: Seen) -> dict[Way, str]:
    """How many items went where, over more actions than the page shows."""
    if seen.flow is None:
        return {}
    cut = len(seen.actions) >= MOST
    if not cut or not seen.run.status.finished:  # a page that refreshes itself counts no more than it shows
        shown = ((one.path, one.status, one.skipped_because) for one in seen.actions)
        return passed(seen.flow, shown, cut=cut)
    records = await state.of(request).heads.passages(seen.run.id, COUNTED)
    return await asyncio.to_thread(passed, seen.flow, records, cut=len(records) == COUNTED)


def _drawn(app: App, seen: Seen, counted: dict[Way, str]) -> dict[str, Any]:
    """The picture, the list, the timeline and the pagers."""
    rounds = Rounds(seen.actions, seen.chosen)
    now = app.clock.now()
    shown = [action for action in seen.actions if rounds.is_shown(action.path)]
    began = seen.run.started_at or seen.run.created_at
    did = {action.path: graph.Did(action.status, _took(action)) for action in shown}
    return {
        "picture": graph.draw(seen.flow, did, rounds.shown, counted) if seen.flow else None,
        "shown": shown,
        "pagers": rounds.pagers({action.path: action.name for action in seen.actions}),
        "timeline": timeline(seen.actions, began, seen.run.finished_at or now),
        "operation": operation_of(app, seen),
        "cut": len(seen.actions) >= MOST,
    }


def _took(action: ActionHead) -> str:
    if action.status is Status.SKIPPED or action.kind not in ("use", "call", "wait", "ask", "wait_for", "wait_until"):
        return ""
    return between(action.started_at, action.finished_at)


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the log."""

    at: datetime
    path: str
    name: str
    status: Status
    said: str | None
    """What a `log` action said; None for the end of any other action."""
    text: str = ""


async def _log(request: Request, seen: Seen) -> list[Said]:
    """What `log` actions said, and the end of every other action, by time."""
    if request.query_params.get("view") != "log":
        return []
    texts = await state.of(request).heads.said(seen.run.id, MOST)
    lines = [
        Said(
            action.finished_at or action.started_at,
            format_path(action.path),
            action.name,
            action.status,
            texts.get(action.path),
            action.skipped_because or action.message or between(action.started_at, action.finished_at),
        )
        for action in seen.actions
    ]
    return sorted(lines, key=lambda line: line.at)


@dataclass(frozen=True, slots=True)
class Called:
    """The operation behind the chosen action."""

    connector: str
    id: str
    method: str
    path: str
    summary: str


def operation_of(app: App, seen: Seen) -> Called | None:
    """What the chosen action calls."""
    action = _action_at(seen)
    if not isinstance(action, OperationAction):
        return None
    found = app.calls.operation(action.connector, action.operation)
    if found is None:
        return Called(action.connector, action.operation, "", "", "")
    return Called(action.connector, found.id, found.method.upper(), found.path, found.summary or "")


async def whole_value(request: Request) -> Response:
    """`GET /runs/{run}/value?action=&part=inputs`: a value as text, however long."""
    app, query = app_of(request), request.query_params
    run = await app.store.runs.find(request.path_params["run"])
    part = query.get("part", "")
    value = await _value(app, request, run, part)
    return PlainTextResponse(
        pretty(value, None), headers={"x-content-type-options": "nosniff", "cache-control": "no-store"}
    )


async def _value(app: App, request: Request, run: RunRecord, part: str) -> Json:
    if part == "event" and run.event_id:
        return readable((await app.store.events.get(run.event_id)).body)
    if part == "output":
        return run.output
    action = await state.of(request).heads.action(run.id, parse_path(request.query_params.get("action", "")))
    if action is None or part not in ("inputs", "outputs", "error"):
        raise HTTPException(404, "there is no such value")
    return {"inputs": action.inputs, "outputs": action.outputs, "error": action.error}[part]


async def cancel_run(request: Request) -> Response:
    """`POST /runs/{run}/cancel`."""
    app = app_of(request)
    run = await app.store.runs.find(request.path_params["run"])
    form = await form_of(request)
    await app.engine.cancel(run.id, form.one("reason")[:500] or "cancelled on the web page")
    request.scope["flowengine.audit"] = {"target": run.id, "flow": run.flow}
    return see(f"/runs/{run.id}", "cancelled")


ROUTES: tuple[Row, ...] = (
    ("GET", "/runs/{run}", show_run),
    ("GET", "/runs/{run}/value", whole_value),
    ("POST", "/runs/{run}/cancel", cancel_run),
)
