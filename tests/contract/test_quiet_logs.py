"""A database that goes away or is taken over is told in words, a line at a time; tracebacks are for mistakes."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine

from flowengine.store.lock import ADVISORY_KEY
from tests.fakes import postgresql
from tests.fakes.log_lines import log_lines
from tests.fakes.projects import finished, make_project, served

pytestmark = pytest.mark.postgresql

FLOWS = {
    "busy": """
        flow: Busy
        trigger: { webhook: { verify: none } }
        actions:
          - for_each: "{{ range(4) }}"
            as: one
            do: [{ log: begun }, { wait: 300 ms }, { log: done }]
        """,
    "asks": """
        flow: Asks
        trigger: { poll: http.get, every: 1 second, with: { url: "%s" }, connection: near, items: "{{ body }}", item_id: "{{ item }}" }
        actions: [{ log: polled }]
        """,
}


@pytest.fixture
def own_server():
    """A server for one test, which may be stopped and started."""
    server = postgresql.make()
    yield server
    server.remove()


@pytest.fixture
async def items():
    """A service with a new item at each look."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        body = f"[{time.monotonic_ns()}]".encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
        writer.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with service:
        yield f"http://127.0.0.1:{service.sockets[0].getsockname()[1]}/"


def a_project(folder, url, items):
    connections = f"near: {{connector: http, base_url: '{items}', allow_private_network: true}}"
    return make_project(folder, {**FLOWS, "asks": FLOWS["asks"] % items}, connections, database_url=url)


async def deliver(server, http, times, pause):
    """Deliveries; a sender whose event is not taken in is told so."""
    address, statuses = server.app.hooks.address("busy", "webhook"), set()
    for _ in range(times):
        statuses.add((await http.post(address, json={})).status_code)
        await asyncio.sleep(pause)
    return statuses


async def test_a_database_that_is_away(own_server, tmp_path, items):
    with log_lines("text") as written:
        async with served(a_project(tmp_path, own_server.database("away"), items)) as (server, http):
            assert await deliver(server, http, 10, 0.02) == {200}
            await asyncio.to_thread(own_server.stop, "immediate")
            assert 503 in await deliver(server, http, 5, 0.1)
            await asyncio.to_thread(own_server.start)
            await finished(server.app, 10, "busy", seconds=40)
    assert _told(written, "the database cannot be written")
    assert not _told(written, "Traceback"), "\n".join(written())


async def test_a_database_that_another_engine_takes(own_server, tmp_path, items):
    url = own_server.database("taken")
    with log_lines("text") as written:
        async with served(a_project(tmp_path, url, items)) as (server, http):
            await deliver(server, http, 20, 0.02)
            await asyncio.to_thread(_take, url, server.app.store.journal.lost)
            assert await deliver(server, http, 5, 0.05) == {503}
    assert _told(written, "in use by the engine")
    assert not _told(written, "Traceback"), "\n".join(written())


def _take(url, lost):
    """Wait for the engine's lock, as the next engine does, end the engine's sessions, and keep the lock until the engine knows."""
    other = create_engine(url)
    with other.connect() as waits, other.connect() as ends, ThreadPoolExecutor() as pool:
        mine = [each.exec_driver_sql("SELECT pg_backend_pid()").scalar() for each in (waits, ends)]
        taking = pool.submit(waits.exec_driver_sql, "SELECT pg_advisory_lock(%s)", (ADVISORY_KEY,))
        time.sleep(0.3)
        ends.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL(%s)",
            (mine,),
        )
        taking.result(timeout=10)
        until = time.monotonic() + 30
        while not lost.done() and time.monotonic() < until:
            time.sleep(0.05)
        assert lost.done()
    other.dispose()


def _told(written, words):
    return [line for line in written() if words in line]
