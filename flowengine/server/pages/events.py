"""Events: everything that came, and why it did or did not start a run."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from flowengine.errors import NotFound
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.pages import state
from flowengine.server.pages.period import PERIODS
from flowengine.server.pages.render import page, with_query
from flowengine.server.pages.routing import Row
from flowengine.server.pages.shown import pretty, quoted
from flowengine.store.documents import readable
from flowengine.store.records import EventRecord
from flowengine.types import Disposition

PAGE: Final = 50

MEANINGS: Final = {
    Disposition.STARTED: "It started a run.",
    Disposition.QUEUED: "Its run waits until runs before it have ended, as the flow's mode says.",
    Disposition.FILTERED: "The flow's conditions did not hold, so it started nothing.",
    Disposition.DUPLICATE: "The same event had come before; it started nothing a second time.",
    Disposition.DROPPED: "The flow's mode allows no more runs at once, so it started nothing.",
    Disposition.DISABLED: "The flow was off when it came.",
    Disposition.MISSED: "Its time passed while the engine did not run, and the flow says to skip such times.",
    Disposition.REJECTED: "It was not accepted: its sender could not be verified, or it was not what the trigger takes.",
    Disposition.FAILED: "Something went wrong before a run could be started.",
}


async def list_events(request: Request) -> Response:
    """`GET /events`."""
    app, query = app_of(request), request.query_params
    dispositions = [word for word in query.getlist("disposition") if word in tuple(Disposition)]
    period = PERIODS.get(query.get("since", ""))
    found = await app.store.events.list(
        flow=query.get("flow") or None,
        dispositions=dispositions,
        since=app.clock.now() - period if period else None,
        limit=PAGE + 1,
        before=query.get("before") or None,
    )
    events = found[:PAGE]
    command = "flowengine events list" + (f" --flow {quoted(query['flow'])}" if query.get("flow") else "")
    return await page(
        request,
        "events.html",
        events=events,
        runs=await app.store.events.run_ids([event.id for event in events]),
        older=with_query(request, before=events[-1].id) if len(found) > PAGE else None,
        newest=with_query(request, before=None) if query.get("before") else None,
        flow=query.get("flow") or "",
        since=query.get("since") or "",
        dispositions=dispositions,
        choosable=tuple(Disposition),
        names=state.names(app),
        command=command + "".join(f" --disposition {word}" for word in dispositions),
    )


async def show_event(request: Request) -> Response:
    """`GET /events/{event}`: what came, and why it did or did not start a run."""
    app = app_of(request)
    event = await app.store.events.get(request.path_params["event"])
    runs = (await app.store.events.run_ids([event.id]))[event.id]
    return await page(
        request,
        "event.html",
        event=event,
        meaning=MEANINGS[event.disposition],
        runs=await app.store.runs.get_many(runs[:50]) if runs else [],
        body=readable(event.body),
        first=await _first(request, event),
        names=state.names(app),
        may_operate=may(request, Role.OPERATOR) and event.flow in app.library.entries,
        command=f"flowengine events show {event.id}",
    )


async def _first(request: Request, event: EventRecord) -> EventRecord | None:
    """The event that came first, of a duplicate."""
    if event.disposition is not Disposition.DUPLICATE:
        return None
    app = app_of(request)
    found = await app.store.events.first_of(event)
    try:
        return await app.store.events.get(found) if found else None
    except NotFound:  # it was pruned
        return None


async def whole_body(request: Request) -> Response:
    """`GET /events/{event}/body`: what came, as text, however long."""
    event = await app_of(request).store.events.get(request.path_params["event"])
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    return PlainTextResponse(pretty(readable(event.body), None), headers=headers)


ROUTES: tuple[Row, ...] = (
    ("GET", "/events", list_events),
    ("GET", "/events/{event}", show_event),
    ("GET", "/events/{event}/body", whole_body),
)
