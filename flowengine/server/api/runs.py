"""`/api/v1/runs`: starting runs, looking at them, ending them, answering what they ask."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.server.access import Role, caller_of
from flowengine.server.answers import chosen_action, given_answer, waiting_actions
from flowengine.server.api.endpoint import (
    BEFORE,
    FLOW,
    FLOW_VERSION,
    LIMIT,
    PAGE_AT_MOST,
    SINCE,
    WAIT_AT_MOST,
    Body,
    Endpoint,
    Query,
    one_of,
    read,
    words,
)
from flowengine.server.api.schemas import NEXT, RUN, TEXT, list_of
from flowengine.server.context import Document, app_of, moment, number, truth
from flowengine.store.documents import run_document
from flowengine.store.records import RunRecord
from flowengine.types import JsonObject, Status, format_path


class Submit(Body):
    """What to run, and with what."""

    flow: str = Field(description="The flow's id.")
    event: Any = Field(default=None, description="What `trigger` is to the flow; the inputs when there is none.")
    inputs: dict[str, Any] = Field(default={}, description="Values for the flow's inputs.")
    wait: float = Field(default=0, ge=0, le=WAIT_AT_MOST, description="Seconds to wait for the run's end.")


class Cancel(Body):
    """Why the run is cancelled."""

    reason: str = Field(default="", max_length=2_000, description="For the history.")


class Answer(Body):
    """The answer to an `ask`."""

    choice: str = Field(description="One of the choices.")
    action: str | None = Field(default=None, description="The path of the `ask`, where the run waits for several.")
    by: str = Field(default="", max_length=2_000, description="Who answers; the caller's name when left out.")
    comment: str = Field(default="", max_length=2_000)


async def list_runs(request: Request) -> Response:
    """A page of runs, newest first; `next` is the id to give as `before` for the page after it."""
    query, store = request.query_params, app_of(request).store
    limit = number(request, "limit", 20, PAGE_AT_MOST)
    words_of = words(query.getlist("status"), list(Status))
    given = (query.get("flow"), words_of, moment(request, "since"))
    search, before, everywhere = query.get("search"), query.get("before"), truth(request, "everywhere")
    more: dict[str, Any] = {"limit": limit + 1, "before": before, "flow_version": query.get("flow_version")}
    if search:
        found, total = await store.runs.found(search, *given, **more, everywhere=everywhere)
    else:
        found, total = await store.runs.list(*given, **more), None
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    counted = {} if total is None else {"total": total}
    return Document({"runs": [run_document(run) for run in page], "next": following, **counted})


async def show_run(request: Request) -> Response:
    """One run with its actions. `?wait=10` answers when it has finished, or after so many seconds as it then is."""
    app, seconds = app_of(request), number(request, "wait", 0, WAIT_AT_MOST)
    run = await app.store.runs.find(request.path_params["run"])
    if seconds and not run.status.finished:
        run = await _waited(app, run, seconds)
    return Document({"run": await full_document(app, run)})


async def submit_run(request: Request) -> Response:
    """Start a run: 201 with the run, or 409 with why the event started none."""
    app, body = app_of(request), await read(request, Submit)
    run = await app.submit_run(body.flow, event=body.event, inputs=body.inputs)
    request.scope["flowengine.audit"] = {"target": run.id, "flow": run.flow}
    if body.wait > 0:
        run = await _waited(app, run, body.wait)
    return Document({"run": await full_document(app, run)}, 201)


async def cancel_run(request: Request) -> Response:
    """Cancel a run that goes on or waits."""
    app, body = app_of(request), await read(request, Cancel)
    run = await app.store.runs.find(request.path_params["run"])
    await app.engine.cancel(run.id, body.reason or "cancelled through the API")
    request.scope["flowengine.audit"] = {"target": run.id, "flow": run.flow}
    return Document({"run": await full_document(app, await app.store.runs.get(run.id))})


async def answer_run(request: Request) -> Response:
    """Give a waiting `ask` its answer."""
    app, body = app_of(request), await read(request, Answer)
    run = await app.store.runs.find(request.path_params["run"])
    action = chosen_action(await waiting_actions(app, run.id, "ask"), body.action)
    choices = list((action.inputs or {}).get("choices", []))
    if body.choice not in choices:
        raise HTTPException(400, f'the field "choice" must be one of: {", ".join(map(str, choices))}')
    by = body.by or getattr(caller_of(request), "name", "API")
    answer = given_answer(app, body.choice, by, body.comment)
    await app.engine.answer(run.id, action.path, answer)
    path = format_path(action.path)
    request.scope["flowengine.audit"] = {"target": run.id, "action": path, "choice": body.choice}
    return Document({"run": {"id": run.id}, "action": path, "answer": answer})


async def full_document(app: App, run: RunRecord) -> JsonObject:
    """RUN with everything in it."""
    event = await app.store.events.get(run.event_id) if run.event_id else None
    entry = app.library.entries.get(run.flow)
    actions = await app.store.runs.actions(run.id)
    return run_document(run, actions=actions, event=event, flow_file=entry.file if entry else None)


async def _waited(app: App, run: RunRecord, seconds: float) -> RunRecord:
    try:
        return await app.engine.wait(run.id, seconds)
    except TimeoutError:
        return await app.store.runs.get(run.id)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/runs",
        handler=list_runs,
        role=Role.VIEWER,
        query=(
            FLOW,
            FLOW_VERSION,
            Query("status", "Only these; repeatable, or separated by commas.", one_of(list(Status))),
            SINCE,
            Query("search", "Only runs whose event, inputs, output or error hold this text; `total` says how many do."),
            Query("everywhere", "Let `search` look into the actions' inputs and outputs, too.", {"type": "boolean"}),
            LIMIT,
            BEFORE,
        ),
        gives={"runs": list_of(RUN), "next": NEXT},
    ),
    Endpoint(
        method="POST",
        path="/runs",
        handler=submit_run,
        role=Role.OPERATOR,
        body=Submit,
        gives={"run": RUN},
        status=201,
        repeatable=True,
    ),
    Endpoint(
        method="GET",
        path="/runs/{run}",
        handler=show_run,
        role=Role.VIEWER,
        query=(
            Query(
                "wait",
                "Answer when the run has finished, or after so many seconds.",
                {"type": "integer", "minimum": 1, "maximum": WAIT_AT_MOST},
            ),
        ),
        gives={"run": RUN},
    ),
    Endpoint(
        method="POST",
        path="/runs/{run}/cancel",
        handler=cancel_run,
        role=Role.OPERATOR,
        body=Cancel,
        gives={"run": RUN},
        repeatable=True,
    ),
    Endpoint(
        method="POST",
        path="/runs/{run}/answer",
        handler=answer_run,
        role=Role.OPERATOR,
        body=Answer,
        gives={"run": {"type": "object", "properties": {"id": TEXT}}, "action": TEXT, "answer": {"type": "object"}},
        repeatable=True,
    ),
)
