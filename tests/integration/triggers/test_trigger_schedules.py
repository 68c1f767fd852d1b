"""Which times are due, what becomes of missed ones, and that none is run twice."""

from datetime import UTC, datetime, timedelta

import pytest

from flowengine.triggers.schedule import Schedules
from flowengine.types import Disposition
from tests.fakes.schedules import tick

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def schedules(store, dispatcher):
    return Schedules(store, dispatcher)


async def settle(schedules, flow, **more):
    return await schedules.settle(flow, flow.triggers[0], **{"enabled": True, **more})


async def test_a_new_schedule_begins_now_and_starts_a_run_at_each_time(schedules, read, clock, engine, store):
    flow = read(tick())
    assert await settle(schedules, flow) == T0 + timedelta(minutes=15)
    assert engine.runs == []
    clock.pass_(minutes=15)
    assert await settle(schedules, flow) == T0 + timedelta(minutes=30)
    assert await settle(schedules, flow) == T0 + timedelta(minutes=30)
    (run,) = engine.runs
    assert run.trigger == {"scheduled_at": "2026-03-02T08:15:00Z", "late": False}
    assert (await store.runs.get(run.id)).trigger_kind == "schedule"


async def test_missed_times_leave_one_record_that_counts_them(schedules, read, clock, engine, store):
    flow = read(tick())
    await settle(schedules, flow)
    clock.pass_(hours=3, minutes=5)
    await settle(schedules, flow)
    (run,) = engine.runs
    assert run.trigger == {"scheduled_at": "2026-03-02T11:00:00Z", "late": True}
    (missed,) = await store.events.list(dispositions=[Disposition.MISSED])
    assert (missed.reason["count"], missed.reason["first"]) == (11, "2026-03-02T08:15:00Z")


async def test_times_that_pass_while_the_flow_is_off_are_settled_silently(schedules, read, clock, engine, store):
    flow = read(tick())
    await settle(schedules, flow)
    clock.pass_(hours=1)
    await settle(schedules, flow, enabled=False)
    clock.pass_(minutes=1)
    await settle(schedules, flow)
    assert engine.runs == []
    assert await store.events.list() == []


async def test_a_clock_that_is_set_back_starts_nothing_twice(schedules, read, clock, engine):
    flow = read(tick())
    await settle(schedules, flow)
    clock.pass_(minutes=15)
    await settle(schedules, flow)
    clock.pass_(hours=-1)
    following = await settle(schedules, flow)
    clock.pass_(minutes=59)
    await settle(schedules, flow)
    assert len(engine.runs) == 1
    assert following == T0 + timedelta(minutes=30)
