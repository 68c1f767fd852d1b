"""Waits: short ones in memory, long ones put aside; answers, callbacks and calls of other flows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from flowengine.engine import parking
from flowengine.errors import Conflict, OperationFailed, OutcomeUnknown, ServiceUnreachable, Throttled, Unauthorized
from flowengine.types import Status
from tests.fakes.engines import until
from tests.fakes.standing_clock import StandingClock

WAITING = """
actions:
  - {name: Before, use: http.get, with: {url: "/before"}}
  - {name: Pause, wait: 2 hours}
  - {name: After, use: http.get, with: {url: "/after"}}
"""


@pytest.fixture
def cold(make_bench):
    return make_bench(clock=StandingClock())


async def has_status(bench, run, path, status) -> bool:
    return (await bench.shown(run)).get(path) == status


async def is_waiting(bench, run) -> None:
    async with asyncio.timeout(20):
        while (await bench.store.runs.get(run.id)).status is not Status.WAITING or bench.engine._going:
            await asyncio.sleep(0.01)


async def test_a_short_wait_stays_in_memory(bench):
    flow = bench.deploy('actions: [{wait: 1 second}, {log: "done"}]')
    run = await bench.submit(flow)
    await until(lambda: has_status(bench, run, "wait", "waiting"))
    bench.clock.pass_(seconds=1)
    assert (await bench.engine.wait(run.id, 20)).status is Status.SUCCEEDED


async def test_a_long_wait_leaves_memory_and_survives(cold):
    flow = cold.deploy(WAITING)
    async with cold.running():
        run = await cold.submit(flow)
        await is_waiting(cold, run)
        assert (await cold.store.runs.get(run.id)).due_at == cold.clock.now() + timedelta(hours=2)
        assert (await cold.shown(run))["pause"] == "waiting"
    cold.clock.pass_(hours=1)
    async with cold.running():
        await asyncio.sleep(0.1)
        assert cold.service.paths == ["before"]
        cold.clock.pass_(hours=1)
        done = await cold.engine.wait(run.id, 20)
    assert (done.status, done.recoveries) == (Status.SUCCEEDED, 0)
    assert cold.service.paths == ["before", "after"]


async def test_branches_go_on_while_one_waits(bench):
    flow = bench.deploy(
        """
        actions:
          - name: Both
            parallel:
              - [{name: Pause, wait: 1 hour}, {name: Late, use: http.get, with: {url: "/late"}}]
              - [{name: Early, use: http.get, with: {url: "/early"}}]
        """
    )
    run = await bench.submit(flow)
    await is_waiting(bench, run)
    assert bench.service.paths == ["both/early"]
    bench.clock.pass_(hours=1)
    assert (await bench.engine.wait(run.id, 20)).status is Status.SUCCEEDED
    assert bench.service.paths == ["both/early", "both/late"]


ASKING = """
actions:
  - {name: Decide, ask: {to: ops@example.com, question: "Refund?", choices: ["Yes", "No"]}, timeout: 1 day, save_as: said}
  - {name: Tell, use: http.get, with: {url: "/{{ said.choice }}"}}
"""


async def test_an_answer_takes_a_waiting_run_on(bench):
    run = await bench.submit(bench.deploy(ASKING))
    await until(lambda: has_status(bench, run, "decide", "waiting"))
    await bench.engine.answer(run.id, ("decide",), {"choice": "Yes"})
    assert (await bench.engine.wait(run.id, 20)).status is Status.SUCCEEDED
    assert bench.service.calls[0][2] == {"url": "/Yes"}


async def test_an_answer_reaches_a_run_that_was_put_aside(cold):
    flow = cold.deploy(ASKING)
    async with cold.running():
        run = await cold.submit(flow)
        await until(lambda: has_status(cold, run, "decide", "waiting"))
        cold.clock.pass_(seconds=6)
        await is_waiting(cold, run)
    async with cold.running():
        await cold.engine.answer(run.id, ("decide",), {"choice": "No"})
        with pytest.raises(Conflict, match="answered already"):
            await cold.engine.answer(run.id, ("decide",), {"choice": "Yes"})
        await cold.engine.wait(run.id, 20)
    assert cold.service.calls[0][2] == {"url": "/No"}


async def test_an_answer_that_came_before_its_question_counts(bench):
    flow = bench.deploy(
        """
        actions:
          - {name: Start, use: http.post, with: {url: "/start", body: "{{ callback.url }}"}}
          - {name: Finish, wait_for: callback, timeout: 1 hour, save_as: came}
          - {name: Tell, use: http.get, with: {url: "/{{ came.id }}"}}
        """
    )
    leave = asyncio.Event()
    bench.service.answers["/start"] = [leave.wait]
    run = await bench.submit(flow)
    await until(lambda: bench.service.calls)
    assert f"/runs/{run.id}/callback/finish?key=" in bench.service.calls[0][2]["body"]
    await bench.engine.answer(run.id, ("finish",), {"id": 7})
    leave.set()
    await bench.engine.wait(run.id, 20)
    assert bench.service.calls[1][2] == {"url": "/7"}


async def test_a_question_that_nobody_answers_times_out(bench):
    run = await bench.submit(bench.deploy(ASKING))
    await until(lambda: has_status(bench, run, "decide", "waiting"))
    bench.clock.pass_(days=1)
    done = await bench.engine.wait(run.id, 20)
    assert (done.status, done.error["code"]) == (Status.TIMED_OUT, "timed_out")


async def test_a_waiting_run_can_be_cancelled(bench):
    run = await bench.submit(bench.deploy(WAITING))
    await is_waiting(bench, run)
    await bench.engine.cancel(run.id, "no more")
    done = await bench.engine.wait(run.id, 20)
    assert (done.status, done.error["message"]) == (Status.CANCELLED, "no more")
    assert bench.service.paths == ["before"]


async def test_the_limit_of_a_run_ends_it_even_while_it_waits(bench):
    flow = bench.deploy(
        "timeout: 1 hour\n" + WAITING.lstrip() + 'on_failure: [{name: Tell, use: http.get, with: {url: "/tell"}}]'
    )
    run = await bench.submit(flow)
    await is_waiting(bench, run)
    bench.clock.pass_(hours=1)
    done = await bench.engine.wait(run.id, 20)
    assert (done.status, done.error["message"]) == (Status.TIMED_OUT, "the time limit of the run passed")
    assert bench.service.paths == ["before", "on_failure/tell"]


async def test_the_limit_of_a_container_strikes_what_is_under_way(make_bench):
    bench = make_bench()
    async with bench.running():
        bench.service.answers["/hang"] = [lambda: asyncio.Event().wait()]
        run = await bench.run(
            """
            actions:
              - name: Guarded
                try: [{name: Hang, use: http.get, with: {url: "/hang"}}]
                timeout: 1 second
            """
        )
        assert run.status is Status.TIMED_OUT
        hang = next(each for each in await bench.store.runs.actions(run.id) if each.path == ("guarded", "hang"))
        assert (hang.status, hang.error["message"]) == (Status.CANCELLED, "the time limit of guarded passed")


async def test_a_flow_calls_another_and_gets_its_output(bench):
    bench.deploy(
        'output: "{{ trigger.n + 1 }}"\nactions: [{name: Inner, use: http.get, with: {url: "/inner"}}]', "other"
    )
    run = await bench.run(
        """
        actions:
          - {name: Ask, call: other, with: {n: 1}, save_as: got}
          - {name: Use, use: http.get, with: {url: "/{{ got }}"}}
        """
    )
    assert run.status is Status.SUCCEEDED
    assert bench.service.calls[-1][2] == {"url": "/2"}
    child = (await bench.store.runs.list(flow="other"))[0]
    assert (child.parent, child.trigger_kind) == ((run.id, "ask"), "call")


async def test_a_caller_is_put_aside_while_a_long_flow_runs(bench, monkeypatch):
    monkeypatch.setattr(parking, "PATIENCE", timedelta(seconds=0.1))
    bench.deploy("actions: [{wait: 1 hour}]", "other")
    run = await bench.submit(bench.deploy("actions: [{name: Ask, call: other}]"))
    await is_waiting(bench, run)
    bench.clock.pass_(hours=1)
    assert (await bench.engine.wait(run.id, 20)).status is Status.SUCCEEDED


async def test_a_caller_leaves_at_once_when_the_engine_stops(bench):
    bench.deploy("actions: [{wait: 1 hour}]", "other")
    run = await bench.submit(bench.deploy("actions: [{name: Ask, call: other}]"))
    await until(lambda: has_status(bench, run, "ask", "waiting"))
    async with asyncio.timeout(20):
        await bench.engine.stop(1.0)
    assert (await bench.store.runs.get(run.id)).status in (Status.QUEUED, Status.WAITING)


async def test_the_failure_of_a_called_flow_is_the_call_s(bench):
    bench.deploy('actions: [{stop: {status: failed, message: "no stock"}}]', "other")
    run = await bench.run("actions: [{name: Ask, call: other}]")
    assert (run.status, run.error["action"]) == (Status.FAILED, "ask")
    assert "no stock" in run.error["message"]


POSTING = 'actions: [{name: Send, use: http.post, with: {url: "/x"}}]'

GETTING = POSTING.replace("post", "get")


async def settle(bench, run, **step):
    """Let time pass until the run has ended."""
    async with asyncio.timeout(10):
        while not (found := await bench.store.runs.get(run.id)).status.finished:
            bench.clock.pass_(**step)
            await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("text", "error", "calls"),
    [
        (GETTING, OperationFailed("down", status_code=500), 5),
        (GETTING, OutcomeUnknown(), 5),
        (GETTING, OperationFailed("bad", status_code=400), 1),
        (GETTING, Unauthorized(status_code=401), 1),
        (POSTING, OperationFailed("down", status_code=500), 1),
        (POSTING, OutcomeUnknown(), 1),
        (POSTING, ServiceUnreachable(), 5),
        (POSTING, Throttled(status_code=429), 5),
        (POSTING, OperationFailed("busy", status_code=503, retry_after=1), 5),
        (POSTING, OperationFailed("busy", status_code=503), 1),
        (
            POSTING.replace('"/x"}', '"/x"}, retry: {times: 2, wait: 1 second, on: [5xx]}'),
            OperationFailed(status_code=502),
            3,
        ),
        (POSTING.replace('"/x"}', '"/x"}, retry: {times: 2, on_unknown: retry}'), OutcomeUnknown(), 3),
        (GETTING.replace('"/x"}', '"/x"}, retry: {times: 2, on_unknown: fail}'), OutcomeUnknown(), 1),
    ],
)
async def test_what_is_tried_again_and_how_often(bench, text, error, calls):
    bench.service.answers["/x"] = [error]
    run = await bench.submit(bench.deploy(text))
    done = await settle(bench, run, seconds=20)
    assert done.status is Status.FAILED
    assert len(bench.service.calls) == calls
    assert len(set(bench.service.keys)) == 1
    action = (await bench.store.runs.actions(run.id))[0]
    assert [attempt.number for attempt in action.attempts] == list(range(1, calls + 1))
    assert action.attempts[-1].error["code"] == error.code


async def test_a_service_that_asks_for_patience_gets_it_without_costing_memory(bench):
    bench.service.answers["/x"] = [Throttled(status_code=429, retry_after=1800), {"ok": True}]
    run = await bench.submit(bench.deploy(GETTING))
    await is_waiting(bench, run)
    assert (await bench.store.runs.get(run.id)).due_at == bench.clock.now() + timedelta(minutes=30)
    bench.clock.pass_(minutes=30)
    assert (await bench.engine.wait(run.id, 20)).status is Status.SUCCEEDED
    action = (await bench.store.runs.actions(run.id))[0]
    assert [attempt.status_code for attempt in action.attempts] == [429, 200]


async def test_an_action_s_limit_ends_its_retries(bench):
    bench.service.answers["/x"] = [OperationFailed("down", status_code=500)]
    text = GETTING.replace('"/x"}', '"/x"}, retry: {times: 9, wait: 4 seconds}, timeout: 10 seconds')
    done = await settle(bench, await bench.submit(bench.deploy(text)), seconds=0.5)
    assert done.error["code"] == "operation_failed"
    assert 2 <= len(bench.service.calls) <= 3


async def test_a_call_under_way_at_a_crash_is_not_repeated_where_the_author_says_so(make_bench):
    cold = make_bench()
    flow = cold.deploy(POSTING.replace('"/x"}', '"/x"}, retry: {times: 1, on_unknown: fail}'))
    async with cold.running(grace=None):
        cold.service.answers["/x"] = [lambda: asyncio.Event().wait()]
        run = await cold.submit(flow)
        await until(lambda: cold.service.calls)
    cold.service.answers.clear()
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
    assert (done.error["code"], len(cold.service.calls)) == ("outcome_unknown", 1)


async def test_an_approval_has_a_link_for_each_choice(bench):
    flow = bench.deploy(
        """
        actions:
          - {name: Mail, use: http.post, with: {url: "/mail", body: "{{ approval.links }}"}}
          - {name: Decide, ask: {to: ops@example.com, question: "Refund?", choices: ["Yes", "No"]}}
        """
    )
    run = await bench.submit(flow)
    await until(lambda: bench.service.calls)
    links = bench.service.calls[0][2]["body"]
    assert list(links) == ["Yes", "No"]
    assert f"/runs/{run.id}/approval/decide?key=" in links["Yes"]
