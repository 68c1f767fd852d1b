"""Closer looks: what an expression gives, where two runs part, a flow as a picture, what waits for a person."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App, picture
from flowengine.app.looking_back import evaluate_in, seen_in
from flowengine.lint.schema import flow_schema
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, Query, read
from flowengine.server.api.schemas import ANY, OBJECT, TEXT, list_of, record
from flowengine.server.context import Document, PlainDocument, app_of
from flowengine.server.examine import examine
from flowengine.spec.flow import Flow
from flowengine.store.comparing import compare
from flowengine.store.documents import timestamp
from flowengine.store.heads import Heads
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import JsonObject, format_path

PICTURES: Final = {"mermaid": picture.as_mermaid, "svg": picture.as_svg}


class Eval(Body):
    """An expression, and where it is to be seen from."""

    expression: str = Field(min_length=1, description="Such as `trigger.subject | upper`, or a whole template.")
    run: str | None = Field(default=None, description="See what this run saw: an id, `@last`, `@last-failed`.")
    action: str | None = Field(default=None, description="As it was just before this action.")
    event: Any = Field(default=None, description="What `trigger` is.")


async def eval_expression(request: Request) -> Response:
    """The value of an expression, in a run's context where one is named. Nothing is stored."""
    app, body = app_of(request), await read(request, Eval)
    run = await app.store.runs.find(body.run) if body.run else None
    names: JsonObject = await seen_in(app, run, body.action) if run else {}
    if body.event is not None:
        names["trigger"] = body.event
    return Document({"value": await evaluate_in(app, body.expression, names)})


async def compare_runs(request: Request) -> Response:
    """Where two runs part, and what differs after it."""
    runs, other = app_of(request).store.runs, request.query_params.get("with")
    if not other:
        raise HTTPException(400, "with must name the run to compare with")
    one, two = await runs.find(request.path_params["run"]), await runs.find(other)
    return Document(compare(one, await runs.actions(one.id), two, await runs.actions(two.id)))


async def draw_flow(request: Request) -> Response:
    """A flow as a picture, as Mermaid's text or as SVG; with `run`, in the version that ran and with what became of it."""
    app, query = app_of(request), request.query_params
    form = query.get("format", "mermaid")
    if form not in PICTURES:
        raise HTTPException(400, f"format must be one of: {', '.join(PICTURES)}")
    flow, actions = await _drawn(app, request.path_params["flow"], query.get("run"))
    return Document({"format": form, "picture": PICTURES[form](picture.outline(flow, actions))})


async def list_approvals(request: Request) -> Response:
    """What runs ask people and wait for, the oldest first; `POST /runs/{run}/answer` answers."""
    store = app_of(request).store
    asking = await Heads(store.reader).asking()
    found = await store.runs.get_many(sorted({action.run_id for action in asking})) if asking else []
    runs = {run.id: run for run in found}
    return Document({"approvals": [_approval(runs[one.run_id], one) for one in asking if one.run_id in runs]})


async def show_health(request: Request) -> Response:
    """How the engine and its project are, part by part, with what to do."""
    app = app_of(request)
    return Document({"checks": [one.to_json() for one in await examine(app, Heads(app.store.reader))]})


async def show_schema(request: Request) -> Response:
    """The JSON Schema of a flow with this project's connectors, for editors."""
    return PlainDocument(await asyncio.to_thread(flow_schema, app_of(request).catalog))


async def _drawn(app: App, flow_id: str, reference: str | None) -> tuple[Flow, Sequence[ActionRecord]]:
    if not reference:
        return app.library.get(flow_id), ()
    run = await app.store.runs.find(reference)
    if run.flow != flow_id:
        raise HTTPException(400, f"run {run.id} is one of {run.flow}, not of {flow_id:.80}")
    return await app.flow_version(run.flow, run.flow_version), await app.store.runs.actions(run.id)


def _approval(run: RunRecord, action: ActionRecord) -> JsonObject:
    asked: JsonObject = action.inputs if isinstance(action.inputs, dict) else {}
    return {
        "run": run.id,
        "flow": run.flow,
        "action": format_path(action.path),
        "to": asked.get("to"),
        "question": asked.get("question"),
        "choices": asked.get("choices"),
        "since": timestamp(action.started_at),
        "due_at": timestamp(action.due_at),
    }


ENDPOINTS: Final = (
    Endpoint(method="POST", path="/eval", handler=eval_expression, role=Role.VIEWER, body=Eval, gives={"value": ANY}),
    Endpoint(
        method="GET",
        path="/runs/{run}/diff",
        handler=compare_runs,
        role=Role.VIEWER,
        query=(Query("with", "The other run: an id, `@last`, `@last-failed`."),),
        gives={"a": TEXT, "b": TEXT, "differences": list_of(OBJECT)},
    ),
    Endpoint(
        method="GET",
        path="/flows/{flow}/graph",
        handler=draw_flow,
        role=Role.VIEWER,
        query=(
            Query("format", "What it is drawn as.", {"type": "string", "enum": list(PICTURES), "default": "mermaid"}),
            Query("run", "With what became of this run."),
        ),
        gives={"format": TEXT, "picture": TEXT},
    ),
    Endpoint(
        method="GET",
        path="/approvals",
        handler=list_approvals,
        role=Role.VIEWER,
        gives={"approvals": list_of(OBJECT)},
    ),
    Endpoint(
        method="GET",
        path="/health",
        handler=show_health,
        role=Role.VIEWER,
        gives={"checks": list_of(record(part=TEXT, state=TEXT, told=TEXT, remedy=TEXT))},
    ),
    Endpoint(method="GET", path="/schema", handler=show_schema, role=Role.VIEWER, plain=True),
)
