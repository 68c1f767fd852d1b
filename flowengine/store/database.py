"""Opening databases: SQLite files and PostgreSQL, for reading and for the one writer.

SQLite's files are read and written by the driver alone: SQLAlchemy takes 0.3 s to load, which is most of what a command may take. Making
and migrating tables, and everything on PostgreSQL, goes through SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from flowengine.errors import ConfigurationError, DatabaseUnusable, StorageUnavailable
from flowengine.store.sqlite_file import BUSY_SECONDS, open_sqlite
from flowengine.store.turns import Turns
from flowengine.store.units import Row

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql+psycopg://", "postgresql://")
READERS = 3
_NOTICE_SILENCE = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}
"""A server whose machine or network went away says nothing: it is given up after half a minute, not after hours."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database URL, understood: `file` for SQLite, `url` for PostgreSQL."""

    url: str
    file: Path | None = None

    def __str__(self) -> str:
        """For messages: never with a password."""
        if self.file:
            return str(self.file)
        parts = urlsplit(self.url)
        return f"postgresql://{parts.hostname or ''}{':' + str(parts.port) if parts.port else ''}{parts.path}"


def read_address(url: str) -> Address:
    """Understand a database URL. Raises `ConfigurationError` for what is neither SQLite nor PostgreSQL."""
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return Address(url, Path(url.removeprefix(SQLITE)))
    scheme = next((scheme for scheme in POSTGRESQL if url.startswith(scheme)), None)
    if scheme:
        return Address(POSTGRESQL[0] + url.removeprefix(scheme))
    kind = url.split("://", 1)[0] if "://" in url else "no scheme"
    raise ConfigurationError(
        f"the database URL ({kind}) is neither sqlite:///path/to/file.db nor postgresql+psycopg://user@host/name"
    )


class Reader(Protocol):
    """Answers queries with `?` for values."""

    postgresql: bool

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]: ...
    def turn(self, name: str) -> AbstractAsyncContextManager[None]: ...
    def close(self) -> None: ...


class SqliteReader:
    """A few connections that cannot write, each in a thread of its own."""

    postgresql = False

    def __init__(self, file: Path) -> None:
        self._file = file
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="flowengine-reader")
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, sql, values)

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody else is there to take it."""
        return contextlib.nullcontext()

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._all:
            connection.close()

    def _rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        with in_plain_words(self._file):
            return self._connection().execute(sql, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if found is None:
            # Not mode=ro: such a connection cannot make the shared-memory file that a database in WAL mode is read through.
            found = sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            found.execute("PRAGMA query_only=ON")
            self._mine.connection = found
            self._all.append(found)
        return found


class PostgresqlReader:
    """A pool of connections to PostgreSQL."""

    postgresql = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="flowengine-reader")
        self._turns = Turns(engine)

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, sql, values)

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """As `Turns.turn`."""
        return self._turns.turn(name)

    def close(self) -> None:
        self._threads.shutdown()
        self._turns.close()
        self._engine.dispose()

    def _rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        from sqlalchemy.exc import OperationalError

        with in_plain_words("the database"):
            try:
                with self._engine.connect() as connection:
                    return [tuple(row) for row in connection.exec_driver_sql(sql.replace("?", "%s"), tuple(values))]
            except OperationalError as error:
                # The server is away or has no room: it will be back, unlike a table that is not there.
                raise StorageUnavailable(_plain("the database", error.orig or error)) from None


def sqlite_engine(file: Path) -> Engine:
    """SQLAlchemy's engine for setting a SQLite file up."""
    from sqlalchemy import NullPool, create_engine, event

    engine = create_engine(SQLITE, creator=lambda: open_sqlite(file), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def postgresql_engine(address: Address) -> Engine:
    """SQLAlchemy's engine for PostgreSQL through psycopg."""
    try:
        import psycopg  # noqa: F401  # only to tell in words what is missing
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError

        return create_engine(address.url, pool_pre_ping=True, connect_args={"connect_timeout": 10, **_NOTICE_SILENCE})
    except ImportError:
        raise ConfigurationError("PostgreSQL needs one more package: pip install 'flowengine[postgresql]'") from None
    except ArgumentError:
        raise ConfigurationError("the database URL cannot be read: write postgresql+psycopg://user@host/name") from None


def assert_durable(connection: Connection) -> None:
    """Refuse a PostgreSQL that would answer before its commit is on disk (reliability's G1)."""
    for name in ("synchronous_commit", "fsync"):
        if connection.exec_driver_sql(f"SHOW {name}").scalar() == "off":
            raise ConfigurationError(
                f"PostgreSQL runs with {name} = off, and would lose events at a power cut: set it to on"
            )
    connection.rollback()


@contextlib.contextmanager
def in_plain_words(database: object) -> Iterator[None]:
    """Turns what drivers raise for a database that cannot be used into one sentence of `DatabaseUnusable`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(_plain(database, error)) from None
    except Exception as error:
        original = getattr(error, "orig", None)
        if original is None:
            raise
        raise DatabaseUnusable(_plain(database, original)) from None


def _plain(database: object, error: BaseException) -> str:
    told = (str(error).strip() or type(error).__name__).splitlines()[0]
    match told:
        case "file is not a database":
            return f"{database} is not a database: name another file, or restore it from a backup"
        case "database disk image is malformed":
            return f"{database} is damaged: restore it from a backup"
        case "unable to open database file":
            return f"{database} cannot be opened: check that it exists and who owns it"
        case _ if "no such table" in told:
            return f"{database} is not a database of flowengine's, or is not set up yet"
        case _:
            return f"{database} cannot be used: {told}"
