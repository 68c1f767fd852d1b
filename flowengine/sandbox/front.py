"""The way of every call through a stand-in: record, faults, rate limit, then the service; and back, whole or broken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from flowengine.sandbox.faults import Fault
from flowengine.sandbox.messages import Answer, Call, Refused
from flowengine.sandbox.stand_in import CONTROL, StandIn

LARGEST: Final = 12_000_000
"""Bytes of a request that are read; more is answered with 413."""


class Front:
    """The ASGI application of a stand-in; paths under `/_sandbox` and `/` itself go to `control`."""

    def __init__(self, control: ASGIApp, stand_in: StandIn, connections: Connections) -> None:
        self._service = stand_in.service
        self._control = control
        self._stand_in = stand_in
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/" or scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
            return
        call = await _read(scope, receive)
        if call is None:
            await _send(self._service.broken(413), send)
            return
        entry = self._stand_in.record.begin(call, self._stand_in.clock.now())
        fault = self._stand_in.faults.take(call.method, call.path)
        answer = await self._answer(call, fault)
        cut = fault is not None and fault.kind in ("reset", "half")
        self._stand_in.record.finish(entry, None if cut else answer.status, fault.kind if fault else None)
        if not cut:
            await _send(answer, send)
        elif fault and fault.kind == "half":
            await self._send_half(answer, scope, send)
        else:
            await self._connections.cut(scope)

    async def _answer(self, call: Call, fault: Fault | None) -> Answer:
        if fault is None:
            return await self._obey(call)
        done = await self._obey(call) if fault.acted else Answer(200)
        match fault.kind:
            case "status":
                return self._service.broken(fault.status)
            case "throttle":
                return self._service.too_many_calls(fault.retry_after)
            case "garbage":
                return Answer(200, b'{"unfinished": [1, 2', (("content-type", "application/json"),))
            case "slow":
                await asyncio.sleep(fault.seconds)
        return done

    async def _obey(self, call: Call) -> Answer:
        retry_after = self._stand_in.window.take(call.headers.get("authorization", ""))
        if retry_after is not None:
            return self._service.too_many_calls(retry_after)
        try:
            return await self._service.answer(call)
        except Refused as refused:
            return refused.answer

    async def _send_half(self, answer: Answer, scope: Scope, send: Send) -> None:
        promised = max(2, len(answer.body))
        await send(_start(answer, promised))
        await send({"type": "http.response.body", "body": answer.body[: promised // 2], "more_body": True})
        await self._connections.cut(scope, gently=True)


class Connections:
    """The open connections by their peer, so that a fault can cut one: ASGI itself has no word for that."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """The protocol class for uvicorn, which notes each connection here."""
        connections = self._open

        class Noted(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
            def connection_made(self, transport: asyncio.Transport) -> None:
                self._peer = transport.get_extra_info("peername")[:2]
                connections[self._peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self._peer, None)
                super().connection_lost(exc)

        return Noted

    async def cut(self, scope: Scope, *, gently: bool = False) -> None:
        """End the call's connection at once: by a reset, or `gently`, by a close after what was sent so far."""
        transport = self._open.get(tuple(scope["client"]))
        if transport is None:
            return
        if gently:
            transport.close()
        else:
            # Lingering for no time makes the kernel send a reset rather than an orderly end.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        # uvicorn complains about an unfinished answer unless it has seen the connection end.
        while tuple(scope["client"]) in self._open:  # noqa: ASYNC110  (a turn or two of the loop)
            await asyncio.sleep(0)


async def _read(scope: Scope, receive: Receive) -> Call | None:
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        more = message.get("more_body", False)
        if size > LARGEST:
            return None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(scope["method"], scope["path"], _query(scope), headers, b"".join(chunks))


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def _send(answer: Answer, send: Send) -> None:
    await send(_start(answer, len(answer.body)))
    await send({"type": "http.response.body", "body": answer.body})


def _start(answer: Answer, length: int) -> MutableMapping[str, Any]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
