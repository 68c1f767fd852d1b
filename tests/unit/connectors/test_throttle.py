import asyncio
import time

import pytest

from flowengine.connectors.throttle import Throttle


async def test_never_more_than_the_limit_in_any_period_under_fifty_runs():
    period, calls = 0.1, 10
    throttle = Throttle([(calls, period)])
    arrivals = []

    async def call():
        async with throttle.slot():
            await asyncio.sleep(0.01)
            arrivals.append(time.monotonic())

    await asyncio.gather(*(call() for _ in range(50)))
    arrivals.sort()
    assert len(arrivals) == 50
    assert all(later - earlier >= period for earlier, later in zip(arrivals, arrivals[calls:], strict=False))


async def test_first_come_first_served():
    throttle = Throttle([(1, 0.005)])
    order = []

    async def call(number):
        async with throttle.slot():
            order.append(number)

    await asyncio.gather(*(call(number) for number in range(10)))
    assert order == list(range(10))


async def test_all_limits_hold():
    throttle = Throttle([(2, 0.02), (3, 0.1)])
    started = time.monotonic()
    for _ in range(4):
        async with throttle.slot():
            pass
    assert time.monotonic() - started >= 0.1


async def test_a_pause_holds_every_call_back():
    throttle = Throttle([])
    throttle.pause(0.05)
    started = time.monotonic()
    async with throttle.slot():
        pass
    assert time.monotonic() - started >= 0.05


async def test_a_slot_comes_back_after_an_error_and_after_a_cancelled_wait():
    throttle = Throttle([(1, 0.02)])
    with pytest.raises(ValueError, match="refused"):
        async with throttle.slot():
            raise ValueError("refused")

    async def call():
        async with throttle.slot():
            pass

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(call(), 20)


async def test_when_all_slots_are_out_an_answer_lets_the_next_go():
    throttle = Throttle([(1, 0.01)])
    release = asyncio.Event()

    async def long_call():
        async with throttle.slot():
            await release.wait()

    async def next_call():
        async with throttle.slot():
            return "went"

    first = asyncio.create_task(long_call())
    await asyncio.sleep(0)
    second = asyncio.create_task(next_call())
    await asyncio.sleep(0.03)
    assert not second.done()
    release.set()
    assert await asyncio.wait_for(second, 20) == "went"
    await first
