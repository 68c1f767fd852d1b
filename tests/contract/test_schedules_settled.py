"""Schedules over every database: downtime, clocks that are set, a death in the middle; each time once, and none without a word."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from flowengine import failpoints
from flowengine.expressions.evaluate import InProcess
from flowengine.store import Store
from flowengine.triggers import schedule as module
from flowengine.triggers.dispatch import Dispatcher
from flowengine.triggers.schedule import Schedules
from flowengine.types import Disposition
from tests.fakes.engines import a_flow
from tests.fakes.schedules import tick
from tests.fakes.standing_clock import StandingClock, WakeRecord

BEGIN = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)


class Desk:
    """One flow's schedule over a database that is closed and opened again as a restart does."""

    def __init__(self, url, key_file, text):
        self.url, self.key_file, self.clock, self.flow = url, key_file, StandingClock(BEGIN), a_flow(text)
        self.started: list[str] = []

    @asynccontextmanager
    async def up(self):
        async with Store.open(self.url, write=True, clock=self.clock, key_file=self.key_file) as self.store:
            self.engine = WakeRecord()
            self.schedules = Schedules(self.store, Dispatcher(self.store, self.engine, InProcess(), self.clock))
            await self.look()
            yield self

    async def look(self):
        return await self.schedules.settle(self.flow, self.flow.triggers[0], enabled=True)

    async def stored(self) -> list[str]:
        """When each stored run was due, oldest first."""
        runs = await self.store.runs.list(limit=1000)
        return [run.trigger["scheduled_at"][5:16] for run in reversed(runs)]

    async def missed(self) -> list[tuple[int, str, str]]:
        events = await self.store.events.list(dispositions=[Disposition.MISSED])
        return [(one.reason["count"], one.reason["first"][5:16], one.reason["last"][5:16]) for one in events]


@pytest.fixture
def desk(database_url, tmp_path):
    def desk(words, missed="run_once", zone="UTC"):
        return Desk(database_url, tmp_path / "key", tick(words, missed, zone))

    return desk


def quarters(first, last):
    at, found = datetime.fromisoformat(f"2026-{first}"), []
    while at <= datetime.fromisoformat(f"2026-{last}"):
        found.append(f"{at:%m-%dT%H:%M}")
        at += timedelta(minutes=15)
    return found


QUARTERS = quarters("03-02T08:15", "03-02T11:00")


@pytest.mark.parametrize(
    ("words", "missed", "runs", "lost"),
    [
        ("every 15 minutes", "run_once", QUARTERS[-1:], [(11, QUARTERS[0], QUARTERS[-2])]),
        ("every 15 minutes", "run_all", QUARTERS, []),
        ("every 15 minutes", "skip", [], [(12, QUARTERS[0], QUARTERS[-1])]),
        ("hourly", "run_once", ["03-02T11:00"], [(2, "03-02T09:00", "03-02T10:00")]),
        ("hourly", "run_all", ["03-02T09:00", "03-02T10:00", "03-02T11:00"], []),
        ("hourly", "skip", [], [(3, "03-02T09:00", "03-02T11:00")]),
        ("every day at 10:00", "run_once", ["03-02T10:00"], []),
        ("every day at 10:00", "run_all", ["03-02T10:00"], []),
        ("every day at 10:00", "skip", [], [(1, "03-02T10:00", "03-02T10:00")]),
        ("every day at 12:00", "run_once", [], []),
    ],
)
async def test_three_hours_of_downtime(desk, words, missed, runs, lost):
    it = desk(words, missed)
    async with it.up():
        assert await it.stored() == []
    it.clock.pass_(hours=3)
    for _ in range(2):
        async with it.up():
            assert (await it.stored(), await it.missed()) == (runs, lost)


async def test_a_clock_that_jumps_an_hour_ahead_and_back_loses_no_time_and_doubles_none(desk):
    it = desk("every 15 minutes", "run_all")
    async with it.up():
        for minutes in (10, 60, -60, 5, 10, *[15] * 8):
            it.clock.pass_(minutes=minutes)
            await it.look()
    async with it.up():
        assert await it.stored() == quarters("03-02T08:15", "03-02T10:30")
        assert await it.missed() == []


@pytest.mark.parametrize("point", ["before_event_commit", "after_event_commit"])
async def test_a_death_around_the_commit_neither_loses_a_time_nor_runs_it_twice(desk, point):
    it = desk("every 15 minutes", "run_all")
    async with it.up():
        it.clock.pass_(hours=1)
        failpoints.arm(f"{point}:1:raise")
        try:
            with pytest.raises(failpoints.Reached):
                await it.look()
        finally:
            failpoints.arm("")
    async with it.up():
        await it.look()
        assert await it.stored() == quarters("03-02T08:15", "03-02T09:00")


@pytest.mark.parametrize(
    ("zone", "at", "begin", "expected"),
    [
        ("Europe/Warsaw", "02:30", "2026-03-28T12:00", ["03-29T01:00", "03-30T00:30"]),
        ("Europe/Warsaw", "02:30", "2026-10-24T12:00", ["10-25T00:30", "10-26T01:30"]),
        ("America/New_York", "02:30", "2026-03-07T12:00", ["03-08T07:00", "03-09T06:30"]),
        ("America/New_York", "01:30", "2026-10-31T12:00", ["11-01T05:30", "11-02T06:30"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-03T06:00", ["10-03T15:30", "10-04T15:15"]),
        ("Australia/Lord_Howe", "01:45", "2026-04-04T06:00", ["04-04T14:45", "04-05T15:15"]),
    ],
)
async def test_daily_times_through_a_change_of_the_clock_with_a_restart_every_half_hour(
    desk, zone, at, begin, expected
):
    it = desk(f'"every day at {at}"', zone=zone)
    it.clock.at = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    async with it.up():
        pass
    for hours in (0, 24):
        near = datetime.fromisoformat(f"2026-{expected[hours // 24]}").replace(tzinfo=UTC) - timedelta(minutes=20)
        it.clock.at = near
        for _ in range(4):
            async with it.up():
                it.clock.pass_(minutes=30)
                await it.look()
    async with it.up():
        assert await it.stored() == expected
        assert await it.missed() == []


async def test_very_many_missed_times_are_one_run_and_all_counted(desk, monkeypatch):
    monkeypatch.setattr(module, "LOOK_BACK_AT_MOST", 10)
    it = desk("every 15 minutes")
    async with it.up():
        pass
    it.clock.pass_(hours=8)
    async with it.up():
        assert await it.stored() == ["03-02T16:00"]
        assert Counter(count for count, _, _ in await it.missed()) == {10: 3, 1: 1}
