import asyncio
import gzip
import zlib

import pytest

from flowengine.errors import (
    Blocked,
    InvalidInputs,
    OperationFailed,
    OutcomeUnknown,
    ResponseTooLarge,
    ServiceUnreachable,
)
from tests.fakes.raw_service import raw_service, reply


async def test_what_is_sent_is_what_was_asked_for(get):
    async with raw_service(reply(201, b"made", x_a="1")) as service:
        answer = await get(
            f"{service.url}/a%2Fb%252F%20c;x/%7B?q=a%20b&r=%2B%3A+@,",
            method="POST",
            headers=[("X-Name", "Zoë"), ("Content-Type", "text/plain")],
            body="ünï".encode(),
        )
    assert (answer.status, answer.body, answer.headers["x-a"]) == (201, b"made", "1")
    (request,) = service.received
    assert request.target == "/a%2Fb%252F%20c;x/%7B?q=a%20b&r=%2B%3A+@,"
    assert request.body.decode() == "ünï"
    assert request.header("x-name").encode("latin-1").decode() == "Zoë"
    assert request.header("user-agent") == "flowengine"
    assert [name.lower() for name, _ in request.headers].count("content-length") == 1


async def test_redirects_are_not_followed(get):
    async with raw_service(reply(302, b"", location="http://169.254.169.254/")) as service:
        assert (await get(service.url)).status == 302
    assert len(service.received) == 1


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"hello") + gzip.compress(b" again")),
        ("deflate", zlib.compress(b"hello again")),
        ("deflate", zlib.compress(b"hello again", wbits=-15)),
        ("identity", b"hello again"),
    ],
    ids=["gzip-in-two-members", "zlib", "raw-deflate", "identity"],
)
async def test_compressed_answers(get, encoding, packed):
    async with raw_service(reply(200, packed, content_encoding=encoding)) as service:
        assert (await get(service.url)).body == b"hello again"


async def test_a_large_answer_is_refused(get):
    async with raw_service(reply(200, b"0" * 100_001)) as service:
        with pytest.raises(ResponseTooLarge, match="larger than 100,000 bytes"):
            await get(service.url)


@pytest.mark.parametrize(("encoding", "told"), [("gzip", "damaged"), ("br", r"not asked for \(br\)")])
async def test_answers_that_cannot_be_unpacked(get, encoding, told):
    async with raw_service(reply(200, b"not packed", content_encoding=encoding)) as service:
        with pytest.raises(OperationFailed, match=told):
            await get(service.url)


async def test_a_refused_connection_is_unreachable(get):
    async with raw_service(reply()) as service:
        pass
    with pytest.raises(ServiceUnreachable, match=r"http://127\.0\.0\.1:\d+ cannot be reached"):
        await get(f"{service.url}/secret-path?key=secret")


async def test_a_name_that_does_not_resolve_is_unreachable(get):
    with pytest.raises(ServiceUnreachable, match="does not resolve"):
        await get("http://nowhere.invalid/")


async def test_no_answer_is_an_unknown_outcome(get):
    async def silence(_, writer):
        await asyncio.sleep(1)

    async with raw_service(silence) as service:
        with pytest.raises(OutcomeUnknown, match=r"no whole answer came within 0\.1 seconds"):
            await get(service.url, seconds=0.1)


@pytest.mark.parametrize("head", [b"content-length: 1000\r\n\r\n", b"X-Slow: "], ids=["of a body", "of headers"])
async def test_a_drip_ends_at_the_deadline(get, head):
    async def drip(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with raw_service(drip) as service:
        with pytest.raises(OutcomeUnknown, match="no whole answer"):
            await get(service.url, seconds=0.2)


async def test_a_reset_is_an_unknown_outcome(get):
    async def reset(_, writer):
        writer.transport.abort()

    async with raw_service(reset) as service:
        with pytest.raises(OutcomeUnknown, match="connection broke"):
            await get(service.url, method="POST", body=b"{}")
    assert len(service.received) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf", "broke off"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
    ],
    ids=["half an answer", "no HTTP"],
)
async def test_what_is_no_answer_is_an_unknown_outcome(get, answer, told):
    async def play(_, writer):
        writer.write(answer)
        writer.close()

    async with raw_service(play) as service:
        with pytest.raises(OutcomeUnknown, match=told):
            await get(service.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_private_addresses_are_blocked_before_anything_is_sent(get, host):
    async with raw_service(reply()) as service:
        with pytest.raises(Blocked, match="not a public address"):
            await get(f"http://{host}:{service.port}/", guarded=True)
    assert service.received == []


async def test_a_connection_kept_open_for_a_trusted_caller_does_not_serve_others(get):
    async with raw_service(reply()) as service:
        await get(f"http://localhost:{service.port}/")
        with pytest.raises(Blocked):
            await get(f"http://localhost:{service.port}/", guarded=True)


@pytest.mark.parametrize("url", ["ftp://example.com", "example.com/x", "http://", "http://exa mple.com:99999/", ""])
async def test_what_is_no_address(get, url):
    with pytest.raises(InvalidInputs):
        await get(url)
