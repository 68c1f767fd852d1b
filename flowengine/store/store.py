"""The store: one object over the database, with a face for each thing it keeps."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flowengine.errors import ConfigurationError, EngineRunning, NotFound
from flowengine.store.access import Access
from flowengine.store.audit import Audit
from flowengine.store.checkup import Checkup
from flowengine.store.database import (
    Address,
    PostgresqlReader,
    Reader,
    SqliteReader,
    assert_durable,
    in_plain_words,
    postgresql_engine,
    read_address,
    sqlite_engine,
)
from flowengine.store.events import Events
from flowengine.store.flows import Flows
from flowengine.store.in_process import InProcess, pays
from flowengine.store.in_thread import InThread
from flowengine.store.journal import Channel, Journal, Statement, Write
from flowengine.store.lock import ADVISORY_KEY, LOCK_HELD, AdvisoryLock, FileLock
from flowengine.store.polls import Polls
from flowengine.store.postgresql_writer import PostgresqlWriter
from flowengine.store.retention import Retention
from flowengine.store.room import fill, lay_ballast, prepare_folder
from flowengine.store.runs import Runs
from flowengine.store.schedules import Schedules
from flowengine.store.schema import VERSIONS, bring_up_to_date, current, is_current, refuse_newer
from flowengine.store.seal import Seal
from flowengine.store.secrets import Secrets
from flowengine.store.signals import Signals
from flowengine.store.sqlite_file import open_sqlite
from flowengine.store.sqlite_writer import SqliteWriter
from flowengine.store.subscriptions import Subscriptions
from flowengine.types import Clock, SystemClock

if TYPE_CHECKING:
    from sqlalchemy import Connection


ONE_WRITER: Final = (
    "SQLite has one writer: worker and web are the same process there, flowengine serve. For processes of their own set"
    " FLOWENGINE_DATABASE_URL to a PostgreSQL database: postgresql+psycopg://user@host/name"
)
NOTE: Final = Statement(
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
NO_EPOCH: Final = 0
"""Who has no runs needs no number to fence them with; no engine's is as low."""
TABLES_WITHIN: Final = 20.0
"""Seconds for an engine that starts at the same time to make or migrate the tables."""


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
    signals: Signals
    write_journal: Journal | None = None
    held_lock: FileLock | AdvisoryLock | None = None
    epoch: int = 0
    """The number of this session: greater than that of every engine that had the database before."""
    ballast: Path | None = None
    """What is given up when the disk is full. SQLite only."""

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

    async def engine_runs(self) -> bool:
        """Whether some process holds the engine's lock. On PostgreSQL; with SQLite it is this one."""
        return not self.reader.postgresql or bool(await self.reader.rows(LOCK_HELD, [ADVISORY_KEY]))

    def prepare_for_full_disk(self) -> None:
        """Set room aside again that there was none for, when all is well."""
        if self.ballast is not None and self.journal.trouble is None:
            fill(self.ballast)

    async def note(self, name: str, value: str) -> None:
        """Leave a word for other processes of this database."""
        await self.journal.commit(Write(NOTE, (name, value), "meta"))

    async def noted(self, name: str) -> str:
        """What was left under this name; empty when there is nothing."""
        rows = await self.reader.rows("SELECT value FROM meta WHERE name = ?", [name])
        return str(rows[0][0]) if rows else ""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        write: bool,
        beside: bool = False,
        apart: bool = False,
        clock: Clock | None = None,
        key_file: Path | None = None,
    ) -> AsyncIterator[Store]:
        """Open the database at an SQLAlchemy URL; with `write` as its one engine, making or migrating it.

        With `beside`, too, what is written is written beside the engine, which is told of it by signals: on PostgreSQL only.
        With `apart` a process of its own writes SQLite's file: for who writes much, and long enough to be worth its start.

        `key_file` is `key` beside a SQLite database unless said otherwise. Raises `ConfigurationError` for what cannot be
        used, `EngineRunning` when another process is the engine, `NotFound` when there is nothing to read yet.
        """
        address = read_address(url)
        clock = clock or SystemClock()
        seal = Seal(key_file or (address.file.with_name("key") if address.file else None))
        async with AsyncExitStack() as stack:
            opened = _open_for_writing(address, beside=beside) if write else None
            journal = None
            if opened:
                stack.callback(opened.release)
                journal = Journal(await opened.channel(apart))
                stack.push_async_callback(journal.close)
            reader = _reader(address)
            stack.callback(reader.close)
            if opened is None:
                await _refuse_newer(reader)
            signals = Signals(reader, journal, clock)
            told = signals if beside else None
            yield cls(
                clock=clock,
                seal=seal,
                reader=reader,
                events=Events(reader, journal, told),
                runs=Runs(reader, seal, journal, told),
                flows=Flows(reader, journal, clock),
                subscriptions=Subscriptions(reader, journal),
                polls=Polls(reader, journal, clock),
                schedules=Schedules(reader, journal),
                secrets=Secrets(reader, journal, seal, clock),
                access=Access(reader, journal, clock),
                audit=Audit(reader, journal, clock),
                retention=Retention(reader, journal),
                checkup=Checkup(reader, clock),
                signals=signals,
                write_journal=journal,
                held_lock=opened.lock if opened else None,
                epoch=opened.epoch if opened else 0,
                ballast=opened.ballast if opened else None,
            )


@dataclass(frozen=True, slots=True)
class _OpenedFile:
    """A SQLite file that is this engine's, with its tables up to date."""

    file: Path
    lock: FileLock
    epoch: int
    ballast: Path

    async def channel(self, apart: bool) -> Channel:
        if apart and pays():
            made = await InProcess.start(self.file, ballast=self.ballast, lock=self.lock.descriptor)
            self.lock.publish({"writer": made.process.pid})
            return made
        with in_plain_words(self.file):
            return InThread(SqliteWriter(self.file, ballast=self.ballast))

    def release(self) -> None:
        self.lock.release()


@dataclass(frozen=True, slots=True)
class _OpenedSession:
    """A session at PostgreSQL, and the engine's lock if this is the engine."""

    writer: PostgresqlWriter
    lock: AdvisoryLock | None
    epoch: int
    ballast: None = None

    async def channel(self, apart: bool) -> Channel:
        return InThread(self.writer)

    def release(self) -> None:
        if self.lock is not None:
            self.lock.release()


def _open_for_writing(address: Address, *, beside: bool = False) -> _OpenedFile | _OpenedSession:
    if beside:
        return _open_beside(address)
    return _open_sqlite(address.file) if address.file else _open_postgresql(address)


def _open_sqlite(file: Path) -> _OpenedFile:
    prepare_folder(file)
    lock = FileLock(file)
    lock.take()
    try:
        with in_plain_words(file), contextlib.closing(open_sqlite(file)) as connection:
            if not is_current(connection):
                with sqlite_engine(file).connect() as migrating:
                    bring_up_to_date(migrating)
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                epoch = _next_epoch(connection.execute)
            return _OpenedFile(file, lock, epoch, lay_ballast(file))
    except BaseException:
        lock.release()
        raise


def _open_postgresql(address: Address) -> _OpenedSession:
    lock = AdvisoryLock()
    with in_plain_words(address):
        writer = PostgresqlWriter(postgresql_engine(address))
        try:
            lock.take_again(writer.connection)
            assert_durable(writer.connection)
            bring_up_to_date(writer.connection)
            with writer.connection.begin():
                epoch = _next_epoch(writer.connection.exec_driver_sql)
            writer.connected = lambda connection: _connected_again(connection, lock, epoch)
            return _OpenedSession(writer, lock, epoch)
        except BaseException:
            writer.close()
            raise


def _open_beside(address: Address) -> _OpenedSession:
    if address.file:
        raise ConfigurationError(ONE_WRITER)
    with in_plain_words(address):
        writer = PostgresqlWriter(postgresql_engine(address), connected=assert_durable)
        try:
            assert_durable(writer.connection)
            _await_tables(writer.connection)
            return _OpenedSession(writer, None, NO_EPOCH)
        except BaseException:
            writer.close()
            raise


def _await_tables(connection: Connection) -> None:
    """Tables as this program knows them: made by the engine, or now when no engine has the database. Raises as `refuse_newer`."""
    until = time.monotonic() + TABLES_WITHIN
    lock = AdvisoryLock()
    while (found := current(connection)) != VERSIONS[-1]:
        connection.rollback()
        if found is not None:
            refuse_newer(found)
        if lock.try_to_take(connection):
            bring_up_to_date(connection)
            lock.give_back(connection)
        elif time.monotonic() > until:
            raise ConfigurationError(
                f"the database has the tables of an older flowengine (schema {found}, this program needs {VERSIONS[-1]}), and its"
                " engine runs: start the engine in the present version first"
            )
        else:
            time.sleep(0.1)
    connection.rollback()


def _next_epoch(run: Callable[[str], Any]) -> int:
    """The number of the session that begins. `run` carries a statement out, in a transaction."""
    found = run("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    epoch = int(found[0]) + 1 if found else 1
    change = (
        "UPDATE meta SET value = '{}' WHERE name = 'epoch'"
        if found
        else "INSERT INTO meta (name, value) VALUES ('epoch', '{}')"
    )
    run(change.format(epoch))
    return epoch


def _reader(address: Address) -> Reader:
    if address.file is None:
        return PostgresqlReader(postgresql_engine(address))
    if not address.file.exists():
        raise NotFound(f"there is no database at {address.file} yet: run a flow, or start the engine")
    return SqliteReader(address.file)


async def _refuse_newer(reader: Reader) -> None:
    rows = await reader.rows("SELECT version_num FROM alembic_version")
    refuse_newer(str(rows[0][0]) if rows else "")


def _connected_again(connection: Connection, lock: AdvisoryLock, epoch: int) -> None:
    """What held at the start has to hold of the server that came back. Raises `EngineRunning` and `ConfigurationError`."""
    lock.take_again(connection)
    assert_durable(connection)
    newest = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'epoch'").scalar()
    connection.rollback()
    if int(newest or 0) != epoch:
        raise EngineRunning(
            "another engine had the database while this one had no connection to it: start this one anew"
        )
