"""Searching, letting go, looking over and copying, over every database."""

from __future__ import annotations

import itertools
import sqlite3
from datetime import timedelta

import pytest

from flowengine.errors import ConfigurationError
from flowengine.store import Store
from flowengine.store.backup import back_up
from flowengine.store.codec import moment
from flowengine.store.ids import first_id_at, new_id
from flowengine.store.journal import Statement, Write
from flowengine.store.retention import Pruned
from flowengine.store.runs import mark
from flowengine.types import Disposition, Status
from tests.fakes.records import START, a_run, an_action, an_event
from tests.fakes.standing_clock import StandingClock

DAY = timedelta(days=1)
_numbers = itertools.count()


def old_id(at):
    """An id as it was made at that time."""
    return f"{first_id_at(at)[:20]}{next(_numbers):06d}"


async def keep(store, *, days_ago=0, status=Status.SUCCEEDED, event=True, **given):
    """A run that was made and ended so long ago, with an action of its own."""
    at = START - days_ago * DAY
    happened = an_event(id=old_id(at), received_at=at) if event else None
    run = a_run(
        happened,
        **{
            "id": old_id(at),
            "created_at": at,
            "status": status,
            "finished_at": at if status.finished else None,
            **given,
        },
    )
    if happened:
        await store.events.accept(happened, [run])
        await store.runs.add(a_run(flow="other", status=Status.SUCCEEDED, finished_at=START))
    else:
        await store.runs.add(run)
    return run


async def with_action(store, run, **given):
    from flowengine.store import action_rows

    await store.journal.commit(action_rows.put(an_action(run, **given), run.epoch, store.seal))


# Searching


async def test_a_search_finds_any_part_of_a_text_and_counts_all(store):
    runs = [a_run(trigger={"subject": f"Refund order {number}"}) for number in range(30)]
    for run in runs:
        await store.runs.add(run)
    await store.runs.add(a_run(trigger={"subject": "else"}))
    found, total = await store.runs.found("fund ORDER", limit=5)
    assert [run.id for run in found] == [run.id for run in reversed(runs)][:5]
    assert total == 30
    older, total = await store.runs.found("fund ORDER", limit=5, before=found[-1].id)
    assert [run.id for run in older] == [run.id for run in reversed(runs)][5:10]
    assert total == 30


async def test_signs_of_patterns_and_of_json_stand_for_themselves(store):
    run = a_run(trigger={"a": '100% "sure"\\now_x', "b": "Ångström"})
    await store.runs.add(run)
    await store.runs.add(a_run(trigger={"a": "1000 nowax"}))
    for words in ("100%", '"sure"', 'sure"\\now', "now_x", "ångström", '"a":'):
        assert [each.id for each in (await store.runs.found(words))[0]][-1] == run.id, words
    assert (await store.runs.found("100%"))[1] == 1
    assert (await store.runs.found("now_x"))[1] == 1


async def test_a_search_goes_with_flow_and_status(store):
    failed = a_run(status=Status.FAILED, finished_at=START, trigger="needle")
    for run in (
        failed,
        a_run(trigger="needle"),
        a_run(flow="other", status=Status.FAILED, finished_at=START, trigger="needle"),
    ):
        await store.runs.add(run)
    found, total = await store.runs.found("needle", "tickets", [Status.FAILED])
    assert ([run.id for run in found], total) == ([failed.id], 1)


async def test_what_actions_were_given_is_searched_when_asked(store):
    run = a_run()
    await store.runs.add(run)
    await with_action(store, run, inputs={"to": "ann@example.com"})
    assert (await store.runs.found("ann@example"))[1] == 0
    assert (await store.runs.found("ann@example", everywhere=True))[1] == 1


async def test_secure_values_are_not_found(store):
    run = a_run()
    await store.runs.add(run)
    await with_action(store, run, inputs={"to": "canary"}, secure=frozenset({"inputs"}))
    assert (await store.runs.found("canary", everywhere=True))[1] == 0


async def test_many_finds_are_counted_exactly(store, monkeypatch):
    monkeypatch.setattr("flowengine.store.search.FEW", 3)
    for number in range(20):
        await store.runs.add(a_run(trigger=f"needle {number}"))
    found, total = await store.runs.found("needle", limit=4)
    assert (len(found), total) == (4, 20)


# Letting go


async def test_old_runs_go_with_their_records_and_events_by_outcome(store):
    old, older_failure, fresh = (
        await keep(store, days_ago=10),
        await keep(store, days_ago=20, status=Status.FAILED),
        await keep(store, days_ago=1),
    )
    row = "INSERT INTO actions (run_id, path, number, name, kind, status, started_at) VALUES (?, 'x', 1, 'X', 'use', 'succeeded', 0)"
    await store.journal.commit(Write(Statement(row), (old.id,), old.id))
    await store.journal.commit(mark(old.id, "send", "now", "x", START))
    keeps = {"succeeded": 7 * DAY, "failed": 90 * DAY}
    assert await store.retention.prune("tickets", keeps, 28 * DAY, START, really=False) == Pruned(1, 1)
    assert await store.retention.prune("tickets", keeps, 28 * DAY, START) == Pruned(1, 1)
    left = [run.id for run in await store.runs.list("tickets")]
    assert sorted(left) == sorted([older_failure.id, fresh.id])
    assert await store.runs.actions(old.id) == []
    assert await store.runs.marks(old.id) == []
    assert len(await store.events.list("tickets")) == 2


async def test_unfinished_runs_stay_and_so_does_what_they_called(store):
    waiting = await keep(store, days_ago=50, status=Status.WAITING, event=False)
    child = await keep(store, days_ago=50, event=False, parent=(waiting.id, "call"))
    assert await store.retention.prune("tickets", {}, 28 * DAY, START) == Pruned()
    assert {run.id for run in await store.runs.list("tickets")} == {waiting.id, child.id}


async def test_events_that_started_nothing_go_by_their_disposition(store):
    for days, disposition in ((5, Disposition.FILTERED), (5, Disposition.REJECTED), (40, Disposition.REJECTED)):
        at = START - days * DAY
        await store.events.accept(an_event(id=old_id(at), received_at=at, disposition=disposition))
    assert await store.retention.prune("tickets", {"filtered": 2 * DAY}, 28 * DAY, START) == Pruned(0, 2)
    assert [str(event.disposition) for event in await store.events.list("tickets")] == ["rejected"]


async def test_a_key_starts_no_second_run_after_the_first_one_is_gone(store):
    at = START - 50 * DAY
    first = an_event(id=old_id(at), received_at=at, dedupe_key="k")
    run = a_run(first, id=old_id(at), created_at=at, status=Status.SUCCEEDED, finished_at=at)
    await store.events.accept(first, [run])
    assert await store.retention.prune("tickets", {}, 28 * DAY, START) == Pruned(1, 1)
    again = await store.events.accept(an_event(dedupe_key="k"), [a_run()])
    assert again.disposition is Disposition.DUPLICATE


async def versions_saved(open_store, *days_and_versions):
    for days_ago, version in days_and_versions:
        async with open_store(clock=StandingClock(START - days_ago * DAY)) as store:
            await store.flows.save_version("tickets", version, f"text of {version}")


async def test_replaced_flow_versions_go_when_no_run_that_is_kept_began_with_them(open_store):
    await versions_saved(open_store, (90, "a"), (80, "b"), (70, "c"), (60, "d"), (40, "e"), (10, "f"))
    async with open_store() as store:
        await keep(store, days_ago=75, status=Status.WAITING, event=False, flow_version="b")
        await keep(store, days_ago=65, status=Status.SUCCEEDED, event=False, flow_version="c")
        await keep(store, days_ago=5, event=False, flow_version="d")
        counted = await store.retention.prune("tickets", {}, 28 * DAY, START, really=False)
        assert counted == Pruned(runs=1, versions=1), "what the old run began with is still referred to"
        assert await store.retention.prune("tickets", {}, 28 * DAY, START) == Pruned(runs=1, versions=2)
        left = [each.version for each in await store.flows.versions("tickets")]
    assert left == ["f", "e", "d", "b"], "e was in force until ten days ago"


async def test_a_version_that_comes_back_into_force_is_the_newest(open_store):
    await versions_saved(open_store, (90, "a"), (80, "b"), (70, "a"), (60, "a"))
    async with open_store() as store:
        versions = await store.flows.versions("tickets")
        assert [(each.version, (START - each.saved_at) // DAY) for each in versions] == [("a", 70), ("b", 80)]
        assert await store.retention.prune("tickets", {}, 28 * DAY, START) == Pruned(versions=1)
        assert await store.flows.version_text("tickets", "a") == "text of a"


async def test_every_flow_with_history_is_known_whether_or_not_it_has_a_file(store):
    await store.runs.add(a_run(flow="b"))
    await store.events.accept(an_event(flow="a", disposition=Disposition.FILTERED))
    assert await store.retention.flows() == ["a", "b"]


# Looking over


async def failing(store, **given):
    found = await store.checkup.check(**{"engine_runs": False, **given})
    return {each.name: each.examples for each in found if not each.fine}


async def with_version(store, run):
    await store.flows.save_version(run.flow, run.flow_version, "flow: x")


async def test_a_sound_database_has_nothing_to_tell(store):
    run = a_run(an_event(), status=Status.WAITING, due_at=START, event_id=None)
    await store.runs.add(run)
    await with_version(store, run)
    assert await failing(store) == {}
    assert await store.checkup.unfinished() == {"waiting": 1}


async def test_a_waiting_run_without_a_time_is_found(store):
    run = a_run(status=Status.WAITING)
    await store.runs.add(run)
    await with_version(store, run)
    assert await failing(store) == {"waiting runs have a time": (run.id,)}


async def test_under_a_running_engine_nobody_is_late_and_everybody_has_an_owner(store):
    late = a_run(status=Status.WAITING, due_at=store.clock.now() - timedelta(minutes=5))
    lost = a_run(status=Status.RUNNING, started_at=START, epoch=0)
    for run in (late, lost):
        await store.runs.add(run)
    await with_version(store, late)
    assert await failing(store, engine_runs=True) == {
        "nobody is late": (late.id,),
        "running runs have an owner": (lost.id,),
    }
    assert await failing(store) == {}


async def test_records_that_belong_to_nothing_are_found(store):
    stray = an_event(id=new_id(store.clock))
    await store.runs.add(a_run(stray, status=Status.SUCCEEDED, finished_at=START))
    await store.journal.commit(mark("nobody", "x", "now", "y", START))
    half = a_run(status=Status.SUCCEEDED)
    await store.runs.add(half)
    open_action = a_run()
    await store.runs.add(open_action)
    await with_action(store, open_action, status=Status.RUNNING, finished_at=None)
    end = Statement("UPDATE runs SET status = 'failed', finished_at = ? WHERE id = ?")
    await store.journal.commit(Write(end, (moment(START), open_action.id), open_action.id))
    await store.journal.commit(
        Write(Statement("INSERT INTO secrets (name, value, changed_at) VALUES (?, ?, ?)"), ("s", "clear", 0), "s")
    )
    found = await failing(store)
    assert found.keys() == {
        "runs have their event",
        "records belong to runs",
        "finished runs are finished",
        "finished runs have no open actions",
        "unfinished runs know their flow",
        "secrets are encrypted",
    }
    assert found["secrets are encrypted"] == ("s",)


# Copying


async def test_a_backup_made_under_way_is_a_database_of_its_own(tmp_path):
    url = f"sqlite:///{tmp_path / 'flowengine.db'}"
    async with Store.open(url, write=True, key_file=tmp_path / "key") as store:
        run = a_run()
        await store.runs.add(run)
        await store.secrets.set("token", "canary")
        copy = tmp_path / "copy.db"
        assert back_up(url, copy) == copy.stat().st_size
        await store.runs.add(a_run())
    assert copy.stat().st_mode & 0o077 == 0
    async with Store.open(f"sqlite:///{copy}", write=True, key_file=tmp_path / "key") as restored:
        assert [each.id for each in await restored.runs.list()] == [run.id]
        assert await restored.secrets.get("token") == "canary"
        assert all(each.fine for each in await restored.checkup.check(engine_runs=False) if "flow" not in each.name)


async def test_a_backup_overwrites_nothing_and_leaves_nothing_half(tmp_path):
    url = f"sqlite:///{tmp_path / 'flowengine.db'}"
    with pytest.raises(ConfigurationError, match="there is no database"):
        back_up(url, tmp_path / "copy.db")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        back_up(url, tmp_path / "there")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        back_up(url, tmp_path / "no-folder" / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


async def test_a_damaged_file_is_told(tmp_path):
    file = tmp_path / "flowengine.db"
    async with Store.open(f"sqlite:///{file}", write=True, key_file=tmp_path / "key") as store:
        for _ in range(200):
            store.journal.append(
                *[
                    Write(
                        Statement("INSERT INTO meta (name, value) VALUES (?, ?)"), (new_id(store.clock), "x" * 200), ""
                    )
                ]
            )
        await store.journal.settled()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(file.read_bytes())
    content[8192 * 3 : 8192 * 5] = b"\xff" * 8192 * 2
    file.write_bytes(bytes(content))
    async with Store.open(f"sqlite:///{file}", write=False, key_file=tmp_path / "key") as store:
        whole = await store.checkup._integrity()
    assert not whole.fine
