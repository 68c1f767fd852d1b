"""What somebody tries who means harm and has no token, or one that is not enough: slowness, size, compression, listening."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging

import pytest
import pytest_asyncio

from flowengine.server import logs, patience
from flowengine.server.api import live
from flowengine.server.pages import live as live_pages
from tests.fakes.projects import make_project, served

HOOK = """
    flow: Hook
    trigger: {webhook: {verify: none}}
    actions: [{log: "{{ trigger }}"}]
    """
BIG = """
    flow: Big
    trigger: {manual: true}
    inputs: {size: {type: number, default: 1}}
    actions: [{name: Say, log: "{{ 'x' * (inputs.size | int) }}"}]
    """

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    async with served(make_project(tmp_path_factory.mktemp("project"), {"hook": HOOK, "big": BIG})) as (server, http):
        http.app, http.address = server.app, server.app.hooks.address("hook", "webhook")
        yield http


async def raw(site, *pieces, pause=0.0, within=10):
    """Send bytes as they are, and give what comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.base_url.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), within)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def hook_request(site, *headers, body=b"{}"):
    lines = [f"POST {site.address} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_who_says_nothing_is_not_waited_for(site, monkeypatch):
    monkeypatch.setattr(patience, "HEADERS_WITHIN", 0.2)
    assert b"408" in await raw(site)
    assert b"408" in await raw(site, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    drip = await raw(site, *(b"X: y\r\n" for _ in range(3)), b"GET / HTTP/1.1\r\nA", b"B: c\r\n", pause=0.05)
    assert drip[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 408", b"")


async def test_a_connection_that_was_used_is_held_to_it_too(site, monkeypatch):
    monkeypatch.setattr(patience, "HEADERS_WITHIN", 0.3)
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    told = await raw(site, whole, whole, b"GET /healthz HTTP/1.1\r\nHo", pause=0.05)
    assert (told.count(b"200 OK"), b"408" in told) == (2, True)


async def test_a_body_that_does_not_come_is_not_waited_for(site, monkeypatch):
    monkeypatch.setattr(patience, "BODY_WITHIN", 0.2)
    begun = f"POST {site.address} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{{".encode()
    assert b"408" in await raw(site, begun)
    api = b"POST /api/v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.base_url.port)
    writer.write(api)
    assert b"408" in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 300_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(40_000)) + b"\r\n",
        b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Endless: " + b"a" * 900_000,
    ],
    ids=["a long header", "many headers", "a long address", "headers without end"],
)
async def test_headers_have_an_end(site, head):
    told = await raw(site, *(head[at : at + 20_000] for at in range(0, len(head), 20_000)))
    assert told[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400", b"")
    assert (await site.get("/healthz")).status_code == 200


async def test_trailers_have_an_end(site):
    begun = f"POST {site.address} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n".encode()
    await raw(site, begun, *(b"X-T: " + b"a" * 20_000 + b"\r\n" for _ in range(40)))
    assert (await site.get("/healthz")).status_code == 200


async def test_large_headers_below_the_limit_are_taken(site):
    assert b"200 OK" in await raw(site, hook_request(site, "X-Long: " + "a" * 50_000))


async def test_compressed_deliveries_are_refused_and_on_record(site):
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 1_000_000
    answer = await site.post(site.address, content=bomb, headers={"content-encoding": "gzip"})
    assert (answer.status_code, "compressed" in answer.json()["error"]["message"]) == (415, True)
    event = (await site.get("/api/v1/events?limit=1")).json()["events"][0]
    assert (event["disposition"], "compressed" in json.dumps(event["reason"])) == ("rejected", True)
    plain = await site.post(site.address, json={}, headers={"content-encoding": "identity"})
    assert plain.status_code == 200


async def test_a_listener_that_does_not_read_costs_no_more_than_so_much(site, monkeypatch):
    monkeypatch.setattr(live, "BYTES_AT_MOST", 100_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.base_url.port, limit=1_000)
    writer.write(b"GET /api/v1/runs/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"retry: 2000\n\n")
    (waiting,) = live._listening
    try:
        for _ in range(30):
            run = await site.app.submit_run("big", inputs={"size": 500_000})
            await site.app.engine.wait(run.id, 10)
        assert sum(map(len, list(waiting._queue))) < 1_200_000
    finally:
        writer.close()


async def test_listeners_are_counted(site, monkeypatch):
    monkeypatch.setattr(live, "LISTENERS_AT_MOST", 0)
    monkeypatch.setattr(live_pages, "LISTENERS_AT_MOST", 0)
    assert (await site.get("/api/v1/runs/events")).status_code == 429
    assert (await site.get("/live/runs")).status_code == 429


async def test_a_log_line_is_a_line_whatever_is_in_an_exception():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Lines())
    log = logging.Logger("test")  # noqa: LOG001  # one that nobody else hears
    log.addHandler(handler)
    try:
        raise ValueError("\x1b[2J\x07 sent by somebody\u202e")
    except ValueError:
        log.exception("it broke \n\x1b[31m")
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert stream.getvalue().startswith(logs._plain(stream.getvalue().splitlines()[0]))
