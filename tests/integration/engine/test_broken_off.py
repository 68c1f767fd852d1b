"""Calls that were sent are in the history, though their engine died before it heard of them."""

from __future__ import annotations

import asyncio

from flowengine.engine.broken_off import PERHAPS, STOPPED
from flowengine.errors import OperationFailed
from flowengine.types import Status
from tests.fakes.engines import until

POSTING = 'actions: [{name: Call, use: http.post, with: {url: "/x"}, retry: {times: 2, wait: 0.05 seconds, on: [5xx], on_unknown: UNKNOWN}}]'
BUSY = OperationFailed("busy", status_code=503)


async def hang():
    await asyncio.Event().wait()


async def die_in_a_call(cold, flow, *, run=None, at: int = 1):
    """An engine that dies while its call of this number is under way, as soon as what it asked for is written."""
    async with cold.running(grace=None):
        before = len(cold.service.calls)
        run = run or await cold.submit(flow)
        await until(lambda: len(cold.service.calls) - before == at)
    return run


async def ended(cold, run):
    """The run when another engine has taken it up: itself, and the attempts of each action by path."""
    async with cold.running():
        done = await cold.engine.wait(run.id, 20)
        actions = await cold.store.runs.actions(run.id)
        assert all(each.finished_at or each.status is Status.SKIPPED for each in actions)
    return done, {"/".join(map(str, each.path)): told(each) for each in actions}


def told(action) -> list[object]:
    """What became of each attempt: an HTTP status, or the words for why there is none."""
    assert [each.number for each in action.attempts] == list(range(1, len(action.attempts) + 1))
    return [each.status_code or each.error["message"] for each in action.attempts]


async def test_a_try_that_was_under_way_is_in_the_history(cold):
    flow = cold.deploy(POSTING.replace("UNKNOWN", "retry"))
    cold.service.answers["/x"] = [BUSY, hang, BUSY, {"ok": True}]
    run = await die_in_a_call(cold, flow, at=2)
    done, attempts = await ended(cold, run)
    assert attempts["call"] == [503, STOPPED, 503, 200], "and what the engine broke off is no try of `retry`'s two"
    assert (done.status, len(cold.service.calls)) == (Status.SUCCEEDED, 4)
    assert len(set(cold.service.keys)) == 1


async def test_a_try_that_was_under_way_bears_the_time_at_which_it_began(cold):
    flow = cold.deploy(POSTING.replace("UNKNOWN", "retry"))
    cold.service.answers["/x"] = [BUSY, hang, {"ok": True}]
    run = await die_in_a_call(cold, flow, at=2)
    died_at = cold.clock.now()
    await ended(cold, run)
    async with cold.running():
        (action,) = await cold.store.runs.actions(run.id)
    first, second, third = action.attempts
    assert first.started_at < second.started_at <= died_at <= third.started_at


async def test_a_try_whose_outcome_is_unknown_is_not_followed_by_another_where_the_author_says_so(cold):
    flow = cold.deploy(POSTING.replace("UNKNOWN", "fail"))
    cold.service.answers["/x"] = [BUSY, hang]
    run = await die_in_a_call(cold, flow, at=2)
    done, attempts = await ended(cold, run)
    assert (done.error["code"], attempts["call"]) == ("outcome_unknown", [503, STOPPED])
    assert len(cold.service.calls) == 2


async def test_a_try_under_way_is_seen_and_shown_as_such(bench):
    bench.service.answers["/x"] = [BUSY, hang]
    run = await bench.submit(bench.deploy(POSTING.replace("UNKNOWN", "retry")))
    await until(lambda: len(bench.service.calls) == 2)
    await until(lambda: last_code(bench, run, "under_way"))
    await bench.engine.cancel(run.id)
    await bench.engine.wait(run.id, 20)
    assert await last_code(bench, run, "outcome_unknown")


async def last_code(bench, run, code: str) -> bool:
    actions = await bench.store.runs.actions(run.id)
    return bool(actions) and actions[0].attempts[-1].error["code"] == code


async def test_a_first_call_that_left_no_record_is_told_of_all_the_same(cold):
    flow = cold.deploy(
        'actions: [{name: A, use: http.get, with: {url: "/a"}}, {name: B, use: http.post, with: {url: "/x"}}]'
    )
    cold.service.answers["/x"] = [hang, {"ok": True}]
    run = await die_in_a_call(cold, flow, at=2)
    assert cold.service.paths == ["a", "b"]
    done, attempts = await ended(cold, run)
    assert attempts == {"a": [200], "b": [PERHAPS, 200]}
    assert done.status is Status.SUCCEEDED


async def test_a_call_that_was_written_before_it_was_made_and_is_not_there_was_not_made(cold):
    """`on_unknown: fail`: its beginning is durable before the request."""
    flow = cold.deploy(
        'actions: [{name: A, use: http.post, with: {url: "/a"}, retry: {times: 0, on_unknown: fail}},'
        ' {name: B, use: http.post, with: {url: "/x"}}]'
    )
    cold.service.answers["/a"] = [hang]
    run = await die_in_a_call(cold, flow)
    done, attempts = await ended(cold, run)
    assert (done.error["code"], attempts) == ("outcome_unknown", {"a": [STOPPED], "b": []})


async def test_calls_side_by_side_are_all_told_of_and_those_that_follow_are_not(cold):
    flow = cold.deploy(
        """
        actions:
          - name: Both
            parallel:
              - - {name: Left, use: http.post, with: {url: "/left"}}
                - {name: After, use: http.post, with: {url: "/after"}}
              - - {name: Right, use: http.post, with: {url: "/right"}}
          - {name: Last, use: http.post, with: {url: "/last"}}
        """
    )
    cold.service.answers["/left"] = cold.service.answers["/right"] = [hang]
    run = await die_in_a_call(cold, flow, at=2)
    cold.service.answers.clear()
    _, attempts = await ended(cold, run)
    assert {path: tried for path, tried in attempts.items() if tried} == {
        "both/left": [PERHAPS, 200],
        "both/right": [PERHAPS, 200],
        "both/after": [200],
        "last": [200],
    }


async def test_no_call_is_claimed_that_stands_behind_a_wait(cold):
    flow = cold.deploy('actions: [{name: Breath, wait: 0.3 seconds}, {name: Call, use: http.post, with: {url: "/x"}}]')
    async with cold.running(grace=None):
        run = await cold.submit(flow)
        await asyncio.sleep(0.1)
    _, attempts = await ended(cold, run)
    assert attempts["call"] == [200]


async def test_after_a_second_death_only_what_was_under_way_is_told_of(cold):
    """A run that was taken up once has every call on record before it is made."""
    flow = cold.deploy(
        'actions: [{name: A, use: http.post, with: {url: "/a"}}, {name: B, use: http.post, with: {url: "/x"}}]'
    )
    cold.service.answers["/a"] = [hang]
    run = await die_in_a_call(cold, flow)
    await die_in_a_call(cold, flow, run=run)
    cold.service.answers.clear()
    _, attempts = await ended(cold, run)
    assert attempts == {"a": [PERHAPS, STOPPED, 200], "b": [200]}


async def test_an_engine_that_stops_in_good_order_claims_nothing_that_was_not(cold):
    flow = cold.deploy(
        'actions: [{name: A, use: http.get, with: {url: "/a"}}, {name: B, use: http.post, with: {url: "/x"}}]'
    )
    async with cold.running(grace=5.0):
        run = await cold.submit(flow)
    _, attempts = await ended(cold, run)
    assert attempts == {"a": [200], "b": [200]}


async def test_a_call_that_answers_at_once_is_written_once_and_a_retry_once_more(bench):
    seen = []
    bench.engine.subscribe(lambda run, action: seen.append(action))
    bench.service.answers["/x"] = [{"ok": True}]
    await bench.run(POSTING.replace("UNKNOWN", "retry"))
    assert [str(action.status) for action in seen if action] == ["succeeded"]
    seen.clear()
    bench.service.answers["/x"] = [BUSY, {"ok": True}]
    await bench.run(POSTING.replace("UNKNOWN", "retry"))
    assert [len(action.attempts) for action in seen if action] == [1, 2, 2], "pauses, tries again, has ended"
