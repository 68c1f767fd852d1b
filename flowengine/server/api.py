"""`/api/v1`: what the command line does, over HTTP, with the same documents."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from flowengine.app import App
from flowengine.errors import NotFound
from flowengine.findings import did_you_mean
from flowengine.server.answers import answer_run
from flowengine.server.connections import ROUTES as OF_CONNECTIONS
from flowengine.server.context import Document, Handler, app_of, body_of, moment, number
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import Schedule
from flowengine.store.documents import event_document, run_document, timestamp
from flowengine.store.records import RunRecord
from flowengine.triggers.library import Entry
from flowengine.triggers.schedule import times
from flowengine.types import Disposition, JsonObject, Status

PREFIX: Final = "/api/v1"
PAGE_AT_MOST: Final = 500
WAIT_AT_MOST: Final = 60

# Runs


async def list_runs(request: Request) -> Document:
    """A page of runs, newest first; `next` is the id to give as `before` for the page after it."""
    query = request.query_params
    limit = number(request, "limit", 20, PAGE_AT_MOST)
    found = await app_of(request).store.runs.list(
        flow=query.get("flow"),
        statuses=_words(query.getlist("status"), Status),
        since=moment(request, "since"),
        search=query.get("search"),
        limit=limit + 1,
        before=query.get("before"),
    )
    page = found[:limit]
    return Document({"runs": [run_document(run) for run in page], "next": page[-1].id if len(found) > limit else None})


async def show_run(request: Request) -> Document:
    """One run with its actions. `?wait=10` answers when it has finished, or after so many seconds as it then is."""
    app = app_of(request)
    run = await app.store.runs.find(request.path_params["run"])
    if "wait" in request.query_params and not run.status.finished:
        run = await _waited(app, run, number(request, "wait", 0, WAIT_AT_MOST))
    return Document({"run": await full_document(app, run)})


async def submit_run(request: Request) -> Document:
    """Start a run: `{"flow", "event"?, "inputs"?, "wait"?}`; 201 with the run, or 409 with why the event started none."""
    app, body = app_of(request), await body_of(request)
    unknown = sorted(body.keys() - {"flow", "event", "inputs", "wait"})
    if unknown or not isinstance(body.get("flow"), str):
        told = f'unknown field "{unknown[0]}"' if unknown else 'the field "flow" must be a flow\'s id'
        raise HTTPException(400, told)
    inputs = body.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise HTTPException(400, 'the field "inputs" must be an object')
    run = await app.submit_run(body["flow"], event=body.get("event"), inputs=inputs)
    wait = body.get("wait")
    if isinstance(wait, (int, float)) and wait > 0:
        run = await _waited(app, run, min(wait, WAIT_AT_MOST))
    return Document({"run": await full_document(app, run)}, 201)


async def cancel_run(request: Request) -> Document:
    """Cancel a run: `{"reason"?}`."""
    app, body = app_of(request), await body_of(request)
    run = await app.store.runs.find(request.path_params["run"])
    await app.engine.cancel(run.id, str(body.get("reason") or "cancelled through the API"))
    return Document({"run": await full_document(app, await app.store.runs.get(run.id))})


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


# Events


async def list_events(request: Request) -> Document:
    """A page of events, newest first."""
    app, query = app_of(request), request.query_params
    limit = number(request, "limit", 20, PAGE_AT_MOST)
    found = await app.store.events.list(
        flow=query.get("flow"),
        dispositions=_words(query.getlist("disposition"), Disposition),
        since=moment(request, "since"),
        limit=limit + 1,
        before=query.get("before"),
    )
    page = found[:limit]
    runs = await app.store.events.run_ids([event.id for event in page])
    documents = [event_document(event, runs[event.id]) for event in page]
    return Document({"events": documents, "next": page[-1].id if len(found) > limit else None})


async def show_event(request: Request) -> Document:
    """One event with what came and why it did or did not start a run."""
    store = app_of(request).store
    event = await store.events.get(request.path_params["event"])
    runs = await store.events.run_ids([event.id])
    return Document({"event": event_document(event, runs[event.id], body=True)})


# Flows


async def list_flows(request: Request) -> Document:
    """Every file of `flows/`, what is in force and how its triggers stand."""
    app = app_of(request)
    return Document({"flows": [_flow_document(app, entry) for entry in app.library.entries.values()]})


async def show_flow(request: Request) -> Document:
    """One flow with its text."""
    app = app_of(request)
    entry = _entry(app, request)
    text = entry.flow.source.text if entry.flow else None
    return Document({"flow": {**_flow_document(app, entry), "text": text}})


async def enable_flow(request: Request) -> Document:
    """Switch a flow on: its webhooks are registered and its events start runs."""
    return await _switch(request, on=True)


async def disable_flow(request: Request) -> Document:
    """Switch a flow off: its webhooks are removed, and events that come anyway are recorded as disabled."""
    return await _switch(request, on=False)


async def next_times(request: Request) -> Document:
    """The coming times of a flow's schedules: `?n=5`."""
    app = app_of(request)
    flow = app.library.get(request.path_params["flow"])
    count = number(request, "n", 5, 100)
    return Document({"next": [{"trigger": one.key, "at": timestamp(at)} for one, at in _coming(app, flow, count)]})


async def _switch(request: Request, *, on: bool) -> Document:
    app = app_of(request)
    await app.triggers.switch(request.path_params["flow"], on)
    await app.triggers.settled()
    return Document({"flow": _flow_document(app, _entry(app, request))})


def _entry(app: App, request: Request) -> Entry:
    flow_id = request.path_params["flow"]
    if flow_id not in app.library.entries:
        raise NotFound(f'there is no flow "{flow_id}"; {did_you_mean(flow_id, app.library.entries)}'.rstrip("; "))
    return app.library.entries[flow_id]


def _flow_document(app: App, entry: Entry) -> JsonObject:
    flow = entry.flow
    return {
        "id": entry.id,
        "name": flow.name if flow else entry.id,
        "description": flow.description if flow else "",
        "file": entry.file,
        "valid": not entry.broken,
        "enabled": bool(flow and app.triggers.enabled(flow)),
        "version": flow.version if flow else None,
        "triggers": [state.to_json() for state in app.triggers.states(flow)] if flow else [],
        "findings": [finding.to_json() for finding in entry.findings],
    }


def _coming(app: App, flow: Flow, count: int) -> list[tuple[Schedule, datetime]]:
    now = app.clock.now()
    schedules = [trigger for trigger in flow.triggers if isinstance(trigger, Schedule)]
    found = [(trigger, at) for trigger in schedules for at in islice(times(trigger, now), count)]
    return sorted(found, key=lambda one: one[1])[:count]


# Secrets: they go in and never come out


async def list_secrets(request: Request) -> Document:
    """The names of the secrets."""
    return Document({"secrets": [{"name": name} for name in await app_of(request).store.secrets.names()]})


async def set_secret(request: Request) -> Document:
    """Store a secret: `{"value"}`."""
    app, body, name = app_of(request), await body_of(request), request.path_params["secret"]
    if not name.replace("-", "_").isidentifier():
        raise HTTPException(400, f'"{name}" cannot be a secret\'s name; use letters, digits and _')
    if not isinstance(body.get("value"), str) or not body["value"]:
        raise HTTPException(400, 'the field "value" must be a text that is not empty')
    await app.set_secret(name, body["value"])
    return Document({"secret": {"name": name}})


async def delete_secret(request: Request) -> Document:
    """Forget a secret."""
    app, name = app_of(request), request.path_params["secret"]
    await app.secrets.delete(name)
    return Document({"secret": {"name": name, "deleted": True}})


# Connectors


async def list_connectors(request: Request) -> Document:
    """Every connector in a line."""
    return Document({"connectors": [summary.to_json() for summary in app_of(request).catalog.summaries()]})


async def show_connector(request: Request) -> Document:
    """Everything that a connector can do."""
    return Document({"connector": app_of(request).catalog.get(request.path_params["connector"]).to_json()})


def _words(given: list[str], kind: type[Status | Disposition]) -> list[str]:
    """Repeated or comma-separated words of the query, each known."""
    words = [word for text in given for word in text.split(",") if word]
    known = [str(one) for one in kind]
    for word in words:
        if word not in known:
            raise HTTPException(400, f'"{word:.40}" is not one of: {", ".join(known)}')
    return words


ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/runs", list_runs),
    ("POST", "/runs", submit_run),
    ("GET", "/runs/{run}", show_run),
    ("POST", "/runs/{run}/cancel", cancel_run),
    ("POST", "/runs/{run}/answer", answer_run),
    ("GET", "/events", list_events),
    ("GET", "/events/{event}", show_event),
    ("GET", "/flows", list_flows),
    ("GET", "/flows/{flow}", show_flow),
    ("POST", "/flows/{flow}/enable", enable_flow),
    ("POST", "/flows/{flow}/disable", disable_flow),
    ("GET", "/flows/{flow}/next", next_times),
    ("GET", "/secrets", list_secrets),
    ("PUT", "/secrets/{secret}", set_secret),
    ("DELETE", "/secrets/{secret}", delete_secret),
    ("GET", "/connectors", list_connectors),
    ("GET", "/connectors/{connector}", show_connector),
    *OF_CONNECTIONS,
)


def routes() -> list[Route]:
    """The API's routes."""
    return [Route(PREFIX + path, handler, methods=[method]) for method, path, handler in ROUTES]
