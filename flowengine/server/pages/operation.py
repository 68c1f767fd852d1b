"""One operation as a page: to link to, and what the editor shows beside the text."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from flowengine.server.context import app_of
from flowengine.server.pages.operations import helped
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row


async def show_operation(request: Request) -> Response:
    """`GET /connectors/{connector}/{operation}`: what one operation takes and gives."""
    app, params = app_of(request), request.path_params
    connector = app.catalog.get(params["connector"])
    one = helped(connector, connector.operation(params["operation"]))
    return await page(
        request,
        "operation.html",
        connector=connector,
        one=one,
        command=f"flowengine connectors show {connector.name}.{one.operation.id}",
    )


ROUTES: tuple[Row, ...] = (("GET", "/connectors/{connector}/{operation}", show_operation),)
