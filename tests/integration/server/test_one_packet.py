"""A response's head and body come in one piece, and a body without end stops when nobody reads it."""

from __future__ import annotations

import asyncio

import pytest

from flowengine.server.one_packet import ENOUGH, in_one_packet
from tests.fakes.projects import make_project, served

pytestmark = pytest.mark.timeout(30)


async def test_head_and_body_of_an_answer_come_in_one_piece(tmp_path):
    async with served(make_project(tmp_path, {})) as (server, _):
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(20):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = await reader.read(65_536)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert f"content-length: {len(body)}".encode() in head.lower()
            assert body
        writer.close()
        await writer.wait_closed()


class Held(asyncio.Protocol):
    """A server's side that writes without a pause and remembers when it was told to stop."""

    def __init__(self) -> None:
        self.paused_after = 0
        self.written = 0

    def connection_made(self, transport) -> None:
        out = in_one_packet(transport, asyncio.get_running_loop())
        while not self.paused_after and self.written < 100_000_000:
            out.write(b"x" * 8_192)
            self.written += 8_192

    def pause_writing(self) -> None:
        self.paused_after = self.written


async def test_whoever_writes_without_a_pause_is_told_that_nobody_reads():
    made: list[Held] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: made.append(Held()) or made[-1], "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        while not made or not made[0].paused_after:
            await asyncio.sleep(0.01)
        writer.close()
    assert made[0].written < 20_000_000
    assert made[0].written > ENOUGH


async def test_what_was_written_before_the_end_arrives():
    class Farewell(asyncio.Protocol):
        def connection_made(self, transport) -> None:
            out = in_one_packet(transport, asyncio.get_running_loop())
            out.write(b"go")
            out.write(b"od")
            out.close()
            out.write(b"too late")

    server = await asyncio.get_running_loop().create_server(Farewell, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b"good"
        writer.close()
