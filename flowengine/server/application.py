"""The whole HTTP side as one ASGI application: hooks on the short way, everything else behind the gate."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.app import App
from flowengine.errors import FlowEngineError
from flowengine.server import answers, api, health, login, oidc, pages
from flowengine.server.access import PAGES, Role, rules_for
from flowengine.server.auth import Gate
from flowengine.server.callers import Callers
from flowengine.server.failures import on_engine_error, on_http_error, on_surprise
from flowengine.server.ingress import PREFIX, Ingress


def all_routes() -> list[Route]:
    """Every route but the hooks', in the order in which they are tried."""
    signing_in = (Route(path, handler, methods=[method]) for method, path, handler in (*login.ROUTES, *oidc.ROUTES))
    return [*for_programs(), *signing_in, *pages.routes()]


def for_programs() -> list[Route]:
    """What a worker answers besides hooks: health, what runs wait for, and the API, by which commands reach the engine."""
    return [
        Route("/healthz", health.healthz, methods=["GET"]),
        Route("/readyz", health.readyz, methods=["GET"]),
        Route("/metrics", health.metrics, methods=["GET"]),
        *answers.routes(),
        *api.routes(),
    ]


def roles() -> dict[tuple[str, str], Role]:
    """What is declared of who may use which route."""
    return {**PAGES, **api.roles()}


def build(app: App) -> ASGIApp:
    """The application of one project."""
    routes = for_programs() if app.duty == "worker" else all_routes()
    inner = Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: on_http_error,
            FlowEngineError: on_engine_error,
            Exception: on_surprise,
        },
    )
    inner.router.redirect_slashes = False  # an address that is not ours leads nowhere
    inner.state.app = app
    inner.state.callers = callers = Callers(app.settings, app.store.access, app.clock, app.store.secrets.derive)
    gate, ingress = Gate(inner, callers, rules_for(routes, roles()), app.store.audit), Ingress(app)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await ingress(scope, receive, send)
        else:
            await gate(scope, receive, send)

    return application
