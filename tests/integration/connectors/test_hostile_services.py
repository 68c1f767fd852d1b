"""Addresses, answers and inputs that are made to hurt, on real sockets."""

import asyncio
import gzip
import resource
import socket
import time
import zlib

import pytest

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.errors import (
    Blocked,
    InvalidInputs,
    OperationFailed,
    OutcomeUnknown,
    ResponseTooLarge,
    ServiceUnreachable,
)
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.types import SystemClock
from tests.fakes.raw_service import raw_service, reply

PUBLIC = "93.184.215.14"
SPELLINGS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.000.000.001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "017700000001",
    "2130706433",
    "0",
    "0.0.0.0",
    "LOCALHOST",
    "localhost.",
    "%6cocalhost",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "127。0。0。1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::1%25lo]",
    "example.com@127.0.0.1",
    "127.0.0.1#@example.com",
    "127.0.0.1\\@example.com",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "192.0.0.192",
    "168.63.129.16",
    "100.100.100.200",
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_an_address_leads_inward(get, host):
    async with raw_service(reply()) as service:
        url = f"http://{host}:{service.port}/" if "#" not in host and "\\" not in host else f"http://{host}/"
        with pytest.raises((Blocked, InvalidInputs, ServiceUnreachable)):
            await get(url, guarded=True)
    assert service.received == []


@pytest.mark.parametrize("host", SPELLINGS)
async def test_nor_through_what_an_author_writes(host):
    http = Catalog([shipped_connectors()]).get("http")
    async with raw_service(reply()) as service, Client(Settings(), SystemClock()) as client:
        with pytest.raises((Blocked, InvalidInputs, ServiceUnreachable)):
            await client.call(http, http.operation("get"), {"url": f"http://{host}:{service.port}/"})
    assert service.received == []


def resolving(monkeypatch, *answers):
    """The system resolves every name to these addresses, one answer after another."""
    left = list(answers)

    def getaddrinfo(_host, port, *_args, **_kwargs):
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_a_name_that_points_elsewhere_after_it_was_judged(get, monkeypatch):
    async with raw_service(reply()) as service:
        resolving(monkeypatch, [PUBLIC], ["127.0.0.1"])
        for _ in range(2):
            # Judged public, the connection goes to that very address, where nobody answers from here.
            with pytest.raises((ServiceUnreachable, OutcomeUnknown, Blocked)):
                await get(f"http://rebinding.example.com:{service.port}/", guarded=True, seconds=0.3)
        assert service.received == []


async def test_one_inward_address_among_public_ones_is_enough(get, monkeypatch):
    async with raw_service(reply()) as service:
        resolving(monkeypatch, [PUBLIC, "127.0.0.1"])
        with pytest.raises(Blocked, match=r"mixed\.example\.com \(127\.0\.0\.1\)"):
            await get(f"http://mixed.example.com:{service.port}/", guarded=True)
    assert service.received == []


async def test_a_proxy_of_the_environment_is_not_used(get, monkeypatch):
    async with raw_service(reply()) as service:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, service.url)
        with pytest.raises((ServiceUnreachable, OutcomeUnknown)):
            await get("http://nowhere.invalid/", guarded=True, seconds=2)
    assert service.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_credentials_never_follow_a_redirect(status):
    http = Catalog([shipped_connectors()]).get("http")
    async with raw_service(reply()) as other:
        away = reply(status, b"", location=f"{other.url}/taken")
        async with raw_service(away) as service, Client(Settings(), SystemClock()) as client:
            account = Connection(
                "acct", "http", {"header X-Api-Key": "hush-hush"}, base_url=service.url, allow_private_network=True
            )
            with pytest.raises(OperationFailed, match=str(status)):
                await client.call(http, http.operation("post"), {"url": f"{service.url}/", "body": {"a": 1}}, account)
    assert other.received == []
    assert [request.header("x-api-key") for request in service.received] == ["hush-hush"]


@pytest.mark.parametrize("evil", ["\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "a\0b", "a\r\n\r\nGET / HTTP/1.1"])
@pytest.mark.parametrize("place", ["value", "name", "path", "query", "url", "method"])
async def test_no_input_can_add_a_header_or_a_request(evil, place):
    http = Catalog([shipped_connectors()]).get("http")
    async with raw_service(reply()) as service, Client(Settings(), SystemClock()) as client:
        account = Connection("acct", "http", {}, allow_private_network=True)
        inputs = {"url": f"{service.url}/fine", "method": "GET"}
        match place:
            case "value":
                inputs["headers"] = {"X-Fine": evil}
            case "name":
                inputs["headers"] = {evil: "x"}
            case "path":
                inputs["url"] += "/" + evil + "/x"
            case "query":
                inputs["query"] = {evil: evil}
            case "url":
                inputs["url"] = f"http://127.0.0.1{evil}:{service.port}/"
            case "method":
                inputs["method"] = f"GET{evil}"
        with pytest.raises(InvalidInputs):
            await client.call(http, http.operation("request"), inputs, account)
    assert service.received == []


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_costs_no_memory(get, encoding):
    packer = zlib.compressobj(1, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(50)) + packer.flush()
    before = peak()
    async with raw_service(reply(200, bomb, content_encoding=encoding)) as service:
        with pytest.raises(ResponseTooLarge):
            await get(service.url)
    assert peak() - before < 40_000


async def test_a_bomb_in_a_bomb_is_not_opened(get):
    twice = gzip.compress(gzip.compress(b"\0" * 10_000_000))
    async with raw_service(reply(200, twice, content_encoding="gzip, gzip")) as service:
        with pytest.raises(OperationFailed, match="not asked for"):
            await get(service.url)


async def endless(writer, head, piece, seconds=3.0):
    writer.write(head)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1;" + b"e" * 1000),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000),
    ],
    ids=["headers", "a header", "chunks", "chunk extension", "102", "body"],
)
async def test_an_answer_without_end_ends(get, head, piece):
    async def play(_, writer):
        await endless(writer, head, piece)

    before = peak()
    async with raw_service(play) as service:
        with pytest.raises((OutcomeUnknown, ResponseTooLarge)):
            await get(service.url, seconds=0.5)
    assert peak() - before < 60_000


async def test_cookies_are_not_kept(get):
    async with raw_service(reply(200, b"", set_cookie="session=1; path=/")) as service:
        for _ in range(2):
            await get(service.url)
    assert [request.header("cookie") for request in service.received] == [None, None]
