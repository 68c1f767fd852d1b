"""What a project has besides flows: connections, names of secrets, connectors; and how the engine is."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.examine import examine
from flowengine.server.pages import state
from flowengine.server.pages.operations import helped
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row
from flowengine.server.pages.uses import connectors_of


async def connections(request: Request) -> Response:
    """`GET /connections`."""
    app = app_of(request)
    return await page(
        request,
        "connections.html",
        accounts=app.accounts.all(),
        users=_users(app),
        names=state.names(app),
        may_edit=may(request, Role.ADMIN),
        command="flowengine connections list",
    )


def _users(app: App) -> dict[str, list[str]]:
    """Connector to the flows that use it."""
    found: dict[str, dict[str, None]] = {}
    for flow in app.library.flows():
        for connector in connectors_of(flow):
            found.setdefault(connector, {})[flow.id] = None
    return {connector: list(flows) for connector, flows in found.items()}


async def secrets(request: Request) -> Response:
    """`GET /secrets`: names only; values go in and never come out."""
    app = app_of(request)
    names = await app.store.secrets.names()
    return await page(request, "secrets.html", secrets=sorted(names), command="flowengine secrets list")


async def connectors(request: Request) -> Response:
    """`GET /connectors`."""
    app = app_of(request)
    return await page(
        request,
        "connectors.html",
        connectors=await asyncio.to_thread(app.catalog.summaries),
        users=_users(app),
        search=request.query_params.get("search", ""),
        command="flowengine connectors list",
    )


async def connector(request: Request) -> Response:
    """`GET /connectors/{connector}`: the reference page."""
    app = app_of(request)
    found = app.catalog.get(request.path_params["connector"])
    operations = [helped(found, one) for one in found.operations.values() if one.visibility != "internal"]
    return await page(
        request,
        "connector.html",
        connector=found,
        triggers=[one for one in operations if one.operation.kind == "trigger"],
        actions=[one for one in operations if one.operation.kind == "action"],
        standing=[one for one in app.accounts.all() if one.connection.connector == found.name],
        command=f"flowengine connectors show {found.name}",
    )


async def health(request: Request) -> Response:
    """`GET /health`."""
    app = app_of(request)
    deliveries = sorted(app.hooks.counts.items())
    return await page(
        request,
        "health.html",
        checks=await examine(app, state.of(request).heads),
        deliveries=deliveries,
        triggers=[
            (entry, one)
            for entry in app.library.entries.values()
            if entry.flow
            for one in app.triggers.states(entry.flow)
        ],
        names=state.names(app),
        command="flowengine doctor",
    )


ROUTES: tuple[Row, ...] = (
    ("GET", "/connections", connections),
    ("GET", "/secrets", secrets),
    ("GET", "/connectors", connectors),
    ("GET", "/connectors/{connector}", connector),
    ("GET", "/health", health),
)
