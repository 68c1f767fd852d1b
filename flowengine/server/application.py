"""The whole HTTP side as one ASGI application: hooks on the short way, everything else behind the gate."""

from __future__ import annotations

from html import escape

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.app import App
from flowengine.errors import FlowEngineError
from flowengine.server import answers, api, health
from flowengine.server.auth import Gate
from flowengine.server.context import SAFE, app_of
from flowengine.server.failures import on_engine_error, on_http_error, on_surprise
from flowengine.server.ingress import PREFIX, Ingress

FRONT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>flowengine</title></head>
<body><h1>flowengine is running</h1>
<p>{flows} flows are in force.</p>
<p>Look at the history with <code>flowengine runs list</code> and <code>flowengine events list</code>,
or as JSON at <a href="/api/v1/runs">/api/v1/runs</a>, <a href="/api/v1/events">/api/v1/events</a> and
<a href="/api/v1/flows">/api/v1/flows</a>.</p>
<ul>{rows}</ul></body></html>
"""


async def front(request: Request) -> Response:
    """A plain page that says the engine is up."""
    app = app_of(request)
    flows = app.library.flows()
    rows = "".join(
        f"<li>{escape(flow.name)} ({escape(flow.id)}): {'on' if app.triggers.enabled(flow) else 'off'}</li>"
        for flow in flows
    )
    return HTMLResponse(FRONT.format(flows=len(flows), rows=rows), headers=SAFE)


def build(app: App) -> ASGIApp:
    """The application of one project."""
    inner = Starlette(
        routes=[
            Route("/", front),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", health.metrics),
            *answers.routes(),
            *api.routes(),
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
