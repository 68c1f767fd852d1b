"""300 events at once, a death in the middle and a restart: never more at once for a key than its flow allows, as the service sees it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

import pytest

from flowengine.types import Outputs, Status
from tests.fakes.engines import Bench, until

EVENTS = 300
KEYS = 5


class Counting:
    """A service that notes, for each key, how many calls are under way and in which order they began."""

    def __init__(self):
        self.now, self.most, self.order, self.calls = Counter(), Counter(), defaultdict(list), 0

    async def __call__(self, run, flow, path, action, inputs, idempotency_key, deadline):
        self.calls += 1
        self.now[run.key] += 1
        self.most[run.key] = max(self.most[run.key], self.now[run.key])
        if run.id not in self.order[run.key]:
            self.order[run.key].append(run.id)
        try:
            await asyncio.sleep(0.003)
        finally:
            self.now[run.key] -= 1
        return Outputs(200, {}, {})


@pytest.fixture
def bench(database_url, tmp_path):
    bench = Bench(database_url, tmp_path / "key")
    bench.service = Counting()
    return bench


def flow_text(mode):
    return mode + '\nper: "{{ trigger.key }}"\nactions: [{name: Call, use: http.get, with: {url: "/x"}}]'


async def all_submitted(bench, flow):
    return [
        run
        for run in await asyncio.gather(*(bench.submit(flow, key=f"k{number % KEYS}") for number in range(EVENTS)))
        if run
    ]


async def through_a_death(bench, mode):
    """Submit, die after some calls, start again and wait for the end; the runs in the order in which they were made."""
    flow = bench.deploy(flow_text(mode))
    async with bench.running(grace=None):
        runs = await all_submitted(bench, flow)
        await until(lambda: bench.service.calls >= min(KEYS, len(runs)))
    bench.service.now.clear()
    async with bench.running():
        return [await bench.engine.wait(run.id, 60) for run in runs]


@pytest.mark.parametrize(("mode", "most"), [("mode: parallel\nmax: 3", 3), ("mode: queued", 1)])
async def test_never_more_than_max_and_every_run_ends(bench, mode, most):
    ended = await through_a_death(bench, mode)
    assert Counter(run.status for run in ended) == {Status.SUCCEEDED: EVENTS}
    assert set(bench.service.most.values()) == {most}
    if most == 1:
        for key in {run.key for run in ended}:
            assert bench.service.order[key] == [run.id for run in ended if run.key == key]


async def test_single_lets_one_in_for_each_key(bench):
    ended = await through_a_death(bench, "mode: single")
    assert {run.status for run in ended} == {Status.SUCCEEDED}
    assert set(bench.service.most.values()) == {1}
    assert KEYS <= len(ended) < EVENTS


async def test_restart_leaves_the_newest_of_each_key(bench):
    ended = await through_a_death(bench, "mode: restart")
    assert set(bench.service.most.values()) == {1}
    newest = {run.key: run for run in ended}
    assert {run.status for run in newest.values()} == {Status.SUCCEEDED}
    assert {run.status for run in ended} <= {Status.SUCCEEDED, Status.CANCELLED}
    assert Counter(run.status for run in ended)[Status.CANCELLED] >= EVENTS // 2
