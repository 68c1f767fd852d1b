"""`/api/v1/flows`: what is in force, switches, coming times, and the versions there have been."""

from __future__ import annotations

from datetime import datetime
from difflib import unified_diff
from itertools import islice
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.errors import NotFound
from flowengine.findings import did_you_mean
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Endpoint, Nothing, Query, read
from flowengine.server.api.schemas import MOMENT, TEXT, list_of, record, ref
from flowengine.server.context import Document, app_of, number
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import Schedule
from flowengine.store.documents import timestamp
from flowengine.triggers.library import Entry
from flowengine.triggers.schedule import times
from flowengine.types import JsonObject


async def list_flows(request: Request) -> Response:
    """Every file of `flows/`, what is in force and how its triggers stand."""
    app = app_of(request)
    return Document({"flows": [flow_document(app, entry) for entry in app.library.entries.values()]})


async def show_flow(request: Request) -> Response:
    """One flow with the text in force."""
    app = app_of(request)
    entry = entry_of(app, request.path_params["flow"])
    text = entry.flow.source.text if entry.flow else None
    return Document({"flow": {**flow_document(app, entry), "text": text}})


async def enable_flow(request: Request) -> Response:
    """Switch a flow on: its webhooks are registered and its events start runs."""
    return await _switch(request, on=True)


async def disable_flow(request: Request) -> Response:
    """Switch a flow off: its webhooks are removed, and events that come anyway are recorded as disabled."""
    return await _switch(request, on=False)


async def next_times(request: Request) -> Response:
    """The coming times of a flow's schedules."""
    app = app_of(request)
    flow = app.library.get(request.path_params["flow"])
    count = number(request, "n", 5, 100)
    return Document({"next": [{"trigger": one.key, "at": timestamp(at)} for one, at in _coming(app, flow, count)]})


async def list_versions(request: Request) -> Response:
    """The texts that a flow's file has had, newest first; the runs of each keep it."""
    app, flow_id = app_of(request), request.path_params["flow"]
    entry_of(app, flow_id)
    found = await app.store.flows.versions(flow_id)
    return Document({"versions": [{"version": one.version, "saved_at": timestamp(one.saved_at)} for one in found]})


async def show_version(request: Request) -> Response:
    """The text of one version."""
    flow_id, version = request.path_params["flow"], request.path_params["version"]
    text = await app_of(request).store.flows.version_text(flow_id, version)
    return Document({"flow": flow_id, "version": version, "text": text})


async def diff_versions(request: Request) -> Response:
    """What changed from one version to another, as a unified diff; `to` is the text in force when it is left out."""
    app, flow_id = app_of(request), request.path_params["flow"]
    first, last = request.query_params.get("from"), request.query_params.get("to")
    if not first:
        raise HTTPException(400, "from must be a version; see the list of versions")
    new = last or app.library.get(flow_id).version
    texts = [await app.store.flows.version_text(flow_id, version) for version in (first, new)]
    return Document({"diff": diff(texts[0], texts[1], first, new)})


def diff(before: str, after: str, name: str, new_name: str) -> str:
    """The unified diff of two texts; empty when they are equal."""
    lines = unified_diff(before.splitlines(), after.splitlines(), name, new_name, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def entry_of(app: App, flow_id: str) -> Entry:
    """Raises `NotFound` with the nearest spelling."""
    if flow_id not in app.library.entries:
        raise NotFound(f'there is no flow "{flow_id}"; {did_you_mean(flow_id, app.library.entries)}'.rstrip("; "))
    return app.library.entries[flow_id]


def flow_document(app: App, entry: Entry) -> JsonObject:
    """FLOW, as lists show it."""
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


async def _switch(request: Request, *, on: bool) -> Response:
    app = app_of(request)
    await read(request, Nothing)
    await app.triggers.switch(request.path_params["flow"], on)
    await app.triggers.settled()
    return Document({"flow": flow_document(app, entry_of(app, request.path_params["flow"]))})


def _coming(app: App, flow: Flow, count: int) -> list[tuple[Schedule, datetime]]:
    now = app.clock.now()
    schedules = [trigger for trigger in flow.triggers if isinstance(trigger, Schedule)]
    found = [(trigger, at) for trigger in schedules for at in islice(times(trigger, now), count)]
    return sorted(found, key=lambda one: one[1])[:count]


_FLOW = {"flow": ref("Flow")}
ENDPOINTS: Final = (
    Endpoint(method="GET", path="/flows", handler=list_flows, role=Role.VIEWER, gives={"flows": list_of(ref("Flow"))}),
    Endpoint(method="GET", path="/flows/{flow}", handler=show_flow, role=Role.VIEWER, gives=_FLOW),
    Endpoint(
        method="POST",
        path="/flows/{flow}/enable",
        handler=enable_flow,
        role=Role.OPERATOR,
        body=Nothing,
        gives=_FLOW,
    ),
    Endpoint(
        method="POST",
        path="/flows/{flow}/disable",
        handler=disable_flow,
        role=Role.OPERATOR,
        body=Nothing,
        gives=_FLOW,
    ),
    Endpoint(
        method="GET",
        path="/flows/{flow}/next",
        handler=next_times,
        role=Role.VIEWER,
        query=(Query("n", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 5}),),
        gives={"next": list_of(record(trigger=TEXT, at=MOMENT))},
    ),
    Endpoint(
        method="GET",
        path="/flows/{flow}/versions",
        handler=list_versions,
        role=Role.VIEWER,
        gives={"versions": list_of(ref("Version"))},
    ),
    Endpoint(
        method="GET",
        path="/flows/{flow}/versions/{version}",
        handler=show_version,
        role=Role.VIEWER,
        gives={"flow": TEXT, "version": TEXT, "text": TEXT},
    ),
    Endpoint(
        method="GET",
        path="/flows/{flow}/diff",
        handler=diff_versions,
        role=Role.VIEWER,
        query=(Query("from", "A version."), Query("to", "Another; the one in force when left out.")),
        gives={"diff": TEXT},
    ),
)
