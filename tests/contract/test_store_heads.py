"""What pages read of many runs at once, on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flowengine.store import action_rows
from flowengine.store.heads import Heads
from flowengine.store.runs import Runs
from flowengine.types import Status
from tests.fakes.records import CLOCK, START, a_run, an_action


@pytest.fixture
def heads(store):
    return Heads(store.reader)


async def stored(store, *, status=Status.SUCCEEDED, actions=(), **given):
    """A run that has ended, unless its status says otherwise, with its actions."""
    run = a_run(**given)
    await store.runs.add(run)
    journal, epoch = store.journal, store.epoch
    await journal.commit(Runs.claim(run, epoch, START))
    for fields in actions:
        await journal.commit(action_rows.put(an_action(run, **fields), epoch, store.seal))
    if status.finished:
        error = {"message": "no"} if status is Status.FAILED else None
        await journal.commit(Runs.finish(run.id, epoch, status, START + timedelta(seconds=2), error, None))
    return run


async def test_strips_hold_the_newest_runs_of_each_flow(store, heads):
    made = [await stored(store, flow=flow) for flow in ("a", "b", "a", "a")]
    strips = await heads.strips(["a", "b", "never"], 2)
    assert [run.id for run in strips["a"]] == [made[3].id, made[2].id]
    assert [run.id for run in strips["b"]] == [made[1].id]
    assert strips["never"] == []
    assert await heads.recent("a", 2) == strips["a"]
    many = await heads.strips([f"flow-{number}" for number in range(250)] + ["a"], 1)
    assert [len(runs) for flow, runs in many.items() if runs] == [1]


async def test_broken_and_going_runs(store, heads):
    failed = await stored(store, status=Status.FAILED)
    timed_out = await stored(store, status=Status.TIMED_OUT)
    going = await stored(store, status=Status.RUNNING)
    await stored(store)
    assert [run.id for run in await heads.broken()] == [timed_out.id, failed.id]
    assert (await heads.broken())[1].error == {"message": "no"}
    assert [run.id for run in await heads.going()] == [going.id]


async def test_the_runs_beside_one_and_those_made_from_it(store, heads):
    first, second, third = [await stored(store) for _ in range(3)]
    await stored(store, flow="another")
    again = await stored(store, resubmitted_from=second.id)
    assert await heads.beside("tickets", second.id) == (first.id, third.id)
    assert await heads.beside("tickets", first.id) == (None, second.id)
    assert [run.id for run in await heads.begun_again(second.id)] == [again.id]


async def test_runs_are_counted_by_flow_and_status_between_two_moments(store, heads):
    assert await heads.first_at() is None
    for status in (Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED):
        await stored(store, status=status)
    now = CLOCK.now()
    found = await heads.counts(now - timedelta(hours=1), now + timedelta(hours=1))
    assert {(count.flow, count.status): count.runs for count in found} == {
        ("tickets", Status.SUCCEEDED): 2,
        ("tickets", Status.FAILED): 1,
    }
    assert await heads.counts(now + timedelta(hours=1), now + timedelta(hours=2)) == []
    assert await heads.first_at() == START


async def test_actions_come_without_what_they_carried(store, heads):
    run = await stored(
        store,
        actions=[
            {"path": ("each",), "kind": "for_each", "number": 1},
            {"path": ("each", 1, "say"), "kind": "log", "outputs": {"text": "hello"}, "number": 2},
            {"path": ("each", 10, "say"), "kind": "log", "outputs": "plain", "number": 3},
            {"path": ("secret",), "number": 4, "secure": frozenset({"inputs"}), "error": {"message": "leaks"}},
        ],
    )
    found = await heads.actions(run.id, 10)
    assert [action.path for action in found] == [("each",), ("each", 1, "say"), ("each", 10, "say"), ("secret",)]
    assert found[3].message == "(secure)"
    assert len(await heads.actions(run.id, 2)) == 2
    assert [action.path for action in await heads.below(run.id, ("each", 1), 10)] == [("each", 1, "say")]
    assert await heads.said(run.id, 10) == {("each", 1, "say"): "hello", ("each", 10, "say"): "plain"}
    one = await heads.action(run.id, ("secret",))
    assert one is not None
    assert "leaks" not in str(one.error)
    assert await heads.action(run.id, ("nothing",)) is None


async def test_only_unfinished_runs_ask(store, heads):
    asking = {"kind": "ask", "status": Status.WAITING, "finished_at": None, "inputs": {"question": "Go on?"}}
    waiting = await stored(store, status=Status.RUNNING, actions=[asking])
    await stored(store, status=Status.CANCELLED, actions=[asking])
    await stored(store, status=Status.RUNNING, actions=[{**asking, "status": Status.SUCCEEDED}])
    assert [action.run_id for action in await heads.asking()] == [waiting.id]
