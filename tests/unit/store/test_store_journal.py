"""The one writer: order, groups, neighbours, and a database that cannot be written for a while."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from flowengine.errors import Conflict, StorageUnavailable
from flowengine.store import group_commit
from flowengine.store.in_thread import InThread
from flowengine.store.journal import Fenced, Journal, Part, Statement, Write
from flowengine.store.units import Fate, grouped

pytestmark = pytest.mark.timeout(30)

INSERT, UPDATE = Statement("INSERT"), Statement("UPDATE", fenced=True)


def test_writes_are_gathered_by_statement_without_changing_the_order_of_a_key():
    writes = [
        Write(INSERT, (1,), "a"),
        Write(UPDATE, (1,), "a"),
        Write(INSERT, (2,), "b"),
        Write(UPDATE, (2,), "b"),
        Write(UPDATE, (0,), "c"),
        Write(INSERT, (0,), "c"),
    ]
    assert grouped(writes) == [(INSERT, [(1,), (2,)]), (UPDATE, [(1,), (2,), (0,)]), (INSERT, [(0,)])]


class Disk:
    """A database's connection that does as it is told: `trouble` are errors to raise, one a commit."""

    class Full(Exception):
        pass

    class Taken(Exception):
        pass

    class Lost(Conflict):
        pass

    def __init__(self) -> None:
        self.trouble: list[Exception] = []
        self.committed: list[tuple] = []
        self.recovered = 0
        self.refuse_recovery = False
        self.fates: list[Fate] = []
        self.room = True
        self.tried_out = 0
        self._pending: list[tuple] = []

    def begin(self) -> None:
        self._pending = []

    def commit(self) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.committed += self._pending

    def rollback(self) -> None:
        self._pending = []

    def run_many(self, statement, rows) -> int:
        for row in rows:
            if row[0] == "bad":
                raise ValueError("bad row\nwith a secret in the second line")
            if row[0] == "taken":
                raise self.Taken
        self._pending += [(statement.sql, *row) for row in rows]
        return sum(row[0] != "fenced" for row in rows)

    @contextlib.contextmanager
    def savepoint(self, name):
        before = list(self._pending)
        try:
            yield
        except Exception:
            self._pending = before
            raise

    def is_collision(self, error) -> bool:
        return False

    def is_key_taken(self, error) -> bool:
        return isinstance(error, self.Taken)

    def is_unavailable(self, error) -> bool:
        return isinstance(error, self.Full)

    def recover(self, error) -> Fate:
        self.recovered += 1
        if self.refuse_recovery:
            raise self.Lost("another engine took the database")
        return self.fates.pop(0) if self.fates else Fate.REFUSED

    def has_room(self) -> bool:
        return self.room

    def try_out(self) -> None:
        self.tried_out += 1

    def close(self) -> None:
        pass


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
async def writer(disk, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE", 0.01)
    made = Journal(InThread(disk))
    yield made
    await made.close()


def write(value, statement=INSERT) -> Write:
    return Write(statement, (value,), str(value))


async def test_a_commit_implies_what_was_appended_before(writer, disk):
    writer.append(write(1))
    await writer.commit(write(2))
    assert disk.committed == [("INSERT", 1), ("INSERT", 2)]


async def test_a_bad_unit_fails_none_of_its_neighbours(writer, disk):
    outcomes = await asyncio.gather(
        *(writer.commit(write(value)) for value in (1, "bad", 2)),
        writer.commit(write("fenced", UPDATE)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), StorageUnavailable, type(None), Fenced]
    assert outcomes[1].message == "bad row"
    assert sorted(disk.committed) == [("INSERT", 1), ("INSERT", 2)]


async def test_a_taken_key_leads_to_what_is_written_otherwise(writer, disk):
    parts = [Part([write("x"), write("taken")], otherwise=[write("duplicate")]), Part([write("y")])]
    assert await writer.commit_parts(parts) == [False, True]
    assert disk.committed == [("INSERT", "duplicate"), ("INSERT", "y")]


async def test_whoever_cannot_wait_is_told_and_the_others_are_held(writer, disk):
    disk.trouble = [disk.Full("database or disk is full")] * 4
    accepting = asyncio.create_task(writer.commit_parts([Part([write("event")])]))
    recording = asyncio.create_task(writer.commit(write("record")))
    with pytest.raises(StorageUnavailable, match="disk is full"):
        await accepting
    await asyncio.wait_for(recording, 20)
    assert disk.committed == [("INSERT", "record")]
    assert writer.trouble is None
    assert disk.recovered >= 1


async def test_a_lost_lock_ends_the_writer(writer, disk):
    disk.trouble, disk.refuse_recovery = [disk.Full("gone")], True
    assert not writer.lost.done()
    with pytest.raises(StorageUnavailable, match="another engine"):
        await writer.commit(write(1))
    assert isinstance(await writer.lost, Conflict)
    await asyncio.to_thread(writer._channel._thread.join, 5)
    with pytest.raises(StorageUnavailable, match="closed"):
        writer.append(write(2))


async def test_closing_writes_what_is_left(disk):
    made = Journal(InThread(disk))
    for value in range(100):
        made.append(write(value))
    await made.close()
    assert len(disk.committed) == 100
    with pytest.raises(StorageUnavailable):
        await made.commit(write(1))


async def test_closing_does_not_wait_for_a_disk_that_stays_full(disk, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE", 0.01)
    disk.trouble = [disk.Full("full")] * 10_000
    made = Journal(InThread(disk))
    record = asyncio.create_task(made.commit(write(1)))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(made.close(), 20)
    with pytest.raises(StorageUnavailable):
        await record


async def test_a_commit_whose_answer_was_lost_is_not_written_again(writer, disk):
    disk.trouble, disk.fates = [disk.Full("connection lost")], [Fate.DONE]
    assert await writer.commit_parts([Part([write(1)], otherwise=[write(0)])]) == [True]
    await writer.commit(write(2))
    assert disk.committed == [("INSERT", 2)], "the first was carried out before the connection was lost"
    assert (writer.trouble, writer.returns) == (None, 1)


async def test_what_comes_while_a_commit_is_in_doubt_is_written_for_itself(writer, disk):
    disk.trouble = [disk.Full("connection lost")] * 3
    disk.fates = [Fate.UNKNOWN, Fate.UNKNOWN, Fate.DONE]
    doubtful = asyncio.ensure_future(writer.commit(write(1)))
    while writer.trouble is None:
        await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable, match="connection lost"):
        await writer.commit_parts([Part([write("impatient")])])
    await writer.commit(write(2))
    await doubtful
    assert disk.committed == [("INSERT", 2)]


async def test_a_commit_that_broke_off_is_written_again(writer, disk):
    disk.trouble, disk.fates = [disk.Full("connection lost")] * 2, [Fate.UNKNOWN, Fate.UNDONE]
    await writer.commit(write(1))
    assert (disk.committed, writer.returns) == ([("INSERT", 1)], 1)


async def test_while_the_last_room_is_in_use_what_is_under_way_has_it_and_nothing_new(writer, disk):
    disk.trouble, disk.room = [disk.Full("full")], False
    await writer.commit(write(1))
    with pytest.raises(StorageUnavailable, match="full"):
        await writer.commit_parts([Part([write("new")])])
    await writer.commit(write(2))
    assert disk.committed == [("INSERT", 1), ("INSERT", 2)]
    assert writer.trouble == "full"


async def test_a_trouble_that_is_over_is_noticed_though_nobody_writes(writer, disk):
    disk.trouble = [disk.Full("full")] * 3
    with pytest.raises(StorageUnavailable):
        await writer.commit_parts([Part([write("new")])])
    async with asyncio.timeout(5):
        while writer.trouble:
            await asyncio.sleep(0.01)
    assert disk.tried_out >= 3
    assert disk.committed == []
