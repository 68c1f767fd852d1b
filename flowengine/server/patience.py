"""How long a client may take, and how much it may say before it has said what it wants.

The HTTP protocol of uvicorn waits for ever for the first byte and for the end of the headers, and takes as many headers as come;
one machine could hold every connection that there is, or all memory.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flowengine.server.one_packet import in_one_packet

HEADERS_WITHIN: Final = 15.0
"""Seconds from connecting, or from a request's first byte, to the end of its headers."""
BODY_WITHIN: Final = 60.0
"""Seconds from the end of a request's headers to the end of its body."""
HEADERS_AT_MOST: Final = 65_536
"""Bytes of a request before its body."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's, with an end to its patience."""

    _deadline: asyncio.TimerHandle | None = None
    _in_headers = True
    _unread = 0
    """Bytes that came since the last request's end and are not the end of headers yet."""
    _headers_size = 0
    _ended = 0
    """Requests that have come in whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(in_one_packet(transport, self.loop))
        self._in_headers, self._unread = True, 0
        self._await(HEADERS_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        before = self._ended if self._in_headers else -1
        super().data_received(data)
        # Of a packet in which a request ended, the rest belongs to the next one, and is less than a packet.
        self._unread = self._unread + len(data) if before == self._ended and self._in_headers else 0
        if self._unread > HEADERS_AT_MOST:
            self._refuse(_TOO_LARGE)
        elif self._deadline is None and not self.transport.is_closing():
            # Most requests come in one piece, and need no clock.
            if self._unread:
                self._await(HEADERS_WITHIN)
            elif not self._in_headers:
                self._await(BODY_WITHIN)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._headers_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers after a body come here as well.
        self._headers_size += len(name) + len(value)
        if self._headers_size <= HEADERS_AT_MOST:
            super().on_header(name, value)
        elif not self._in_headers:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._calm()
        self._in_headers, self._unread = False, 0
        if self._headers_size > HEADERS_AT_MOST:
            self._refuse(_TOO_LARGE)
        elif not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.transport.is_closing():
            super().on_message_complete()
        self._calm()
        self._in_headers = True
        self._ended += 1

    def _await(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._refuse, _TOO_SLOW)

    def _calm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, told: bytes) -> None:
        self._calm()
        if not self.transport.is_closing():
            # There is no cycle before the first request, nor for one that wants another protocol.
            answered = not self._in_headers and getattr(self.cycle, "response_started", False)
            self.transport.write(b"" if answered else told)
            self.transport.close()
