"""`/api/v1`: what the command line and the pages do, over HTTP, with the same documents."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowengine.server.access import Role
from flowengine.server.api import accounts, again, editing, events, flows, live, looking, people, runs, services, trying
from flowengine.server.api.endpoint import Endpoint
from flowengine.server.api.openapi import document
from flowengine.server.api.repeating import once
from flowengine.server.context import PlainDocument
from flowengine.types import JsonObject

PREFIX: Final = "/api/v1"


async def show_openapi(_: Request) -> Response:
    """The OpenAPI document: every route of the API."""
    return PlainDocument(_openapi())


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *live.ENDPOINTS,
    *runs.ENDPOINTS,
    *again.ENDPOINTS,
    *events.ENDPOINTS,
    *flows.ENDPOINTS,
    *editing.ENDPOINTS,
    *looking.ENDPOINTS,
    *trying.ENDPOINTS,
    *services.ENDPOINTS,
    *accounts.ENDPOINTS,
    *people.ENDPOINTS,
    Endpoint(method="GET", path="/openapi.json", handler=show_openapi, role=Role.VIEWER, plain=True),
)


@lru_cache(maxsize=1)
def _openapi() -> JsonObject:
    return document(ENDPOINTS, PREFIX)


def routes() -> list[Route]:
    """The API's routes."""
    return [
        Route(PREFIX + one.path, once(one.handler) if one.repeatable else one.handler, methods=[one.method])
        for one in ENDPOINTS
    ]


def roles() -> dict[tuple[str, str], Role]:
    """Who may use which route of the API."""
    return {(one.method, PREFIX + one.path): one.role for one in ENDPOINTS}
