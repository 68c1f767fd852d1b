"""One connection shared by fifty runs, on real sockets: its limit, its pause, its order."""

import asyncio
import random
import time

import pytest

from flowengine.connectors.connection import Connection
from flowengine.errors import Throttled
from tests.fakes.definitions import connector
from tests.fakes.raw_service import raw_service, reply

RUNS = 50
FINE = reply(200, b"{}", content_type="application/json")


class Counting:
    """Notes when requests arrive, and takes its time to answer."""

    def __init__(self, slowest=0.0):
        self.arrivals = []
        self.slowest = slowest
        self.patience = random.Random(7)

    async def __call__(self, request, writer):
        self.arrivals.append(time.monotonic())
        await asyncio.sleep(self.patience.random() * self.slowest)
        await FINE(request, writer)


def desk(calls=20, period=0.2):
    limits = [{"calls": calls, "period_seconds": period}]
    return connector("c", {"/a": {"get": {"operationId": "Op"}}}, limits=limits)


def account(service, name="acct", **more):
    return Connection(name, "c", base_url=service.url, allow_private_network=True, **more)


@pytest.mark.parametrize("slowest", [0.0, 0.1])
async def test_the_limit_is_never_exceeded_in_any_period(client, slowest):
    counting, found = Counting(slowest), desk()

    async def run(service):
        for _ in range(2):
            await client.call(found, found.operation("Op"), {}, account(service))

    async with raw_service(counting) as service:
        await asyncio.gather(*(run(service) for _ in range(RUNS)))
    arrivals = sorted(counting.arrivals)
    assert len(arrivals) == 2 * RUNS
    # Wherever a period begins, what arrived within it is at most the limit.
    assert min(later - first for first, later in zip(arrivals, arrivals[20:], strict=False)) >= 0.2


async def test_another_connection_has_a_limit_of_its_own(client):
    counting, found = Counting(), desk(calls=1, period=60)
    async with raw_service(counting) as service, asyncio.timeout(20):
        for name in ("one", "two", "three"):
            await client.call(found, found.operation("Op"), {}, account(service, name))
    assert len(counting.arrivals) == 3


async def test_not_so_fast_pauses_the_connection_and_not_each_run(client):
    refused = []

    class Strict(Counting):
        async def __call__(self, request, writer):
            if not refused:
                refused.append(time.monotonic())
                await reply(429, b"{}", retry_after="0.5")(request, writer)
                return
            await super().__call__(request, writer)

    strict, found = Strict(), desk(calls=1000, period=1)

    async def call(service):
        await client.call(found, found.operation("Op"), {}, account(service))

    async with raw_service(strict) as service:
        with pytest.raises(Throttled) as caught:
            await call(service)
        assert caught.value.retry_after == 0.5
        await asyncio.gather(*(call(service) for _ in range(RUNS)))
    # Not one of the fifty was sent before the service wanted to be asked again.
    assert len(strict.arrivals) == RUNS
    assert min(strict.arrivals) - refused[0] >= 0.45
