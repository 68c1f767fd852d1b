"""The store: one object over the database, with a face for each thing it keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.errors import NotFound
from flowengine.store.access import Access
from flowengine.store.audit import Audit
from flowengine.store.checkup import Checkup
from flowengine.store.database import (
    Address,
    PostgresqlReader,
    Reader,
    SqliteReader,
    Writer,
    assert_durable,
    in_plain_words,
    lay_ballast,
    postgresql_engine,
    prepare_folder,
    read_address,
    sqlite_engine,
)
from flowengine.store.events import Events
from flowengine.store.flows import Flows
from flowengine.store.journal import Journal
from flowengine.store.lock import AdvisoryLock, FileLock
from flowengine.store.polls import Polls
from flowengine.store.retention import Retention
from flowengine.store.runs import Runs
from flowengine.store.schedules import Schedules
from flowengine.store.schema import bring_up_to_date, refuse_newer
from flowengine.store.seal import Seal
from flowengine.store.secrets import Secrets
from flowengine.store.subscriptions import Subscriptions
from flowengine.types import Clock, SystemClock

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What lasts. Opened for reading it has no `journal` and no `lock`, and its writing methods may not be called."""

    clock: Clock
    seal: Seal
    reader: Reader
    events: Events
    runs: Runs
    flows: Flows
    subscriptions: Subscriptions
    polls: Polls
    schedules: Schedules
    secrets: Secrets
    access: Access
    audit: Audit
    retention: Retention
    checkup: Checkup
    write_journal: Journal | None = None
    held_lock: FileLock | AdvisoryLock | None = None
    epoch: int = 0
    """The number of this session: greater than that of every engine that had the database before."""

    @property
    def journal(self) -> Journal:
        """The writer. Only a store opened with `write=True` has one."""
        assert self.write_journal is not None, "the store was opened for reading"
        return self.write_journal

    @property
    def lock(self) -> FileLock | AdvisoryLock:
        """The engine's lock. Only a store opened with `write=True` has one."""
        assert self.held_lock is not None, "the store was opened for reading"
        return self.held_lock

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, write: bool, clock: Clock | None = None, key_file: Path | None = None
    ) -> AsyncIterator[Store]:
        """Open the database at an SQLAlchemy URL; with `write` as its one engine, making or migrating it.

        `key_file` is `key` beside a SQLite database unless said otherwise. Raises `ConfigurationError` for what cannot be
        used, `Conflict` when another process is the engine, `NotFound` when there is nothing to read yet.
        """
        address = read_address(url)
        clock = clock or SystemClock()
        seal = Seal(key_file or (address.file.with_name("key") if address.file else None))
        opened = _open_for_writing(address) if write else None
        reader = _reader(address)
        if opened is None:
            await _refuse_newer(reader)
        journal = Journal(opened.writer) if opened else None
        try:
            yield cls(
                clock=clock,
                seal=seal,
                reader=reader,
                events=Events(reader, journal),
                runs=Runs(reader, seal, journal),
                flows=Flows(reader, journal, clock),
                subscriptions=Subscriptions(reader, journal),
                polls=Polls(reader, journal, clock),
                schedules=Schedules(reader, journal),
                secrets=Secrets(reader, journal, seal, clock),
                access=Access(reader, journal, clock),
                audit=Audit(reader, journal, clock),
                retention=Retention(reader, journal),
                checkup=Checkup(reader, clock),
                write_journal=journal,
                held_lock=opened.lock if opened else None,
                epoch=opened.epoch if opened else 0,
            )
        finally:
            reader.close()
            if journal and opened:
                await journal.close()
                opened.lock.release()


@dataclass(frozen=True, slots=True)
class _Opened:
    writer: Writer
    lock: FileLock | AdvisoryLock
    epoch: int


def _open_for_writing(address: Address) -> _Opened:
    return _open_sqlite(address.file) if address.file else _open_postgresql(address)


def _open_sqlite(file: Path) -> _Opened:
    prepare_folder(file)
    lock = FileLock(file)
    lock.take()
    try:
        with in_plain_words(file):
            writer = Writer(sqlite_engine(file), recover=_nothing, ballast=lay_ballast(file))
            return _Opened(writer, lock, _set_up(writer.connection))
    except BaseException:
        lock.release()
        raise


def _open_postgresql(address: Address) -> _Opened:
    lock = AdvisoryLock()
    with in_plain_words(address):
        writer = Writer(postgresql_engine(address), recover=lock.take_again)
        try:
            lock.take_again(writer.connection)
            return _Opened(writer, lock, _set_up(writer.connection))
        except BaseException:
            writer.close()
            raise


def _set_up(connection: Connection) -> int:
    """Check and migrate the database; gives the number of the session that begins."""
    assert_durable(connection)
    bring_up_to_date(connection)
    with connection.begin():
        found = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'epoch'").scalar()
        epoch = int(found or 0) + 1
        change = (
            "UPDATE meta SET value = '{}' WHERE name = 'epoch'"
            if found
            else "INSERT INTO meta (name, value) VALUES ('epoch', '{}')"
        )
        connection.exec_driver_sql(change.format(epoch))
    return epoch


def _reader(address: Address) -> Reader:
    if address.file is None:
        return PostgresqlReader(postgresql_engine(address))
    if not address.file.exists():
        raise NotFound(f"there is no database at {address.file} yet: run a flow, or start the engine")
    return SqliteReader(address.file)


async def _refuse_newer(reader: Reader) -> None:
    try:
        rows = await reader.rows("SELECT version_num FROM alembic_version")
        refuse_newer(str(rows[0][0]) if rows else "")
    except BaseException:
        reader.close()
        raise


def _nothing(connection: Connection) -> None:
    """SQLite needs no lock of its own: the file's is the process's."""
