"""The process that writes for an engine: what it does with what it is asked, and what follows when one of the two ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from flowengine.errors import ConfigurationError, EngineRunning, StorageUnavailable
from flowengine.store import Store, in_process, lock, store
from flowengine.store.journal import Fenced, Part, Statement, Write
from flowengine.store.runs import Runs
from flowengine.types import Status
from tests.fakes.records import START, a_run, an_event

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "pays", lambda: True)  # a machine with one processor has it in a thread
    return tmp_path / "a.db"


@pytest.fixture
async def opened(file):
    async with Store.open(f"sqlite:///{file}", write=True, apart=True) as made:
        assert isinstance(made.journal._channel, in_process.InProcess)
        yield made


def writer_of(opened) -> subprocess.Popen[bytes]:
    return opened.journal._channel.process


async def test_everything_asked_for_is_written_in_its_order(opened):
    events = [an_event(source=str(number)) for number in range(300)]
    runs = [a_run(event) for event in events]
    taken = await asyncio.gather(*(opened.events.accept(event, [run]) for event, run in zip(events, runs, strict=True)))
    assert taken == events
    for run in runs:
        opened.journal.append(Runs.finish(run.id, 0, Status.SUCCEEDED, START, {}, None))
    await opened.journal.settled()
    assert {run.status for run in await opened.runs.get_many([run.id for run in runs])} == {Status.SUCCEEDED}
    assert opened.journal.commits < 300


async def test_a_repeated_event_is_told_from_a_new_one(opened):
    first, again = (an_event(dedupe_key="same") for _ in range(2))
    stored = await opened.events.accept(first, [a_run(first)])
    repeated = await opened.events.accept(again, [a_run(again)])
    assert (stored.disposition, repeated.disposition) == (first.disposition, "duplicate")


async def test_who_lost_its_claim_is_told(opened):
    with pytest.raises(Fenced):
        await opened.journal.commit(Runs.finish("nobody's", 7, Status.FAILED, START, {}, None))


async def test_a_value_that_no_database_takes_fails_its_own_unit_alone(opened):
    async def put(value) -> None:
        await opened.journal.commit_parts([Part([Write(store.NOTE, ("name", value), "meta")])])

    outcomes = await asyncio.gather(put("good"), put("\ud800"), put(2**70), put("better"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), StorageUnavailable, StorageUnavailable, type(None)]
    assert await opened.noted("name") == "better"


@pytest.mark.parametrize("apart", [True, False], ids=["process", "thread"])
async def test_a_disk_that_is_full_in_the_middle_of_a_group_is_told_as_that_and_nothing_is_written_twice(file, apart):
    """The group is written unit by unit, since one of them repeats a key, and SQLite undoes all of it in the middle."""
    plain = Statement("INSERT INTO meta (name, value) VALUES (?, ?)")

    async def put(name: str, size: int) -> None:
        await opened.journal.commit(Write(plain, (name, "x" * size), name))

    names = [f"big {number}" for number in range(60)] + [f"small {number}" for number in range(5)]
    async with Store.open(f"sqlite:///{file}", write=True, apart=apart) as opened:
        await put("taken", 1)
        repeated = opened.journal.commit_parts([Part([Write(plain, ("taken", "2"), "d")], [])])
        with files_that_may_not_grow_beyond(20_000_000, writer_of(opened).pid if apart else os.getpid()):
            with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")  # so that they gather
                first = asyncio.ensure_future(put("first", 1))
                await asyncio.sleep(0.1)
                held = [asyncio.ensure_future(put(name, 1_000_000 if "big" in name else 1)) for name in names[:5]]
                refused = asyncio.ensure_future(repeated)
                held += [asyncio.ensure_future(put(name, 1_000_000 if "big" in name else 1)) for name in names[5:]]
                await asyncio.sleep(0.3)
                other.execute("ROLLBACK")
            with pytest.raises(StorageUnavailable, match=r"full|disk I/O"):
                await refused
            await first
            assert not any(one.done() for one in held)
            assert await names_in(opened, names) == set()
        await asyncio.wait_for(asyncio.gather(*held), 30)
        assert await names_in(opened, names) == set(names)


@contextlib.contextmanager
def files_that_may_not_grow_beyond(size: int, pid: int):
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def names_in(opened, names) -> set[str]:
    rows = await opened.reader.rows("SELECT name FROM meta")
    return {name for (name,) in rows} & set(names)


async def test_when_it_stands_still_events_are_turned_away_until_it_goes_on(opened, monkeypatch):
    monkeypatch.setattr(in_process, "SILENT_AFTER", 0.3)
    monkeypatch.setattr(in_process, "LOOK", 0.05)
    opened.journal._channel._look()
    writer_of(opened).send_signal(signal.SIGSTOP)
    held = asyncio.ensure_future(opened.runs.add(a_run()))
    async with asyncio.timeout(10):
        while opened.journal.trouble is None:
            await asyncio.sleep(0.02)
    assert "does not answer" in opened.journal.trouble
    event = an_event()
    with pytest.raises(StorageUnavailable, match="does not answer"):
        await opened.events.accept(event, [a_run(event)])
    returns = opened.journal.returns
    writer_of(opened).send_signal(signal.SIGCONT)
    await asyncio.wait_for(held, 10)
    assert (opened.journal.trouble, opened.journal.returns) == (None, returns + 1)


async def test_closing_ends_one_that_stands_still(file, monkeypatch, caplog):
    monkeypatch.setattr(in_process, "SILENT_AFTER", 0.3)
    monkeypatch.setattr(in_process, "LOOK", 0.05)
    async with Store.open(f"sqlite:///{file}", write=True, apart=True) as opened:
        writer = writer_of(opened)
        writer.send_signal(signal.SIGSTOP)
        opened.journal.append(Write(store.NOTE, ("last", "1"), "meta"))
    assert writer.returncode == -signal.SIGKILL
    assert "the process that writes the database has ended" in caplog.text


async def test_a_start_that_fails_leaves_nothing_behind(file, monkeypatch):
    url = f"sqlite:///{file}"
    with monkeypatch.context() as changed:
        changed.setattr(sys, "executable", "/nonexistent/python")
        with pytest.raises(ConfigurationError, match="cannot be started"):
            async with Store.open(url, write=True, apart=True):
                pass
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other, monkeypatch.context() as changed:
        changed.setenv("PYTHONPATH", "/nonexistent")
        changed.setattr(in_process, "import_path", lambda: "/nonexistent")
        changed.setattr(in_process, "command", lambda *given: [sys.executable, "-c", "raise SystemExit(3)"])
        with pytest.raises(ConfigurationError, match="could not begin"):
            async with Store.open(url, write=True, apart=True):
                pass
        assert other.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    async with Store.open(url, write=True, apart=True) as opened:
        await opened.note("there", "1")


async def test_signals_of_a_terminal_or_a_supervisor_do_not_end_it(opened):
    await opened.note("before", "1")
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        writer_of(opened).send_signal(one)
    await opened.note("after", "2")
    assert await opened.noted("after") == "2"


async def test_when_it_is_killed_the_engine_says_so_and_writes_no_more(opened, caplog):
    run = a_run()
    await opened.runs.add(run)
    writer_of(opened).send_signal(signal.SIGSTOP)
    waiting = asyncio.ensure_future(opened.runs.add(a_run()))
    await asyncio.sleep(0.05)
    writer_of(opened).kill()
    with pytest.raises(StorageUnavailable):
        await waiting
    assert "the process that writes the database has ended" in (await opened.journal.lost).message
    assert "nothing that was acknowledged is lost" in caplog.text
    with pytest.raises(StorageUnavailable, match="closed"):
        await opened.runs.add(a_run())
    assert [found.id for found in await opened.runs.list()] == [run.id]


async def test_closing_writes_what_is_left_and_ends_it(file):
    async with Store.open(f"sqlite:///{file}", write=True, apart=True) as opened:
        for number in range(2_000):
            opened.journal.append(Write(store.NOTE, (str(number), "x" * 1_000), str(number)))
        process = writer_of(opened)
    assert process.returncode == 0
    with contextlib.closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM meta WHERE length(value) = 1000").fetchone()[0] == 2_000


ENGINE = """
import asyncio, os, signal, sys, time
from flowengine.store import Store, store
from flowengine.store.journal import Write
store.pays = lambda: True

async def main():
    async with Store.open(sys.argv[1], write=True, apart=True) as opened:
        await opened.note("begun", "1")
        opened.journal._channel.process.send_signal(signal.SIGSTOP)
        print(opened.journal._channel.process.pid, flush=True)
        if sys.argv[2] == "busy":  # a report stays unread
            opened.journal._channel.process.send_signal(signal.SIGCONT)
            opened.journal.append(Write(store.NOTE, ("first", "1"), "meta"))
            opened.journal._channel._send()
            time.sleep(0.3)
            opened.journal._channel.process.send_signal(signal.SIGSTOP)
        for number in range(500):
            opened.journal.append(Write(store.NOTE, (f"asked {number}", "1"), "meta"))
        opened.journal._channel._send()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("engine_was", ["idle", "busy"])
async def test_after_its_engine_was_killed_it_writes_what_it_was_given_before_the_next_engine_begins(
    file, monkeypatch, engine_was
):
    url = f"sqlite:///{file}"
    with subprocess.Popen([sys.executable, "-c", ENGINE, url, engine_was], stdout=subprocess.PIPE) as engine:
        writer = int(engine.stdout.readline())
        assert engine.wait(30) == -signal.SIGKILL
        monkeypatch.setattr(lock, "_LAST_WRITE_WITHIN", 0.2)
        with pytest.raises(EngineRunning, match="try again in a moment"):
            async with Store.open(url, write=True):
                pass
        monkeypatch.undo()
        threading.Timer(0.3, os.kill, (writer, signal.SIGCONT)).start()
        async with Store.open(url, write=True) as opened:
            rows = await opened.reader.rows("SELECT count(*) FROM meta WHERE name LIKE 'asked %'")
    assert rows == [(500,)]
