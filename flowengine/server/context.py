"""What every handler needs: the project behind the server, and documents as answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.types import Json, JsonObject


class Document(Response):
    """One JSON document, `{"v": 1, ...}`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps({"v": 1, **content}, default=str)


class PlainDocument(Response):
    """A JSON document in a form of its own, such as OpenAPI's."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=str)


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing on record is older."""

Handler = Callable[[Request], Awaitable[Response]]


def app_of(request: Request) -> App:
    app: App = request.app.state.app
    return app


async def raw_body(request: Request) -> bytes:
    """The request's body, however often it is asked for. Answers 413 above the limit."""
    kept: bytes | None = request.scope.get("flowengine.body")
    if kept is not None:
        return kept
    limit = app_of(request).settings.limits.webhook_body
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > limit:
                raise HTTPException(413, f"the body is larger than {limit} bytes")
    except ClientDisconnect:
        raise HTTPException(408, "the body did not come to its end") from None
    request.scope["flowengine.body"] = bytes(raw)
    return bytes(raw)


async def body_of(request: Request) -> JsonObject:
    """The request's JSON object; an empty body is an empty one. Answers 400 for anything else."""
    raw = await raw_body(request)
    try:
        found: Json = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return found


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from the query, between 1 and `most`."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) < 10) or not 1 <= int(given) <= most:
        raise HTTPException(400, f"{name} must be a whole number from 1 to {most}, not {given!r:.40}")
    return int(given)


def truth(request: Request, name: str) -> bool:
    """`true` or `false` from the query; false when it is not there."""
    given = request.query_params.get(name, "false").lower()
    if given not in ("true", "false"):
        raise HTTPException(400, f"{name} must be true or false, not {given!r:.40}")
    return given == "true"


def moment(request: Request, name: str) -> datetime | None:
    """A time from the query, in RFC 3339."""
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given.replace(" ", "+"))
    except ValueError:
        raise HTTPException(400, f"{name} must be a time such as 2026-03-01T09:00:00Z, not {given!r:.40}") from None
    if found.tzinfo is None:
        raise HTTPException(400, f"{name} must carry its offset, such as 2026-03-01T09:00:00Z")
    return max(found, EPOCH)
