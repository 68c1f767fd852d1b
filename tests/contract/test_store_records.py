"""What goes into the store comes out again, on every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from flowengine.errors import Conflict, NotFound
from flowengine.store import action_rows
from flowengine.store.ids import first_id_at, new_id
from flowengine.store.journal import Fenced
from flowengine.store.records import Attempt, PollState, SubscriptionRecord
from flowengine.store.runs import TOGETHER, Runs, mark
from flowengine.types import Disposition, Status
from tests.fakes.records import CLOCK, START, a_run, an_action, an_event

ODD = {"text": "nul \u0000 and half \ud83d", "big": 2**80, "deep": [[[{}]]], "none": None, "real": 0.1}


async def test_an_event_and_its_runs_come_back_as_they_were(store):
    event = an_event(headers={"X-A": "ä"}, reason={"why": ["not"]}, source="203.0.113.9")
    run = a_run(event, trigger=ODD, inputs={"n": 1}, key="k", parent=("r", "a/0/b"), due_at=START, error={"code": "x"})
    assert await store.events.accept(event, [run]) == event
    assert await store.events.get(event.id[:20]) == event
    assert await store.runs.get(run.id) == run
    assert await store.events.run_ids([event.id, "other"]) == {event.id: [run.id], "other": []}
    assert await store.runs.called_by("r", "a/0/b") == run


async def test_raw_bytes_stay_what_they_were(store):
    event = an_event(body=bytes(range(256)))
    await store.events.accept(event, [])
    assert (await store.events.get(event.id)).body == bytes(range(256))


async def test_the_same_key_starts_one_run_even_at_the_same_moment(store):
    events = [an_event(dedupe_key="ticket-1") for _ in range(20)]
    stored = await asyncio.gather(*(store.events.accept(event, [a_run(event)]) for event in events))
    assert [event.disposition for event in stored].count(Disposition.STARTED) == 1
    assert [event.disposition for event in stored].count(Disposition.DUPLICATE) == 19
    assert len(await store.runs.list(limit=50)) == 1
    first = next(event for event in stored if event.disposition is Disposition.STARTED)
    assert await store.events.first_of(stored[-1]) == first.id
    assert (await store.events.get(stored[-1].id)).reason == {"dedupe_key": "ticket-1"}


async def test_a_duplicate_fails_none_of_its_neighbours(store):
    await store.events.accept(an_event(dedupe_key="seen"), [])
    events = [an_event(dedupe_key="seen" if number == 5 else f"new-{number}") for number in range(10)]
    stored = await asyncio.gather(*(store.events.accept(event, [a_run(event)]) for event in events))
    assert sum(event.disposition is Disposition.STARTED for event in stored) == 9
    assert len(await store.runs.list(limit=50)) == 9


async def test_keys_belong_to_a_flow_and_its_trigger(store):
    for flow, trigger_key in (("a", "use"), ("b", "use"), ("a", "use_2")):
        stored = await store.events.accept(an_event(flow=flow, trigger_key=trigger_key, dedupe_key="1"), [])
        assert stored.disposition is Disposition.STARTED


async def test_a_filtered_event_leaves_its_key_to_the_next(store):
    await store.events.accept(an_event(dedupe_key="1", disposition=Disposition.FILTERED), [])
    assert (await store.events.accept(an_event(dedupe_key="1"), [])).disposition is Disposition.STARTED


async def test_lists_give_the_newest_first_page_by_page(store):
    runs = [a_run(flow="a" if number % 2 else "b", id=f"{number:026d}") for number in range(9)]
    for run in runs:
        await store.runs.add(run)
    assert [run.id for run in await store.runs.list(limit=2)] == [runs[8].id, runs[7].id]
    assert [run.id for run in await store.runs.list(limit=2, before=runs[7].id)] == [runs[6].id, runs[5].id]
    assert [run.id for run in await store.runs.list(flow="a", limit=2)] == [runs[7].id, runs[5].id]


async def test_lists_choose_by_status_time_and_text(store):
    old, failed, other = (
        a_run(id=first_id_at(START - timedelta(days=1))),
        a_run(status=Status.FAILED, finished_at=START, error={"message": "No such TICKET"}),
        a_run(status=Status.SUCCEEDED, finished_at=START),
    )
    for run in (old, failed, other):
        await store.runs.add(run)
    assert await store.runs.list(statuses=["failed", "timed_out"]) == [failed]
    assert await store.runs.list(statuses=[Status.SUCCEEDED, Status.FAILED, Status.QUEUED]) == [other, failed, old]
    assert await store.runs.list(since=START) == [other, failed]
    assert await store.runs.list(search="such ticket") == [failed]
    assert await store.runs.list(search="100%'; --") == []


async def test_lists_choose_by_flow_version_page_by_page(store):
    runs = [a_run(flow_version="0a1b2c" if number % 2 else "0a9f8e", error={"message": "no"}) for number in range(6)]
    for run in runs:
        await store.runs.add(run)
    first = await store.runs.list(flow_version="0a1b2c", limit=2)
    assert first == [runs[5], runs[3]]
    assert await store.runs.list(flow_version="0a1b2c", limit=2, before=first[-1].id) == [runs[1]]
    assert await store.runs.list(flow_version="0A9", flow="tickets") == [runs[4], runs[2], runs[0]]
    assert await store.runs.list(flow_version="0a", limit=1) == [runs[5]]
    assert await store.runs.list(flow_version="0a9", flow="another") == []
    assert await store.runs.list(flow_version="%") == []
    assert await store.runs.list(flow_version="0a9", search="no", statuses=["queued"]) == [runs[4], runs[2], runs[0]]
    assert await store.runs.found("no", flow_version="0a1", limit=1) == ([runs[5]], 3)


async def test_events_are_listed_by_what_became_of_them(store):
    events = [an_event(disposition=each) for each in ("started", "filtered", "rejected", "filtered")]
    events = [replace(event, disposition=Disposition(event.disposition)) for event in events]
    for event in events:
        await store.events.accept(event, [])
    assert await store.events.list(dispositions=["filtered", "rejected"]) == [events[3], events[2], events[1]]
    assert await store.events.list(dispositions=["started"], flow="tickets") == [events[0]]
    assert await store.events.list(limit=1) == [await store.events.get("@last")]


async def test_a_run_is_found_by_the_beginning_of_its_id(store):
    first, second = a_run(id="0" * 25 + "1"), a_run(id="0" * 25 + "2", status=Status.FAILED, finished_at=START)
    for run in (first, second):
        await store.runs.add(run)
    assert await store.runs.find(first.id.upper()) == first
    assert await store.runs.find("@last") == second
    assert await store.runs.find("@last-failed") == second
    with pytest.raises(Conflict, match="several runs"):
        await store.runs.find("0000")
    for unknown in ("zzz", "", "%", "z" * 26, "z" * 99):
        with pytest.raises(NotFound):
            await store.runs.find(unknown)


async def test_more_runs_are_read_at_once_than_one_statement_names(store):
    ids = [f"{number:026d}" for number in range(2 * TOGETHER + 1)]
    for run_id in (ids[-1], ids[0], ids[TOGETHER]):
        await store.runs.add(a_run(id=run_id))
    assert [run.id for run in await store.runs.get_many(ids[::-1])] == [ids[0], ids[TOGETHER], ids[-1]]


async def test_nothing_is_found_in_an_empty_store(store):
    for ask in (store.runs.find("@last"), store.runs.get("x"), store.events.get("@last"), store.events.get("x")):
        with pytest.raises(NotFound):
            await ask
    with pytest.raises(NotFound, match="version"):
        await store.flows.version_text("tickets", "v1")
    assert await store.events.run_ids([]) == {}
    assert await store.runs.get_many([]) == []
    assert await store.runs.responses([]) == {}
    assert await store.runs.done_again([]) == set()
    assert await store.polls.get("tickets", "poll") is None
    assert await store.schedules.get("tickets", "schedule") is None
    assert await store.secrets.get("x") is None


async def test_action_runs_are_kept_in_the_order_they_began(store):
    run = a_run(status=Status.RUNNING, epoch=store.epoch)
    await store.runs.add(run)
    attempt = Attempt(
        number=1, started_at=START, duration_ms=12.5, status_code=503, error={"code": "x", "message": "y"}
    )
    late = an_action(run, path=("notify", 3, "send"), number=2, attempts=(attempt,), outputs=ODD, due_at=START)
    early = an_action(run, path=("find",), number=1, inputs={"a": 1}, skipped_because="no")
    for action in (late, early):
        await store.journal.commit(action_rows.put(action, store.epoch, store.seal))
    assert await store.runs.actions(run.id) == [early, late]


async def test_a_later_record_of_an_action_takes_the_place_of_the_earlier(store):
    run = a_run(status=Status.RUNNING, epoch=store.epoch)
    await store.runs.add(run)
    begun = an_action(run, status=Status.RUNNING, finished_at=None)
    store.journal.append(action_rows.put(begun, store.epoch, store.seal))
    await store.journal.commit(action_rows.put(an_action(run, outputs={"a": 1}), store.epoch, store.seal))
    assert await store.runs.actions(run.id) == [an_action(run, outputs={"a": 1})]


async def test_an_owner_that_lost_its_claim_writes_nothing(store):
    run = a_run(status=Status.RUNNING, epoch=store.epoch)
    await store.runs.add(run)
    await store.journal.commit(Runs.claim(replace(run, recoveries=1), store.epoch + 1, START))
    stale = [
        action_rows.put(an_action(run), store.epoch, store.seal),
        Runs.finish(run.id, store.epoch, Status.SUCCEEDED, START, None, None),
        Runs.park(run.id, store.epoch, Status.WAITING, None),
        Runs.claim(run, store.epoch, START),
    ]
    other = a_run()
    outcomes = await asyncio.gather(*map(store.journal.commit, stale), store.runs.add(other), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Fenced] * 4 + [type(None)]
    assert await store.runs.actions(run.id) == []
    assert (await store.runs.get(run.id)).status is Status.RUNNING
    assert await store.runs.get(other.id) == other


async def test_a_finished_run_takes_no_more_records(store):
    run = a_run(status=Status.RUNNING, epoch=store.epoch)
    await store.runs.add(run)
    await store.journal.commit(Runs.finish(run.id, store.epoch, Status.SUCCEEDED, START, None, {"a": 1}))
    with pytest.raises(Fenced):
        await store.journal.commit(action_rows.put(an_action(run), store.epoch, store.seal))
    assert (await store.runs.get(run.id)).output == {"a": 1}


async def test_marks_keep_what_came_first(store):
    for value in ("early", "late"):
        await store.journal.commit(mark("r", "a/0", "now", value, START))
    assert [(each.path, each.kind, each.value) for each in await store.runs.marks("r")] == [(("a", 0), "now", "early")]


async def test_due_and_unfinished_runs_are_found(store):
    waiting = a_run(status=Status.WAITING, due_at=START + timedelta(minutes=5))
    asking, queued = a_run(status=Status.WAITING), a_run()
    for run in (waiting, asking, queued, a_run(status=Status.FAILED, finished_at=START)):
        await store.runs.add(run)
    assert await store.runs.due(START, 10) == []
    assert [row[0] for row in await store.runs.due(START + timedelta(minutes=5), 10)] == [waiting.id]
    assert [row[0] for row in await store.runs.unfinished()] == [waiting.id, asking.id, queued.id]
    assert [row[0] for row in await store.runs.unfinished(waiting=False)] == [queued.id]


async def test_poll_state_events_and_runs_are_one_commit(store):
    event, seen = an_event(dedupe_key="item-1"), an_event(dedupe_key="item-1")
    state = PollState({"after": "2026-01-01"}, frozenset({"1", "2"}))
    stored = await store.polls.commit("tickets", "poll", state, [(event, [a_run(event)]), (seen, [a_run(seen)])])
    assert [each.disposition for each in stored] == [Disposition.STARTED, Disposition.DUPLICATE]
    assert await store.polls.get("tickets", "poll") == state
    assert len(await store.runs.list()) == 1
    await store.polls.commit("tickets", "poll", PollState(), [])
    assert await store.polls.get("tickets", "poll") == PollState()


async def test_a_poll_commit_that_fails_changes_nothing(store):
    event = an_event()
    run = a_run(event)
    await store.runs.add(run)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        await store.polls.commit("tickets", "poll", PollState("new"), [(event, [run])])
    assert await store.polls.get("tickets", "poll") is None
    assert await store.events.list() == []


async def test_schedules_move_on_with_their_runs(store):
    event = an_event()
    await store.schedules.commit("tickets", "schedule", START, [(event, [a_run(event)])])
    assert await store.schedules.get("tickets", "schedule") == START
    assert await store.events.list() == [event]


async def test_flow_versions_never_change(store):
    await store.flows.save_version("tickets", "v1", "flow: A")
    await store.flows.save_version("tickets", "v1", "flow: B")
    assert await store.flows.version_text("tickets", "v1") == "flow: A"
    assert [each.version for each in await store.flows.versions("tickets")] == ["v1"]


async def test_switches(store):
    await store.flows.set_enabled("tickets", False)
    await store.flows.set_enabled("chats", True)
    assert await store.flows.enabled() == {"tickets": False, "chats": True}


async def test_subscriptions(store):
    record = SubscriptionRecord(
        flow="tickets",
        trigger_key="use",
        connector="livechat",
        operation="WebhookTicketCreated",
        connection=None,
        callback_url="https://flows.example.com/hooks/tickets/k",
        fingerprint="f",
        state="active",
        updated_at=START,
        external_id=7,
    )
    await store.subscriptions.put(replace(record, state="registering"))
    await store.subscriptions.put(record)
    assert await store.subscriptions.list() == [record]
    await store.subscriptions.delete("tickets", "use")
    assert await store.subscriptions.list() == []


async def test_identifiers_follow_each_other():
    made = [new_id(CLOCK) for _ in range(2_000)]
    assert made == sorted(set(made))
    assert {len(each) for each in made} == {26}
