"""Alarms ring in the event loop; a stop cuts them off without a word."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from flowengine.triggers.timer import Timer


@pytest.fixture
async def timer(caplog):
    caplog.set_level(logging.WARNING)
    made = Timer()
    made.start()
    yield made
    made.stop()


def now():
    return datetime.now(UTC)


async def test_what_a_stop_cuts_off_is_no_mistake(timer, caplog):
    began, ended = asyncio.Event(), []

    async def long():
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cut off")

    timer.at("long", now(), long)
    await began.wait()
    timer.stop()
    await asyncio.sleep(0.05)
    assert ended == ["cut off"]
    assert not caplog.records


async def test_a_stop_comes_before_an_alarm_has_begun(timer, caplog):
    begun = []

    async def alarm():
        begun.append(1)

    timer.at("soon", now(), alarm)
    timer._scheduler._process_jobs()  # the alarm is due, and its task has not had its turn
    timer._scheduler._lookup_executor("default").shutdown()
    await asyncio.sleep(0.05)
    assert not begun
    assert not caplog.records


async def test_an_alarm_that_fails_is_told_and_rings_again(timer, caplog):
    rung = asyncio.Queue()

    async def fails():
        rung.put_nowait(1)
        raise ValueError("odd")

    timer.every("often", timedelta(seconds=0.05), fails)
    async with asyncio.timeout(10):
        for _ in range(3):
            await rung.get()
    (first, *_) = caplog.records
    assert first.getMessage().startswith("an alarm could not be followed")
    assert isinstance(first.exc_info[1], ValueError)


async def test_an_alarm_that_takes_its_time_is_not_followed_twice_at_once(timer):
    going, most, rung = 0, 0, asyncio.Queue()

    async def slow():
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.12)
        going -= 1
        rung.put_nowait(1)

    timer.every("slow", timedelta(seconds=0.05), slow)
    async with asyncio.timeout(10):
        for _ in range(3):
            await rung.get()
    assert most == 1
