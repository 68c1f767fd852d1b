"""The web pages: rendered on the server, readable without scripts, live where a browser can."""

from __future__ import annotations

from starlette.routing import Route

from flowengine.server.pages import (
    again,
    approvals,
    detail,
    edit,
    events,
    flows,
    live,
    many,
    operation,
    overview,
    people,
    project,
    run,
    runs,
    static,
)
from flowengine.server.pages.routing import Row

ROUTES: tuple[Row, ...] = (
    *overview.ROUTES,
    *edit.ROUTES,
    *flows.ROUTES,
    *runs.ROUTES,
    *many.ROUTES,
    *run.ROUTES,
    *detail.ROUTES,
    *again.ROUTES,
    *events.ROUTES,
    *approvals.ROUTES,
    *project.ROUTES,
    *operation.ROUTES,
    *people.ROUTES,
    *live.ROUTES,
    *static.ROUTES,
)
"""Every page: method, path, handler."""


def routes() -> list[Route]:
    """The pages' routes."""
    return [Route(path, handler, methods=[method]) for method, path, handler in ROUTES]
