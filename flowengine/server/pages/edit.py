"""The editor's page. What it does, it does through the API; see `static/editor.js`."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from flowengine.errors import NotFound
from flowengine.server.context import app_of
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row
from flowengine.spec.reading import FLOW_ID

TEMPLATE: Final = """\
flow: A new flow
description: What it is for, in a sentence.

trigger: { manual: true }

actions:
  - log: Hello
"""


async def edit_flow(request: Request) -> Response:
    """`GET /flows/{flow}/edit`: a flow's file, or the beginning of a new one; `?event=` is at hand for trying it."""
    app, flow_id = app_of(request), request.path_params["flow"]
    if not FLOW_ID.fullmatch(flow_id):
        raise NotFound(f'"{flow_id:.80}" cannot be a flow\'s id: use lower-case letters, digits and -')
    wanted = request.query_params.get("event", "")
    event = (await app.store.events.get(wanted)).body.decode("utf-8", "replace") if wanted else ""
    known = flow_id in app.library.entries
    return await page(
        request,
        "flow_edit.html",
        flow_id=flow_id,
        known=known,
        beginning=TEMPLATE,
        event=event,
        command=f"flowengine check flows/{flow_id}.yaml",
    )


ROUTES: tuple[Row, ...] = (("GET", "/flows/{flow}/edit", edit_flow),)
