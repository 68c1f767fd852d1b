"""Styles, scripts and pictures: an exact list of files, kept by browsers for ever because their addresses change with them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.server.pages.render import STATIC
from flowengine.server.pages.routing import Row

KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


async def static(request: Request) -> Response:
    """`GET /static/{name}`."""
    found = files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404, "there is no such file")
    content, kind = found
    kept = "public, max-age=31536000, immutable" if request.url.query else "no-cache"
    return Response(
        content,
        media_type=f"{kind}; charset=utf-8",
        headers={"cache-control": kept, "x-content-type-options": "nosniff"},
    )


@lru_cache(maxsize=1)
def files() -> dict[str, tuple[bytes, str]]:
    """Name to content and media type; read once."""
    found = (path for path in STATIC.rglob("*") if path.suffix in KINDS)
    return {path.relative_to(STATIC).as_posix(): (path.read_bytes(), KINDS[path.suffix]) for path in found}


ROUTES: tuple[Row, ...] = (("GET", "/static/{name:path}", static),)
