"""`/api/v1/events`: everything that came in, and why it did or did not start a run."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from flowengine.server.access import Role
from flowengine.server.api.endpoint import BEFORE, FLOW, LIMIT, PAGE_AT_MOST, SINCE, Endpoint, Query, one_of, words
from flowengine.server.api.schemas import EVENT, NEXT, list_of
from flowengine.server.context import Document, app_of, moment, number
from flowengine.store.documents import event_document
from flowengine.types import Disposition


async def list_events(request: Request) -> Response:
    """A page of events, newest first."""
    app, query = app_of(request), request.query_params
    limit = number(request, "limit", 20, PAGE_AT_MOST)
    found = await app.store.events.list(
        flow=query.get("flow"),
        dispositions=words(query.getlist("disposition"), list(Disposition)),
        since=moment(request, "since"),
        limit=limit + 1,
        before=query.get("before"),
    )
    page = found[:limit]
    runs = await app.store.events.run_ids([event.id for event in page])
    documents = [event_document(event, runs[event.id]) for event in page]
    return Document({"events": documents, "next": page[-1].id if len(found) > limit else None})


async def show_event(request: Request) -> Response:
    """One event with what came and why it did or did not start a run."""
    store = app_of(request).store
    event = await store.events.get(request.path_params["event"])
    runs = await store.events.run_ids([event.id])
    return Document({"event": event_document(event, runs[event.id], body=True)})


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/events",
        handler=list_events,
        role=Role.VIEWER,
        query=(
            FLOW,
            Query("disposition", "Only these; repeatable, or separated by commas.", one_of(list(Disposition))),
            SINCE,
            LIMIT,
            BEFORE,
        ),
        gives={"events": list_of(EVENT), "next": NEXT},
    ),
    Endpoint(method="GET", path="/events/{event}", handler=show_event, role=Role.VIEWER, gives={"event": EVENT}),
)
