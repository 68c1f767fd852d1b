"""A service on a real socket that answers with exact bytes, so that tests see what clients really send and survive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Received", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class RawService:
    """`answer` is played for each request; `received` keeps them in the order they came."""

    answer: Script
    port: int = 0
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                self.received.append(request)
                await self.answer(request, writer)
                await writer.drain()
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
    received = Received(method, target, headers, b"")  # type: ignore[arg-type]
    received.body = await reader.readexactly(int(received.header("content-length") or 0))
    return received


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Script:
    """An ordinary answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def play(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return play


def replies(*scripts: Script) -> Script:
    """One answer after another; the last one stays."""
    left = list(scripts)

    async def play(request: Received, writer: asyncio.StreamWriter) -> None:
        script = left.pop(0) if len(left) > 1 else left[0]
        await script(request, writer)

    return play


@asynccontextmanager
async def raw_service(answer: Script) -> AsyncIterator[RawService]:
    """The service on a free port of the loopback, for as long as the block lasts."""
    service = RawService(answer)
    server = await asyncio.start_server(service.handle, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
