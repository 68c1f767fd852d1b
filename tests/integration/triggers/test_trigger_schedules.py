"""Which times are due, what becomes of missed ones, and that none is run twice."""

from datetime import UTC, datetime, timedelta

import pytest

from flowengine.triggers.schedule import GRACE, Schedules, coming, due
from flowengine.types import Disposition

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def flow_text(missed="run_once", words="every 15 minutes", zone="UTC"):
    return f"""
        flow: Tick
        trigger:
          schedule: {words}
          timezone: {zone}
          if_missed: {missed}
        actions: [{{log: tick}}]
        """


def minutes(*numbers):
    return tuple(T0 + timedelta(minutes=number) for number in numbers)


@pytest.mark.parametrize(
    ("missed", "late", "run", "lost"),
    [
        ("run_once", 20, minutes(60), minutes(15, 30, 45)),
        ("run_all", 20, minutes(15, 30, 45, 60), ()),
        ("skip", 20 * 60, (), minutes(15, 30, 45, 60)),
        ("skip", 20, minutes(60), minutes(15, 30, 45)),
    ],
)
def test_what_an_hour_of_downtime_leads_to(read, missed, late, run, lost):
    trigger = read(flow_text(missed)).triggers[0]
    found = due(
        trigger,
        T0,
        T0 + timedelta(hours=1, seconds=late if late < 900 else 0) + (GRACE * 2 if late > 900 else GRACE * 0),
    )
    assert (found.run, found.missed) == (run, lost)
    assert found.settled == minutes(60)[0]


def test_nothing_is_due_before_its_time(read):
    found = due(read(flow_text()).triggers[0], T0, T0 + timedelta(minutes=14))
    assert (found.run, found.missed, found.settled) == ((), (), None)


def test_the_coming_time_is_in_utc_whatever_the_zone(read):
    trigger = read(flow_text(words="every day at 09:00", zone="Europe/Warsaw")).triggers[0]
    assert coming(trigger, datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)


@pytest.fixture
def schedules(store, dispatcher):
    return Schedules(store, dispatcher)


async def settle(schedules, flow, **more):
    return await schedules.settle(flow, flow.triggers[0], **{"enabled": True, **more})


async def test_a_new_schedule_begins_now_and_starts_a_run_at_each_time(schedules, read, clock, engine, store):
    flow = read(flow_text())
    assert await settle(schedules, flow) == T0 + timedelta(minutes=15)
    assert engine.runs == []
    clock.pass_(minutes=15)
    assert await settle(schedules, flow) == T0 + timedelta(minutes=30)
    assert await settle(schedules, flow) == T0 + timedelta(minutes=30)
    (run,) = engine.runs
    assert run.trigger == {"scheduled_at": "2026-03-02T08:15:00Z", "late": False}
    assert (await store.runs.get(run.id)).trigger_kind == "schedule"


async def test_missed_times_leave_one_record_that_counts_them(schedules, read, clock, engine, store):
    flow = read(flow_text())
    await settle(schedules, flow)
    clock.pass_(hours=3, minutes=5)
    await settle(schedules, flow)
    (run,) = engine.runs
    assert run.trigger == {"scheduled_at": "2026-03-02T11:00:00Z", "late": True}
    (missed,) = await store.events.list(dispositions=[Disposition.MISSED])
    assert (missed.reason["count"], missed.reason["first"]) == (11, "2026-03-02T08:15:00Z")


async def test_times_that_pass_while_the_flow_is_off_are_settled_silently(schedules, read, clock, engine, store):
    flow = read(flow_text())
    await settle(schedules, flow)
    clock.pass_(hours=1)
    await settle(schedules, flow, enabled=False)
    clock.pass_(minutes=1)
    await settle(schedules, flow)
    assert engine.runs == []
    assert await store.events.list() == []


async def test_a_clock_that_is_set_back_starts_nothing_twice(schedules, read, clock, engine):
    flow = read(flow_text())
    await settle(schedules, flow)
    clock.pass_(minutes=15)
    await settle(schedules, flow)
    clock.pass_(hours=-1)
    following = await settle(schedules, flow)
    clock.pass_(minutes=59)
    await settle(schedules, flow)
    assert len(engine.runs) == 1
    assert following == T0 + timedelta(minutes=30)
