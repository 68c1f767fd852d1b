"""The hot path: `POST /hooks/{flow}/{key}` as a plain ASGI endpoint, without a framework in between.

The body is read up to the limit and answered only after the event and its runs are committed.
"""

from __future__ import annotations

import logging
import re
from typing import Final
from urllib.parse import unquote

import orjson
from starlette.types import Message, Receive, Scope, Send

from flowengine import failpoints
from flowengine.app import App
from flowengine.errors import FlowEngineError
from flowengine.interpreter.effects import Response
from flowengine.triggers.deliveries import Delivery
from flowengine.triggers.hooks import Receipt
from flowengine.types import Json

PREFIX: Final = "/hooks/"

ANSWER_WITHIN: Final = 25.0
"""Seconds for which the caller of a flow with `respond` waits; then it is told which event it was."""

NOT_A_FLOWS: Final = frozenset(
    {
        *(
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "content-length",
        ),
        *("set-cookie", "clear-site-data"),
    }
)
"""Headers that a flow's answer cannot set: those of the connection, and those that reach the pages of the same server."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NOT_OURS: Final = {
    "x-content-type-options": "nosniff",
    # A page that a flow answers with is shown as one of nobody's: its scripts see none of this server's pages and cookies.
    "content-security-policy": "sandbox allow-forms allow-popups allow-scripts",
}

log = logging.getLogger(__name__)


class HungUp(Exception):
    """The sender went away before the end of its request."""


class Ingress:
    """Takes deliveries in."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.limit = app.settings.limits.webhook_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        flow_id, _, key = scope["path"][len(PREFIX) :].partition("/")
        if scope["method"] != "POST":
            await answer(send, 405, {"error": {"message": "webhooks are delivered by POST"}}, (b"allow", b"POST"))
            return
        try:
            receipt = await self._receive(unquote(flow_id), key, scope, receive)
        except HungUp:
            return  # the sender hung up: nobody is there to be answered, and nothing was taken in
        except Exception as error:
            log.exception("a delivery for %s could not be taken in", flow_id)
            told = error.message if isinstance(error, FlowEngineError) else "the event could not be stored"
            await answer(send, 503, {"error": {"message": told}}, (b"retry-after", b"5"))
            return
        failpoints.reach("before_answer")
        await self._answer(send, receipt)
        failpoints.reach("after_answer")

    async def _receive(self, flow_id: str, key: str, scope: Scope, receive: Receive) -> Receipt:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        client = scope.get("client")
        source = client[0] if client else ""
        body = await read_at_most(self.limit, headers.get("content-length", ""), receive)
        if body is None:
            return await self.app.hooks.too_large(flow_id, key, Delivery(b"", headers, source), self.limit)
        return await self.app.hooks.receive(flow_id, key, Delivery(body, headers, source))

    async def _answer(self, send: Send, receipt: Receipt) -> None:
        if receipt.run_id and receipt.event:
            response = await self.app.response(receipt.run_id, ANSWER_WITHIN)
            if response:
                await send_response(send, response, receipt.event.id)
                return
        document: dict[str, Json] = {}
        if receipt.event:
            document = {"event": receipt.event.id, "disposition": receipt.event.disposition}
        if receipt.message:
            document["error"] = {"message": receipt.message}
        extra = ((b"www-authenticate", b'Basic realm="hook"'),) if receipt.status == 401 else ()
        await answer(send, receipt.status, document, *extra)


async def read_at_most(limit: int, declared: str, receive: Receive) -> bytes | None:
    """The request's body; None when it is longer than `limit` bytes."""
    if declared.isdecimal() and int(declared) > limit:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def answer(send: Send, status: int, document: Json, *headers: tuple[bytes, bytes]) -> None:
    """Send a JSON document."""
    body = orjson.dumps(document)
    lengths = ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": [*lengths, *headers]})
    await send({"type": "http.response.body", "body": body})


async def send_response(send: Send, response: Response, event_id: str) -> None:
    """Send what a flow's `respond` said: text as it is, anything else as JSON."""
    named = {
        name.lower(): _one_line(str(value))
        for name, value in response.headers.items()
        if _HEADER_NAME.fullmatch(name) and name.lower() not in NOT_A_FLOWS
    }
    if isinstance(response.body, str):
        body, kind = response.body.encode(), "text/plain; charset=utf-8"
    else:
        body, kind = b"" if response.body is None else orjson.dumps(response.body), "application/json"
    named.setdefault("content-type", kind)
    named.update({"content-length": str(len(body)), "x-flowengine-event": event_id, **_NOT_OURS})
    headers = [(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _one_line(value: str) -> str:
    """What came in from anywhere may be in it, and ends no header."""
    return "".join(sign if sign.isprintable() else " " for sign in value)
