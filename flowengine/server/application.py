"""The whole HTTP side as one ASGI application: hooks on the short way, everything else behind the gate."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.app import App
from flowengine.errors import FlowEngineError
from flowengine.server import answers, api, health, pages
from flowengine.server.auth import Gate
from flowengine.server.failures import on_engine_error, on_http_error, on_surprise
from flowengine.server.ingress import PREFIX, Ingress


def build(app: App) -> ASGIApp:
    """The application of one project."""
    inner = Starlette(
        routes=[
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", health.metrics),
            *answers.routes(),
            *api.routes(),
            *pages.routes(),
        ],
        exception_handlers={
            HTTPException: on_http_error,
            FlowEngineError: on_engine_error,
            Exception: on_surprise,
        },
    )
    inner.state.app = app
    gate, ingress = Gate(inner, app.settings), Ingress(app)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await ingress(scope, receive, send)
        else:
            await gate(scope, receive, send)

    return application
