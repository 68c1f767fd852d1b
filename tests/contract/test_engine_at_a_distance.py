"""An engine and what a process beside it asks of it, over one PostgreSQL database: words go through the database alone."""

import asyncio
import itertools
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest

from flowengine.engine.distant import DistantEngine
from flowengine.errors import Conflict, EngineRunning, NotFound
from flowengine.store import Store
from flowengine.types import Disposition, Status
from tests.fakes.engines import Bench
from tests.fakes.records import a_run, an_event

pytestmark = pytest.mark.postgresql

ASKS = """
    actions:
      - ask: { to: team, question: Refund?, choices: [Approve, Reject] }
        name: Ask
        save_as: said
    output: "{{ said.choice }}"
"""
ASKS_ONE = "mode: single" + dedent(ASKS)
RESPONDS = """
    flow: Responds
    trigger: { webhook: { verify: none } }
    actions:
      - respond: { status: 202, headers: { x-a: b }, body: { ok: true } }
      - wait: 1 hour
"""
WAITS = "actions: [{ wait: 1 hour }]\n"
CALLS = "actions: [{ use: http.get, with: { url: u } }]\n"


_numbers = itertools.count(1)


@pytest.fixture
def bench(postgresql_server, tmp_path):
    return Bench(postgresql_server.database(f"at_a_distance_{next(_numbers)}"), tmp_path / "key")


@asynccontextmanager
async def beside(bench):
    async with Store.open(bench.url, write=True, beside=True, clock=bench.clock, key_file=bench.key_file) as store:
        engine = DistantEngine(store)
        await engine.start()
        try:
            yield engine, store
        finally:
            await engine.stop()


async def take_in(engine, store, flow, **given):
    """As dispatch does it, in a process that carries nothing out."""
    event = an_event(flow=flow.id, received_at=store.clock.now())
    run = a_run(event, flow=flow.id, flow_version=flow.version, created_at=store.clock.now(), **given)
    admitted, runs = engine.admit(flow, event, [run])
    await store.events.accept(admitted, runs)
    engine.wake(runs)
    return runs[0]


async def test_a_new_run_is_carried_out_by_the_engine_once(bench):
    flow = bench.deploy(CALLS)
    async with bench.running(), beside(bench) as (distant, store):
        run = await take_in(distant, store, flow)
        done = await distant.wait(run.id, 10)
        assert (done.status, bench.service.paths) == (Status.SUCCEEDED, ["get"])
        assert await store.signals.pending() == []
        assert distant.in_memory() == {"going": 0, "ready": 0, "queued": 0}


async def test_what_was_taken_in_before_the_engine_began_is_begun_with_it(bench):
    flow = bench.deploy(CALLS)
    async with beside(bench) as (distant, store):  # it makes the tables: no engine is there
        runs = [await take_in(distant, store, flow) for _ in range(20)]
        assert len(await store.signals.pending()) == 20
        async with bench.running():
            ended = await asyncio.gather(*(distant.wait(run.id, 10) for run in runs))
        assert {run.status for run in ended} == {Status.SUCCEEDED}
        assert len(bench.service.calls) == 20


async def test_a_mode_holds_for_runs_that_came_without_an_engine(bench):
    flow = bench.deploy(f"mode: single\n{WAITS}", "single")
    async with beside(bench) as (distant, store):
        runs = [await take_in(distant, store, flow) for _ in range(3)]
        async with bench.running():
            ended = await asyncio.gather(*(distant.wait(run.id, 10) for run in runs[1:]))
            assert {run.status for run in ended} == {Status.CANCELLED}
            assert (await store.runs.get(runs[0].id)).status in (Status.RUNNING, Status.WAITING)
            events = [await store.events.get(run.event_id) for run in runs]
            assert [event.disposition for event in events] == ["started", "dropped", "dropped"]
            assert [event.reason for event in events[1:]] == [{"message": run.error["message"]} for run in ended]


async def test_an_event_that_came_to_nothing_leaves_its_key_to_the_next(bench):
    flow = bench.deploy(ASKS_ONE, "single")
    async with bench.running(), beside(bench) as (distant, store):

        async def take(key):
            event = an_event(flow="single", dedupe_key=key)
            run = a_run(event, flow="single", flow_version=flow.version)
            return (await store.events.accept(event, [run])).disposition, run

        _, first = await take("1")
        await asked(store, first)
        disposition, second = await take("2")
        assert (disposition, (await distant.wait(second.id, 10)).status) == ("started", "cancelled")
        await distant.answer(first.id, ("ask",), {"choice": "Approve"})
        await distant.wait(first.id, 10)
        assert (await take("1"))[0] == "duplicate"
        disposition, again = await take("2")
        assert disposition == "started"
        await asked(store, again)


async def test_an_event_with_several_runs_is_dropped_when_none_of_them_begins(bench):
    flow = bench.deploy(ASKS_ONE, "single")
    async with bench.running(), beside(bench) as (distant, store):
        events = [an_event(flow="single") for _ in range(2)]
        runs = [[a_run(event, flow="single", flow_version=flow.version) for _ in range(3)] for event in events]
        for event, split in zip(events, runs, strict=True):
            await store.events.accept(event, split)
        await asyncio.gather(*(distant.wait(run.id, 10) for run in [*runs[0][1:], *runs[1]]))
        assert [(await store.events.get(event.id)).disposition for event in events] == ["started", "dropped"]


async def test_a_run_that_is_done_again_and_turned_away_says_nothing_of_its_event(bench):
    flow = bench.deploy(ASKS_ONE, "single")
    async with bench.running(), beside(bench) as (distant, store):
        first = await take_in(distant, store, flow)
        await asked(store, first)
        again = a_run(flow="single", flow_version=flow.version, event_id=first.event_id, resubmitted_from=first.id)
        await store.runs.add(again)
        assert (await distant.wait(again.id, 10)).status == "cancelled"
        assert (await store.events.get(first.event_id)).disposition == "started"


async def test_an_answer_is_taken_once_and_reaches_the_run(bench):
    flow = bench.deploy(ASKS)
    async with bench.running(), beside(bench) as (distant, store):
        run = await take_in(distant, store, flow)
        await asked(store, run)
        await distant.answer(run.id, ("ask",), {"choice": "Approve"})
        with pytest.raises(Conflict, match="answered already"):
            await distant.answer(run.id, ("ask",), {"choice": "Reject"})
        assert (await distant.wait(run.id, 10)).output == "Approve"
        with pytest.raises(Conflict, match="has ended"):
            await distant.cancel(run.id)
        with pytest.raises(NotFound):
            await distant.wait("no-such-run", 1)


async def test_an_answer_that_came_while_no_engine_ran(bench):
    flow = bench.deploy(ASKS)
    async with beside(bench) as (distant, store):
        async with bench.running():
            run = await take_in(distant, store, flow)
            await asked(store, run)
        await distant.answer(run.id, ("ask",), {"choice": "Reject"})
        async with bench.running():
            assert (await distant.wait(run.id, 10)).output == "Reject"


async def test_a_cancellation_reaches_a_run_that_waits_and_one_that_was_never_begun(bench):
    flow = bench.deploy(WAITS)
    async with beside(bench) as (distant, store):
        early = await take_in(distant, store, flow)
        await distant.cancel(early.id, "too early")
        async with bench.running():
            late = await take_in(distant, store, flow)
            await asked(store, late)
            await distant.cancel(late.id)
            ended = [await distant.wait(run.id, 10) for run in (early, late)]
    assert [run.status for run in ended] == [Status.CANCELLED] * 2
    assert [run.error["message"] for run in ended] == ["too early", "the run was cancelled"]


async def test_what_a_run_responds_is_heard_beside_it_and_afterwards(bench):
    flow = bench.deploy(RESPONDS)
    async with bench.running(), beside(bench) as (distant, store):
        run = await take_in(distant, store, flow)
        first = await distant.response(run.id, 10)
        assert (first.status, first.headers, first.body) == (202, {"x-a": "b"}, {"ok": True})
        await distant.cancel(run.id)
        await distant.wait(run.id, 10)
        assert await distant.response(run.id, 10) == first
        silent = await take_in(distant, store, bench.deploy(CALLS, "silent"))
        assert await distant.response(silent.id, 10) is None


async def test_watchers_hear_of_what_changes_in_the_engine(bench):
    flow, heard = bench.deploy(CALLS), asyncio.Queue()
    async with bench.running(), beside(bench) as (distant, store):
        stop = distant.subscribe(lambda run, action: heard.put_nowait((run.id, run.status, action)))
        await asyncio.sleep(0.7)
        run = await take_in(distant, store, flow)
        while True:
            run_id, status, action = await asyncio.wait_for(heard.get(), 10)
            assert (run_id, action) == (run.id, None)
            if status is Status.SUCCEEDED:
                break
        stop()


async def test_a_duplicate_leaves_no_signal(bench):
    flow = bench.deploy(CALLS)
    async with beside(bench) as (_, store):
        for disposition in (Disposition.STARTED, Disposition.DUPLICATE):
            event = an_event(flow=flow.id, dedupe_key="once", received_at=store.clock.now())
            run = a_run(event, flow=flow.id, flow_version=flow.version)
            assert (await store.events.accept(event, [run])).disposition is disposition
        assert len(await store.signals.pending()) == 1


async def test_one_engine_and_any_number_beside_it(bench):
    async with bench.running(), beside(bench) as (_, one), beside(bench) as (_, another):
        assert await one.engine_runs()
        assert await another.engine_runs()
        with pytest.raises(EngineRunning):
            async with Store.open(bench.url, write=True, key_file=bench.key_file):
                pass
    async with beside(bench) as (_, alone):
        assert not await alone.engine_runs()


async def asked(store, run, seconds=10):
    """Returns when the run waits for something."""
    for _ in range(int(seconds / 0.05)):
        if any(action.status is Status.WAITING for action in await store.runs.actions(run.id)):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the run does not wait")
