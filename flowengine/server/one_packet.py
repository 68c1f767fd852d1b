"""What is written in one turn of the event loop leaves in one piece."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

ENOUGH: Final = 65_536
"""Bytes that do not wait for more: whoever writes without end must see that the other side does not read."""


class OnePacket:
    """A transport for which a response's head and its body are one call of the system and one packet, where uvicorn makes two."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self._size += len(data)
        if self._size >= ENOUGH:
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def in_one_packet(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> asyncio.Transport:
    return cast("asyncio.Transport", OnePacket(transport, loop))
