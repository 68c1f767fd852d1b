"""The list of flows, and what one is: its days, its picture, its text with what is wrong beside it, its versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App, NotStarted
from flowengine.errors import FlowEngineError, NotFound
from flowengine.findings import Finding, Severity, did_you_mean
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.pages import charts, graph, state
from flowengine.server.pages.forms import form_of
from flowengine.server.pages.operations import Help, help_of
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row, see
from flowengine.server.pages.run_form import Field, fields_of, read_fields
from flowengine.server.pages.uses import uses_of
from flowengine.spec.flow import Flow
from flowengine.spec.schedules import coming, read_schedule
from flowengine.spec.triggers import Schedule
from flowengine.spec.words import starts
from flowengine.store.heads import RunHead
from flowengine.triggers.library import Entry
from flowengine.triggers.states import TriggerState

VERSIONS: Final = 100
EVENTS: Final = 15
RUNS: Final = 15


@dataclass(frozen=True, slots=True)
class Listed:
    """A flow in the list."""

    entry: Entry
    name: str
    on: bool
    words: tuple[str, ...]
    troubles: tuple[TriggerState, ...]
    last: RunHead | None
    next_at: datetime | None
    bars: list[charts.Bar]
    label: str
    errors: int
    warnings: int


async def list_flows(request: Request) -> Response:
    """`GET /flows`."""
    app = app_of(request)
    strips = await state.of(request).heads.strips(list(app.library.entries), charts.STRIP)
    listed = [_listed(app, entry, strips[entry.id]) for entry in app.library.entries.values()]
    listed.sort(key=lambda one: (not one.errors, one.name.lower()))
    return await page(
        request,
        "flows.html",
        flows=listed,
        may_operate=may(request, Role.OPERATOR),
        may_edit=may(request, Role.ADMIN),
        command="flowengine flows list",
    )


def _listed(app: App, entry: Entry, runs: list[RunHead]) -> Listed:
    flow = entry.flow
    states = app.triggers.states(flow) if flow else []
    return Listed(
        entry=entry,
        name=flow.name if flow else entry.id,
        on=bool(flow and app.triggers.enabled(flow)),
        words=tuple(starts(trigger) for trigger in flow.triggers) if flow else (),
        troubles=tuple(one for one in states if one.state == "failed"),
        last=runs[0] if runs else None,
        next_at=next_time(app, flow) if flow else None,
        bars=charts.strip(runs),
        label=charts.strip_label(runs),
        errors=_count(entry.findings, Severity.ERROR),
        warnings=_count(entry.findings, Severity.WARNING),
    )


def _count(findings: tuple[Finding, ...], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in findings)


def next_time(app: App, flow: Flow) -> datetime | None:
    """When a schedule starts the flow next, or when it is polled next."""
    if not app.triggers.enabled(flow):
        return None
    times = [one.next_at for one in app.triggers.states(flow) if one.next_at]
    for trigger in flow.triggers:
        if isinstance(trigger, Schedule):
            times += coming(read_schedule(trigger.recurrence, trigger.timezone), app.clock.now(), 1)
    return min(times, default=None)


def entry_of(app: App, request: Request) -> Entry:
    """The flow that the address names. Raises `NotFound` with the nearest spelling."""
    flow_id = request.path_params["flow"]
    if flow_id not in app.library.entries:
        raise NotFound(f'there is no flow "{flow_id}"; {did_you_mean(flow_id, app.library.entries)}'.rstrip("; "))
    return app.library.entries[flow_id]


async def show_flow(request: Request) -> Response:
    """`GET /flows/{flow}`: its days, its triggers, its picture and its latest runs."""
    app = app_of(request)
    entry = entry_of(app, request)
    heads = state.of(request).heads
    days = await state.of(request).tally.days()
    return await _page(
        request,
        entry,
        "flow.html",
        tab="picture",
        chart=charts.chart(days, entry.id),
        picture=graph.draw(entry.flow) if entry.flow else None,
        runs=await heads.recent(entry.id, RUNS),
        states=app.triggers.states(entry.flow) if entry.flow else [],
        starts=starts,
        coming=_coming(app, entry.flow),
        names=state.names(app),
        uses=uses_of(app, entry.flow),
        command=f"flowengine flows show {entry.id}",
    )


def _coming(app: App, flow: Flow | None) -> list[datetime]:
    if flow is None or not app.triggers.enabled(flow):
        return []
    found: list[datetime] = []
    for trigger in flow.triggers:
        if isinstance(trigger, Schedule):
            found += coming(read_schedule(trigger.recurrence, trigger.timezone), app.clock.now(), 5)
    return sorted(found)[:5]


async def _page(request: Request, entry: Entry, template: str, **context: Any) -> Response:
    app = app_of(request)
    return await page(
        request,
        template,
        entry=entry,
        flow=entry.flow,
        name=entry.flow.name if entry.flow else entry.id,
        on=bool(entry.flow and app.triggers.enabled(entry.flow)),
        errors=_count(entry.findings, Severity.ERROR),
        warnings=_count(entry.findings, Severity.WARNING),
        may_operate=may(request, Role.OPERATOR),
        may_edit=may(request, Role.ADMIN),
        **context,
    )


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a flow's file with what is said about it."""

    number: int
    text: str
    findings: tuple[Finding, ...] = ()
    operation: str = ""
    """What the line calls, such as `livechat.ListAgents`."""


async def show_text(request: Request) -> Response:
    """`GET /flows/{flow}/yaml`: the file as it stands, with findings beside it; `?help=` explains an operation."""
    app = app_of(request)
    entry = entry_of(app, request)
    text = _file_text(app, entry)
    wanted = request.query_params.get("help", "")
    helped: Help | None = help_of(app.catalog, wanted) if wanted else None
    return await _page(
        request,
        entry,
        "flow_text.html",
        tab="yaml",
        lines=_lines(text, entry),
        helped=helped,
        command=f"flowengine check {entry.file}",
    )


def _file_text(app: App, entry: Entry) -> str:
    """The file as it is now; the version in force when it cannot be read."""
    try:
        return (app.settings.flows.parent / entry.file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return entry.flow.source.text if entry.flow else ""


def _lines(text: str, entry: Entry) -> list[TextLine]:
    said: dict[int, list[Finding]] = {}
    for finding in entry.findings:
        said.setdefault(finding.span.line, []).append(finding)
    return [
        TextLine(number, line, tuple(said.get(number, ())), _operation(line))
        for number, line in enumerate(text.splitlines(), 1)
    ]


def _operation(line: str) -> str:
    """What a line of the file calls."""
    key, _, value = line.strip().removeprefix("- ").partition(":")
    value = value.strip().strip("\"'")
    return value if key in ("use", "poll") and value.count(".") == 1 else ""


async def show_versions(request: Request) -> Response:
    """`GET /flows/{flow}/versions`: every text the flow had, and what changed from one to the next."""
    app = app_of(request)
    entry = entry_of(app, request)
    versions = (await app.store.flows.versions(entry.id))[:VERSIONS]
    ids = [version.version for version in versions]
    newest = entry.flow.version if entry.flow else ""
    chosen = request.query_params.get("version", "") or newest or (ids[0] if ids else "")
    before = request.query_params.get("from", "") or _before(ids, chosen)
    text = await app.store.flows.version_text(entry.id, chosen) if chosen else ""
    return await _page(
        request,
        entry,
        "flow_versions.html",
        tab="versions",
        versions=versions,
        newest=newest,
        chosen=chosen,
        before=before,
        text=text,
        diff=await _diff(app, entry.id, before, chosen) if before else [],
        command=f"flowengine flows versions {entry.id}",
    )


def _before(ids: list[str], chosen: str) -> str:
    """The version before the chosen one."""
    at = ids.index(chosen) + 1 if chosen in ids else len(ids)
    return ids[at] if at < len(ids) else ""


async def _diff(app: App, flow_id: str, before: str, after: str) -> list[str]:
    old, new = [(await app.store.flows.version_text(flow_id, version)).splitlines() for version in (before, after)]
    return list(unified_diff(old, new, fromfile=before, tofile=after, lineterm=""))


async def run_form(request: Request) -> Response:
    """`GET /flows/{flow}/run`: start the flow with inputs, or with a past event."""
    return await _run_form(request, entry_of(app_of(request), request), {}, "", "")


async def _run_form(
    request: Request, entry: Entry, given: dict[str, str], event: str, problem: str, status: int = 200
) -> Response:
    app = app_of(request)
    events = await app.store.events.list(flow=entry.id, limit=EVENTS)
    chosen = request.query_params.get("event", "")
    if chosen and not event:
        found = await app.store.events.get(chosen)
        event = found.body.decode("utf-8", "replace")
    fields: list[Field] = fields_of(entry.flow, given) if entry.flow else []
    return await _page(
        request,
        entry,
        "flow_run.html",
        tab="run",
        status=status,
        fields=fields,
        events=events,
        event=event,
        problem=problem,
        command=f"flowengine run {entry.id}",
    )


async def submit_run(request: Request) -> Response:
    """`POST /flows/{flow}/run`: the run, or the form again with what is wrong."""
    app, form = app_of(request), await form_of(request)
    entry = entry_of(app, request)
    given = {name.removeprefix("input."): value for name, value in form.fields if name.startswith("input.")}
    text = form.one("event")
    try:
        inputs, event = read_fields(entry.flow, given, text)
        run = await app.submit_run(entry.id, event=event, inputs=inputs)
    except NotStarted as refused:
        return see(f"/events/{refused.event.id}")
    except (FlowEngineError, ValueError) as error:
        told = error.message if isinstance(error, FlowEngineError) else str(error)
        return await _run_form(request, entry, given, text, told, 422)
    request.scope["flowengine.audit"] = {"target": run.id, "flow": run.flow}
    return see(f"/runs/{run.id}", "started")


async def enable_flow(request: Request) -> Response:
    """`POST /flows/{flow}/enable`."""
    return await _switch(request, on=True)


async def disable_flow(request: Request) -> Response:
    """`POST /flows/{flow}/disable`."""
    return await _switch(request, on=False)


async def _switch(request: Request, *, on: bool) -> Response:
    app = app_of(request)
    form = await form_of(request)
    await app.triggers.switch(entry_of(app, request).id, on)
    await app.triggers.settled()
    back = "/flows" if form.one("back") == "list" else f"/flows/{request.path_params['flow']}"
    return see(back, "enabled" if on else "disabled")


ROUTES: tuple[Row, ...] = (
    ("GET", "/flows", list_flows),
    ("GET", "/flows/{flow}", show_flow),
    ("GET", "/flows/{flow}/yaml", show_text),
    ("GET", "/flows/{flow}/versions", show_versions),
    ("GET", "/flows/{flow}/run", run_form),
    ("POST", "/flows/{flow}/run", submit_run),
    ("POST", "/flows/{flow}/enable", enable_flow),
    ("POST", "/flows/{flow}/disable", disable_flow),
)
