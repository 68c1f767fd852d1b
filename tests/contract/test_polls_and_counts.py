"""Polls and counts over every database: the cursor, what was seen and the runs stand or fall together; counts are what is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import orjson
import pytest

from flowengine import failpoints
from flowengine.expressions.evaluate import InProcess
from flowengine.store import Store
from flowengine.triggers import polling
from flowengine.triggers.deliveries import Delivery
from flowengine.triggers.dispatch import Dispatcher
from flowengine.triggers.hooks import Hooks
from flowengine.triggers.polling import Polls
from flowengine.types import Disposition
from tests.fakes.engines import Bench, a_flow
from tests.fakes.polls import WATCH, Pages
from tests.fakes.standing_clock import StandingClock, WakeRecord


class Watch:
    """A poll over a database that is closed and opened again as a restart does; `pages` is its service."""

    def __init__(self, url, key_file):
        self.url, self.key_file, self.flow = url, key_file, a_flow(WATCH)
        self.pages = Pages()

    @asynccontextmanager
    async def up(self):
        clock = StandingClock()
        async with Store.open(self.url, write=True, clock=clock, key_file=self.key_file) as self.store:
            self.polls = Polls(self.store, Dispatcher(self.store, WakeRecord(), InProcess(), clock), self.pages, None)
            yield self

    async def poll(self, *items):
        if items:
            self.pages.page = [{"id": name, "at": at} for name, at in items]
        return (await self.polls.poll(self.flow, self.flow.triggers[0])).fresh

    async def started(self):
        return [run.trigger["id"] for run in reversed(await self.store.runs.list(limit=1000))]


@pytest.fixture
def watch(database_url, tmp_path):
    return Watch(database_url, tmp_path / "key")


async def test_pages_overlap_and_times_are_equal_across_restarts(watch):
    for page in ([("a", 1), ("b", 2)], [("b", 2), ("c", 2)], [("d", 2), ("c", 2), ("b", 2)], [("e", 1)]):
        async with watch.up():
            await watch.poll(*page)
    async with watch.up():
        assert await watch.started() == ["a", "b", "c", "d", "e"]
    assert watch.pages.since == ["", 2, 2, 2]


@pytest.mark.parametrize("point", ["before_event_commit", "after_event_commit"])
async def test_a_death_around_the_commit_leaves_all_or_nothing(watch, point):
    async with watch.up():
        await watch.poll(("a", 1))
        failpoints.arm(f"{point}:1:raise")
        try:
            with pytest.raises(failpoints.Reached):
                await watch.poll(("a", 1), ("b", 2), ("c", 3))
        finally:
            failpoints.arm("")
    async with watch.up():
        state = await watch.store.polls.get(watch.flow.id, watch.flow.triggers[0].key)
        committed = point == "after_event_commit"
        assert (state.cursor, sorted(state.seen)) == ((3, ["a", "b", "c"]) if committed else (1, ["a"]))
        assert await watch.started() == (["a", "b", "c"] if committed else ["a"])
        assert await watch.poll() == (0 if committed else 2)
        assert await watch.started() == ["a", "b", "c"]


async def test_what_was_seen_is_bounded_and_an_old_item_that_comes_back_starts_nothing(watch, monkeypatch):
    monkeypatch.setattr(polling, "SEEN_AT_MOST", 10)
    async with watch.up():
        for number in range(30):
            await watch.poll((f"i{number}", number), (f"j{number}", number))
        state = await watch.store.polls.get(watch.flow.id, watch.flow.triggers[0].key)
        assert len(state.seen) <= 10
        await watch.poll(("i0", 0))
        assert len(await watch.started()) == 60
        assert len(await watch.store.events.list(dispositions=[Disposition.DUPLICATE])) == 1


HOOK = """
flow: Mixed
mode: single
per: "{{ trigger.lane }}"
trigger:
  webhook: { verify: { header: { name: X-T, secret: team } } }
  dedupe: "{{ trigger.key }}"
conditions: [{ value: "{{ trigger.size }}", more_than: 1 }]
actions: [{ wait: 1 hour }]
"""


def delivery(number):
    """One of ten sorts: two thirds of those that could start something say what was said before, or meet a run that goes."""
    known = {"x-t": "team-secret"}
    match number % 10:
        case 0:
            return Delivery(b"{}", {"x-t": "wrong"})
        case 1:
            return Delivery(b"[" * 100 + b"]" * 100, known)
        case 2 | 3:
            return Delivery(orjson.dumps({"key": f"small {number}", "lane": "a", "size": 0}), known)
        case 4:
            return Delivery(b"words without a size", known)
        case 5 | 6:
            return Delivery(orjson.dumps({"key": f"shared {number}", "lane": "one", "size": 2}), known)
        case _:
            return Delivery(orjson.dumps({"key": f"key {number % 97}", "lane": f"own {number % 97}", "size": 2}), known)


async def test_counts_are_what_is_stored_for_500_deliveries_at_once(database_url, tmp_path):
    bench = Bench(database_url, tmp_path / "key")
    flow = bench.deploy(HOOK)
    async with bench.running():
        dispatcher = Dispatcher(bench.store, bench.engine, InProcess(), bench.clock)
        hooks = Hooks(
            dispatcher,
            derive=bench.store.secrets.derive,
            secrets=lambda name: "team-secret",
            enabled=lambda flow: flow.enabled,
            json_depth=64,
        )
        hooks.arrange(flow, lambda trigger: None)
        key = hooks.address(flow.id, flow.triggers[0].key).rpartition("/")[2]
        receipts = await asyncio.gather(*(hooks.receive(flow.id, key, delivery(number)) for number in range(500)))
        stored = await bench.store.events.list(flow.id, limit=1000)
        runs = await bench.store.runs.list(flow.id, limit=1000)
    told = {receipt.event.id: receipt.event.disposition for receipt in receipts}
    assert {event.id: event.disposition for event in stored} == told
    counted = Counter({str(name): number for (_, name), number in dispatcher.counts.items()})
    assert counted == Counter(map(str, told.values()))
    assert counted.total() == len(stored) == 500
    assert len(runs) == counted["started"] == len({run.key for run in runs})
    assert (counted["rejected"], counted["filtered"] + counted["failed"]) == (100, 150)
    assert counted["started"] == 98
    assert counted["duplicate"] + counted["dropped"] == 152
