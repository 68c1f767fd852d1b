"""An engine that dies again and again at the same place of a run."""

from __future__ import annotations

import asyncio

from flowengine.engine import walk
from flowengine.errors import NotFound, OperationFailed
from flowengine.manifests.operation import CALLBACK
from flowengine.types import Status
from tests.fakes.engines import until
from tests.fakes.standing_clock import StandingClock

THREE = """
actions:
  - {name: First, use: http.get, with: {url: "/1"}}
  - {name: Second, use: http.post, with: {url: "/2"}}
  - {name: Third, use: http.get, with: {url: "/3"}}
"""


async def crash(cold, flow, url: str, run=None, *, times: int = 5):
    """The engine dies so often in the call to this address."""
    for _ in range(times):
        async with cold.running(grace=None):
            reached = asyncio.Event()

            async def hang(reached=reached):
                reached.set()
                await asyncio.Event().wait()

            cold.service.answers[url] = [hang]
            run = run or await cold.submit(flow)
            await asyncio.wait_for(reached.wait(), 20)
    del cold.service.answers[url]
    return run


async def no_broken_records(cold) -> None:
    checked = await cold.store.checkup.check(engine_runs=True)
    assert [each for each in checked if not each.fine] == []


ON_FAILURE = THREE + 'on_failure: [{name: Tell, use: http.post, with: {url: "/tell", body: "{{ error.code }}"}}]\n'


async def test_crashes_at_one_place_end_the_run(cold):
    run = await crash(cold, cold.deploy(ON_FAILURE), "/2")
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        assert (done.error["code"], done.error["action"], done.error["line"]) == ("recovery_exhausted", "second", 6)
        assert await cold.shown(run) == {
            "first": "succeeded",
            "second": "failed",
            "third": "skipped",
            "on_failure/tell": "succeeded",
        }
        second = (await cold.store.runs.actions(run.id))[1]
        assert second.error["code"] == "recovery_exhausted"
        await no_broken_records(cold)
    assert cold.service.paths == ["first", *["second"] * 5, "on_failure/tell"]
    assert cold.service.calls[-1][2] == {"url": "/tell", "body": "recovery_exhausted"}


async def test_crashes_in_what_follows_a_failure_end_the_run_too(cold):
    flow = cold.deploy(ON_FAILURE)
    run = await crash(cold, flow, "/2")
    await crash(cold, flow, "/tell", run)
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        assert (done.error["code"], done.error["action"]) == ("recovery_exhausted", "second")
        assert 'then on_failure failed too, at "Tell"' in done.error["message"]
        await no_broken_records(cold)
    assert cold.service.paths == ["first", *["second"] * 5, *["on_failure/tell"] * 5]


CAUGHT = """
actions:
  - name: Careful
    try:
      - {name: Deadly, use: http.post, with: {url: "/deadly"}, retry: {times: 9, wait: 1 second, on: [timeout], on_unknown: retry}}
    catch:
      - {name: Instead, use: http.post, with: {url: "/instead", body: "{{ error.code }}"}}
  - {name: Breath, wait: 6 seconds}
  - {name: Deadly too, use: http.post, with: {url: "/too"}, on_error: continue}
  - {name: Last, use: http.post, with: {url: "/last"}}
"""


async def test_what_is_given_up_may_be_caught_and_is_not_retried(make_bench):
    cold = make_bench(clock=StandingClock())
    flow = cold.deploy(CAUGHT)
    run = await crash(cold, flow, "/deadly")
    async with cold.running():
        await until(lambda: "careful/instead" in cold.service.paths)
        await until(lambda: cold.engine.in_memory()["going"] == 0)
        cold.clock.pass_(seconds=7)
        done = await cold.engine.wait(run.id, 20)
        assert done.status is Status.SUCCEEDED
        await no_broken_records(cold)
    assert cold.service.paths == [*["careful/deadly"] * 5, "careful/instead", "deadly_too", "last"]


async def test_crashes_in_an_action_that_may_fail_are_counted_for_it_alone(cold):
    text = CAUGHT.replace("6 seconds", "0 seconds")
    run = await crash(cold, cold.deploy(text), "/too")
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        assert (done.status, (await cold.shown(run))["deadly_too"]) == (Status.SUCCEEDED, "failed")
    assert cold.service.paths == ["careful/deadly", *["deadly_too"] * 5, "last"]


async def test_a_run_that_dies_with_no_call_under_way_ends_as_well(make_bench):
    """The first thing that it comes to is given up."""
    cold = make_bench(clock=StandingClock())
    flow = cold.deploy("actions: [{name: Breath, wait: 4 seconds}, {name: Last, use: http.get, with: {url: /last}}]")
    run = None
    for _ in range(5):
        async with cold.running(grace=None):
            run = run or await cold.submit(flow)
            await until(lambda: any(going.effects for going in cold.engine._going.values()))
            await asyncio.sleep(0.05)
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        assert (done.error["code"], done.error["action"]) == ("recovery_exhausted", "breath")
        assert await cold.shown(run) == {"breath": "failed", "last": "skipped"}
        await no_broken_records(cold)


async def test_a_run_that_cannot_even_fail_ends_without_another_walk(cold, monkeypatch):
    flow = cold.deploy(ON_FAILURE)
    run = await crash(cold, flow, "/2")
    monkeypatch.setattr(walk, "MOST_WITHOUT_FAILING", 5)
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        assert (done.error["code"], done.error["action"]) == ("recovery_exhausted", "second")
        assert await cold.shown(run) == {"first": "succeeded", "second": "failed"}
        await no_broken_records(cold)


async def test_a_run_whose_flow_is_gone_leaves_no_action_open(cold):
    run = await crash(cold, cold.deploy(THREE), "/2", times=2)

    async def gone(flow_id, version):
        raise NotFound(f'flow "{flow_id}" has no version "{version}"')

    cold._version = gone
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        assert done.error["code"] == "flow_version_unusable"
        assert await cold.shown(run) == {"first": "succeeded", "second": "failed"}
        await no_broken_records(cold)


async def test_a_service_that_cannot_be_told_where_to_answer_leaves_no_wait_open(bench):
    object.__setattr__(bench.engine._walker.services, "subscribes", lambda action, inputs: CALLBACK not in inputs)
    bench.service.answers["/x"] = [OperationFailed("no such hook", status_code=404)]
    run = await bench.run('actions: [{name: Ask them, use: http.post, with: {url: "/x"}}]')
    assert run.error["status_code"] == 404
    assert await bench.shown(run) == {
        "ask_them": "failed",
        "ask_them/answer": "cancelled",
        "ask_them/subscribe": "failed",
    }
    await no_broken_records(bench)
