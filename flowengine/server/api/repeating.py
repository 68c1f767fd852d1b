"""Requests sent twice: with the same `Idempotency-Key` the second is given what the first was answered, and does nothing."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from functools import wraps
from typing import Final
from weakref import WeakValueDictionary

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.server.access import caller_of
from flowengine.server.context import Handler, app_of, raw_body
from flowengine.store.access import Reply

HEADER: Final = "idempotency-key"
KEPT_FOR: Final = timedelta(days=1)
LENGTH: Final = 255

_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def key_of(request: Request) -> str | None:
    """The request's key, told apart by who sends it. Answers 400 for one that cannot be."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not 0 < len(given) <= LENGTH or not given.isprintable():
        raise HTTPException(400, f"Idempotency-Key must be 1 to {LENGTH} printable characters")
    return f"{caller_of(request)}:{given}"


def once(handler: Handler) -> Handler:
    """The handler, for requests that may be sent again."""

    @wraps(handler)
    async def repeatable(request: Request) -> Response:
        key = key_of(request)
        if key is None:
            return await handler(request)
        lock = _locks.setdefault(key, asyncio.Lock())
        async with lock:
            return await _answered(request, handler, key)

    return repeatable


async def _answered(request: Request, handler: Handler, key: str) -> Response:
    access = app_of(request).store.access
    caller, fingerprint = str(caller_of(request)), await _fingerprint(request)
    kept = await access.reply(caller, key)
    if kept is None:
        answer = await handler(request)
        await access.keep_reply(caller, key, Reply(fingerprint, answer.status_code, bytes(answer.body)), KEPT_FOR)
        return answer
    if kept.fingerprint != fingerprint:
        raise HTTPException(422, "this Idempotency-Key was used for another request")
    request.scope["flowengine.audit"] = {"repeated": True}
    return Response(kept.body, kept.status, {"idempotency-replayed": "true"}, "application/json")


async def _fingerprint(request: Request) -> str:
    said = f"{request.method} {request.url.path}\n".encode() + await raw_body(request)
    return hashlib.sha256(said).hexdigest()
