"""Bytes out, bytes in: the one module that knows an HTTP client.

httpx's request and answer on aiohttp's sockets. One exchange a call: no redirects, no cookies, no proxies from the
environment, a cap on the decoded size, one deadline from the first to the last byte, and addresses judged by `guard`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions
from yarl import URL

from flowengine.connectors.draft import Answer
from flowengine.connectors.guard import refuse_private
from flowengine.connectors.inflate import decoder
from flowengine.errors import (
    ActionError,
    InvalidInputs,
    OutcomeUnknown,
    ResponseTooLarge,
    ServiceUnreachable,
)

CONNECT_SECONDS = 10.0
KEEP_IDLE_SECONDS = 4.0
"""Shorter than the 5 seconds after which common servers hang up, so that no request is sent into a closing connection."""
_OWN_HEADERS = (("user-agent", "flowengine"), ("accept-encoding", "gzip, deflate"), ("accept", "*/*"))


class GuardedResolver(AbstractResolver):
    """Resolves as the system does and lets only public addresses through."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await aiohttp.ThreadedResolver().resolve(host, port, family)
        for one in found:
            refuse_private(host, one["host"])
        return found

    async def close(self) -> None:
        """Nothing is held."""


@cache
def _certificates() -> ssl.SSLContext:
    """Reading the authorities takes some 20 ms: once a process."""
    return httpx.create_ssl_context(trust_env=False)


class Transport(httpx.AsyncBaseTransport):
    """httpx's transport over aiohttp, which sends URLs byte for byte as they are."""

    def __init__(self, *, guarded: bool) -> None:
        self._guarded = guarded
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=KEEP_IDLE_SECONDS,
            resolver=GuardedResolver() if self._guarded else None,
            ssl=_certificates(),
        )
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
        )
        # aiohttp would send GET, PUT and DELETE a second time by itself: unseen by the history, and against `on_unknown: fail`.
        session._retry_connection = False  # noqa: SLF001
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            self._session = self._open()
        url: URL = request.extensions["url"]
        if self._guarded and url.host:
            _judge_literal(url.host)
        with map_aiohttp_exceptions():
            response = await self._session.request(
                request.method,
                url,
                headers=[(name.decode("ascii"), value.decode("utf-8")) for name, value in request.headers.raw],
                data=request.extensions["body"],
                allow_redirects=False,
                timeout=_to_connect(request.extensions["timeout"]["connect"]),
            )
        return httpx.Response(response.status, headers=response.raw_headers, stream=AiohttpResponseStream(response))

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


@lru_cache(maxsize=64)
def _to_connect(seconds: float) -> aiohttp.ClientTimeout:
    """No limit but on connecting: `Wire` keeps the whole exchange within its time."""
    return aiohttp.ClientTimeout(total=None, connect=seconds)


def _judge_literal(host: str) -> None:
    """The resolver is not asked about addresses in the URL itself."""
    if ":" in host or host.replace(".", "").isdigit():
        refuse_private(host, host)


class Wire:
    """The process's connections to services: one pool for public addresses, one for connections that may call any."""

    def __init__(self, *, largest_answer: int) -> None:
        # Two pools, because a connection kept open for a trusted caller must not serve one that is not.
        self._pools = {guarded: Transport(guarded=guarded) for guarded in (True, False)}
        self._largest_answer = largest_answer

    async def close(self) -> None:
        """Hang up."""
        for pool in self._pools.values():
            await pool.aclose()

    async def exchange(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        *,
        guarded: bool,
        seconds: float,
    ) -> Answer:
        """Send one request and read its whole answer within `seconds`.

        Raises `Blocked` and `ServiceUnreachable` (nothing was sent), `OutcomeUnknown` (sent, and no whole answer came),
        `ResponseTooLarge`, and `InvalidInputs` for what is no address.
        """
        address = _address(url)
        place = _place(address)
        request = _request(method, address, place, headers, body, connect=min(CONNECT_SECONDS, seconds))
        try:
            async with asyncio.timeout(seconds):
                response = await self._pools[guarded].handle_async_request(request)
                try:
                    answer = await self._read(response, place)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise OutcomeUnknown(
                f"the request was sent to {place}, and no whole answer came within {seconds:g} seconds"
            ) from None
        except (httpx.HTTPError, aiohttp.ClientError) as error:
            raise _in_words(error, place) from None
        return answer

    async def _read(self, response: httpx.Response, place: str) -> Answer:
        headers = _headers(response.headers.raw)
        decode = decoder(headers.get("content-encoding", ""), response.status_code)
        chunks: list[bytes] = []
        room = self._largest_answer
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for raw in response.stream:
            chunk = decode(raw, room + 1)
            room -= len(chunk)
            if room < 0:
                raise ResponseTooLarge(
                    f"the answer of {place} is larger than {self._largest_answer:,} bytes",
                    status_code=response.status_code,
                )
            chunks.append(chunk)
        return Answer(response.status_code, headers, b"".join(chunks))


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; what came several times is joined by commas (RFC 9110)."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", errors="replace")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _address(url: str) -> URL:
    try:
        parsed = URL(url, encoded=True)
        if parsed.scheme in ("http", "https") and parsed.host and parsed.port:
            return parsed
    except ValueError:
        pass
    raise InvalidInputs("that is not the address of a service: it must begin with https:// or http:// and a host")


def _place(url: URL) -> str:
    """The part of a URL that may be told: query and path can hold credentials."""
    assert url.host is not None
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}" + (f":{url.explicit_port}" if url.explicit_port else "")


@lru_cache(maxsize=1024)
def _root(place: str) -> httpx.URL:
    """The address for httpx, once a service: the whole URL goes beside it, byte for byte as it was built."""
    return httpx.URL(place)


def _request(
    method: str, url: URL, place: str, headers: Sequence[tuple[str, str]], body: bytes | None, *, connect: float
) -> httpx.Request:
    given = {name.lower() for name, _ in headers}
    own = [pair for pair in _OWN_HEADERS if pair[0] not in given]
    try:
        return httpx.Request(
            method,
            _root(place),
            headers=[(name.encode("ascii"), value.encode("utf-8")) for name, value in (*own, *headers)],
            # With a stream, httpx leaves headers and body as they are; aiohttp adds host and length.
            stream=httpx.ByteStream(b""),
            extensions={"url": url, "body": body, "timeout": {"connect": connect}},
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidInputs(f"no request can be made of this: {error}") from None


def _in_words(error: Exception, place: str) -> ActionError:
    """Whether anything was sent decides the class, and aiohttp's own error tells that."""
    match error if isinstance(error, aiohttp.ClientError) else error.__cause__:
        case aiohttp.ClientConnectorDNSError():
            return ServiceUnreachable(f"{place} cannot be found: its name does not resolve")
        case aiohttp.ClientConnectorCertificateError():
            return ServiceUnreachable(f"{place} showed a certificate that is not valid")
        case aiohttp.ClientConnectorError() as cause:
            return ServiceUnreachable(f"{place} cannot be reached: {cause.os_error.strerror or 'no connection'}")
        case aiohttp.ConnectionTimeoutError():
            return ServiceUnreachable(f"{place} cannot be reached: no connection within {CONNECT_SECONDS:g} seconds")
        case aiohttp.ClientPayloadError():
            return OutcomeUnknown(f"the request was sent to {place}, and its answer broke off")
        case aiohttp.ClientResponseError():
            return OutcomeUnknown(f"the request was sent to {place}, and what came back is not HTTP")
        case _:
            return OutcomeUnknown(f"the request was sent to {place}, and the connection broke before an answer came")
