"""What happens when events come while runs are going."""

from __future__ import annotations

import asyncio

import pytest

from flowengine.types import Disposition, Status
from tests.fakes.engines import until
from tests.fakes.records import a_run

HANG = '\nactions: [{name: Hang, use: http.get, with: {url: "/{{ trigger.subject }}"}}]'


@pytest.fixture
def gate(bench):
    """Calls hang until it is set."""
    leave = asyncio.Event()
    bench.service.answers["/refund"] = [leave.wait]
    return leave


async def submit_many(bench, flow, count, under_way=1):
    """So many runs, when so many of them have called, and a little later, in which another could."""
    runs = [await bench.submit(flow) for _ in range(count)]
    await until(lambda: bench.service.under_way >= under_way)
    await asyncio.sleep(0.05)
    return runs


async def all_ended(bench, runs):
    return [str((await bench.engine.wait(run.id, 20)).status) for run in runs if run]


async def test_parallel_runs_keep_to_their_number(bench, gate):
    flow = bench.deploy("max: 3" + HANG)
    runs = await submit_many(bench, flow, 8, under_way=3)
    assert bench.service.under_way == 3
    assert bench.event.disposition is Disposition.QUEUED
    assert "lets 3 go at once" in bench.event.reason["message"]
    gate.set()
    assert await all_ended(bench, runs) == ["succeeded"] * 8
    assert bench.service.most == 3


async def test_queued_runs_follow_each_other_in_order(bench, gate):
    flow = bench.deploy("mode: queued" + HANG)
    runs = await submit_many(bench, flow, 5)
    gate.set()
    await all_ended(bench, runs)
    assert bench.service.most == 1
    assert [call[0] for call in bench.service.calls] == [run.id for run in runs]


async def test_a_queue_with_a_written_end_turns_away(bench, gate):
    flow = bench.deploy("mode: queued\nmax: 2" + HANG)
    runs = await submit_many(bench, flow, 4)
    assert runs[3] is None
    assert bench.event.disposition is Disposition.DROPPED
    gate.set()
    assert await all_ended(bench, runs) == ["succeeded"] * 3


async def test_a_single_run_lets_no_other_in(bench, gate):
    flow = bench.deploy("mode: single" + HANG)
    runs = await submit_many(bench, flow, 2)
    assert (runs[1], bench.event.disposition) == (None, Disposition.DROPPED)
    gate.set()
    await all_ended(bench, runs)
    assert await bench.submit(flow) is not None


async def test_a_restart_cancels_what_was_there(bench, gate):
    flow = bench.deploy("mode: restart" + HANG)
    runs = await submit_many(bench, flow, 3)
    gate.set()
    assert await all_ended(bench, runs) == ["cancelled", "cancelled", "succeeded"]
    assert bench.event.disposition is Disposition.STARTED


async def test_keys_have_lanes_of_their_own(bench, gate):
    flow = bench.deploy('mode: queued\nper: "{{ trigger.subject }}"' + HANG)
    runs = [await bench.submit(flow, key=key) for key in ("a", "b", "a")]
    await until(lambda: bench.service.under_way == 2)
    await asyncio.sleep(0.05)
    assert bench.service.under_way == 2
    gate.set()
    await all_ended(bench, runs)


async def test_the_engine_as_a_whole_has_a_number_too(make_bench):
    bench = make_bench(runs_at_once=2)
    async with bench.running():
        leave = asyncio.Event()
        bench.service.answers["/refund"] = [leave.wait]
        flow = bench.deploy(HANG)
        runs = await submit_many(bench, flow, 6)
        assert bench.event.disposition is Disposition.STARTED
        leave.set()
        assert await all_ended(bench, runs) == ["succeeded"] * 6
        assert bench.service.most == 2


async def test_limits_hold_across_a_crash(cold):
    flow = cold.deploy("max: 2" + HANG)
    async with cold.running(grace=None):
        cold.service.answers["/refund"] = [lambda: asyncio.Event().wait()]
        runs = await submit_many(cold, flow, 5)
    cold.service.answers.clear()
    cold.service.most = 0
    async with cold.running():
        assert await all_ended(cold, runs) == ["succeeded"] * 5
    assert cold.service.most <= 2


async def test_runs_that_were_not_stored_give_their_places_back(bench, gate):
    from tests.fakes.records import a_run, an_event

    flow = bench.deploy("mode: single" + HANG)
    run = a_run(flow_version=flow.version)
    _, admitted = bench.engine.admit(flow, an_event(), [run])
    bench.engine.forget(admitted)
    assert await bench.submit(flow) is not None
    gate.set()


async def test_runs_that_nobody_admitted_are_judged_when_they_wake(bench, gate):
    from tests.fakes.records import a_run

    flow = bench.deploy("mode: single" + HANG)
    first = await bench.submit(flow)
    second = a_run(flow_version=flow.version)
    await bench.store.runs.add(second)
    bench.engine.wake([second])
    assert (await bench.engine.wait(second.id, 20)).status is Status.CANCELLED
    gate.set()
    assert await all_ended(bench, [first]) == ["succeeded"]


async def test_after_a_restart_only_the_newest_of_mode_restart_goes_on(cold):
    bench = cold
    flow = bench.deploy(
        "flow: T\ntrigger: {manual: true}\nmode: restart\nactions:\n  - wait_for: callback\n    timeout: 1 hour\n"
    )
    async with bench.running(grace=None):
        first = await bench.submit(flow)
        await until(lambda: first.id in bench.engine._going)
        # Three more that were stored, and the process died before it had cancelled anything.
        waiting = [a_run(flow=flow.id, flow_version=flow.version) for _ in range(3)]
        for run in waiting:
            await bench.store.runs.add(run)
    async with bench.running():
        for run in (first, *waiting[:2]):
            assert (await bench.engine.wait(run.id, 20)).status is Status.CANCELLED
        await until(lambda: waiting[-1].id in bench.engine._going)
