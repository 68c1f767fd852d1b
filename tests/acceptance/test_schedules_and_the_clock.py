"""The whole engine on a clock of the test's: downtime, a clock that is set, both changes of daylight saving."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flowengine.app import App
from tests.fakes.projects import make_project
from tests.fakes.schedules import tick
from tests.fakes.standing_clock import StandingClock

BEGIN = datetime(2027, 3, 2, 8, 5, tzinfo=UTC)
"""In the future: alarms that ring by the machine's own clock then never do, and only the test's looks count."""


class Desk:
    """A project whose engine is started and stopped; `look` is what the engine does twice a minute."""

    def __init__(self, project, begin):
        self.project, self.clock = project, StandingClock(begin)

    @asynccontextmanager
    async def up(self):
        async with App.open(self.project, clock=self.clock) as self.app:
            await self.app.triggers.start("http://127.0.0.1:1")
            await self.look()
            yield self
            await self.app.triggers.stop()

    async def look(self):
        await self.app.triggers._check_schedules()

    async def goes_by(self, minutes, step=5):
        for _ in range(0, abs(minutes), step):
            self.clock.pass_(minutes=step if minutes > 0 else -step)
            await self.look()

    async def ended(self, zone="UTC"):
        """When each run was due, in the zone; all have succeeded."""
        async with asyncio.timeout(20):
            while await self.app.store.runs.unfinished():
                await asyncio.sleep(0.01)
        runs = list(reversed(await self.app.store.runs.list(limit=500)))
        assert {str(run.status) for run in runs} <= {"succeeded"}
        due = [datetime.fromisoformat(run.trigger["scheduled_at"]) for run in runs]
        return [f"{one.astimezone(ZoneInfo(zone)):%H:%M}" for one in due]


@pytest.fixture
def desk(tmp_path, database_url):
    def desk(schedule, missed="run_once", zone="UTC", begin=BEGIN):
        project = make_project(tmp_path, {"tick": tick(schedule, missed, zone)}, database_url=database_url)
        return Desk(project, begin)

    return desk


@pytest.mark.parametrize(
    ("missed", "runs", "passed_over"),
    [("run_once", ["11:00"], 2), ("run_all", ["09:00", "10:00", "11:00"], 0), ("skip", [], 3)],
)
async def test_three_hours_of_downtime(desk, missed, runs, passed_over):
    it = desk("hourly", missed)
    async with it.up():
        assert await it.ended() == []
    it.clock.pass_(hours=3)
    async with it.up():
        assert await it.ended() == runs
        told = await it.app.store.events.list("tick", ["missed"])
        assert sum(event.reason["count"] for event in told) == passed_over
        await it.goes_by(60)
        assert await it.ended() == [*runs, "12:00"]


async def test_a_clock_that_is_set_an_hour_ahead_and_back(desk):
    it = desk("every 15 minutes", "run_all")
    async with it.up():
        await it.goes_by(30)
        it.clock.pass_(hours=1)
        await it.look()
        await it.goes_by(-60, step=60)
        await it.goes_by(75)
    async with it.up():
        found = await it.ended()
    at, expected = BEGIN.replace(minute=15), []
    while at <= BEGIN + timedelta(minutes=105):
        expected.append(f"{at:%H:%M}")
        at += timedelta(minutes=15)
    assert found == expected, "each once, in order"


@pytest.mark.parametrize(
    ("schedule", "begin", "runs"),
    [
        ('"every day at 02:30"', datetime(2027, 3, 27, 12, 0, tzinfo=UTC), ["03:00", "02:30"]),
        ('"every day at 02:30"', datetime(2027, 10, 30, 12, 0, tzinfo=UTC), ["02:30", "02:30"]),
        ("every 12 hours", datetime(2027, 3, 27, 12, 0, tzinfo=UTC), ["00:00", "12:00", "00:00", "12:00"]),
        ("every 12 hours", datetime(2027, 10, 30, 12, 0, tzinfo=UTC), ["00:00", "12:00", "00:00", "12:00"]),
    ],
)
async def test_two_days_around_a_change_of_daylight_saving(desk, schedule, begin, runs):
    it = desk(schedule, zone="Europe/Warsaw", begin=begin)
    for _ in range(2):
        async with it.up():
            await it.goes_by(24 * 60, step=30)
            found = await it.ended("Europe/Warsaw")
    assert found == runs
