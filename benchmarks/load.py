"""A load of POSTs from a process of its own: N requests by C callers, each sending the next when the last is answered."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What the callers saw; times in seconds."""

    started: float
    ended: float
    median: float
    p99: float
    refused: int


def post(url: str, body: bytes, requests: int, callers: int, rate: float | None = None) -> Load:
    """Send `requests` POSTs; with `rate`, at most that many a second. `@number@` in the body becomes the request's number."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (url, body, requests, callers, rate))


def _run(url: str, body: bytes, requests: int, callers: int, rate: float | None) -> Load:
    import uvloop

    return uvloop.run(_post(url, body, requests, callers, rate))


async def _post(url: str, body: bytes, requests: int, callers: int, rate: float | None) -> Load:
    import aiohttp

    times: list[float] = []
    refused = 0
    left = iter(range(requests))
    started = time.time()

    async def caller(session: aiohttp.ClientSession) -> None:
        nonlocal refused
        for number in left:
            if rate and (early := started + number / rate - time.time()) > 0:
                await asyncio.sleep(early)
            sent = time.perf_counter()
            async with session.post(
                url, data=body.replace(b"@number@", b"%d" % number), headers={"content-type": "application/json"}
            ) as answer:
                await answer.read()
                refused += answer.status >= 400
            times.append(time.perf_counter() - sent)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(caller(session) for _ in range(callers)))
    return Load(
        started=started,
        ended=time.time(),
        median=statistics.median(times),
        p99=statistics.quantiles(times, n=100)[98],
        refused=refused,
    )
