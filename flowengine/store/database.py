"""Opening databases: SQLite files and PostgreSQL, for reading and for the one writer.

Readers of SQLite use the driver alone: SQLAlchemy takes 0.3 s to load, which is most of what a command may take. The writer, and
everything on PostgreSQL, goes through SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from flowengine.errors import ConfigurationError
from flowengine.store.room import fill

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from flowengine.store.journal import Statement

Row: TypeAlias = tuple[Any, ...]

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql+psycopg://", "postgresql://")
READERS = 3
BUSY_SECONDS = 10.0
PARTS = (64, 16, 4, 1)
_FULL = ("database or disk is full", "disk I/O error", "unable to open database file", "readonly database")
_COLLISIONS = ("40P01", "40001")
"""PostgreSQL's codes of a deadlock and of a serialization failure."""


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


def parted(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """In parts of few different sizes, so that SQLite keeps their statements prepared."""
    first = 0
    while first < len(rows):
        size = next(size for size in PARTS if size <= len(rows) - first)
        yield rows[first : first + size]
        first += size


def text_for(statement: Statement, rows: Sequence[Row]) -> str:
    """The statement's text for so many rows."""
    if len(rows) == 1:
        return statement.sql
    marks = f"({', '.join('?' * len(rows[0]))})"
    return statement.many.replace("{rows}", ", ".join([marks] * len(rows)))


class PostgresqlReader:
    """A pool of connections to PostgreSQL."""

    postgresql = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="flowengine-reader")

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, sql, values)

    def close(self) -> None:
        self._threads.shutdown()
        self._engine.dispose()

    def _rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        with in_plain_words("the database"), self._engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql.replace("?", "%s"), tuple(values))]


class Writer:
    """The writer's connection, as the journal needs it."""

    def __init__(self, engine: Engine, *, recover: Callable[[Connection], None], ballast: Path | None = None) -> None:
        self._engine = engine
        self._recover = recover
        self._ballast = ballast
        self._postgresql = engine.dialect.name == "postgresql"
        self._connection = engine.connect()

    @property
    def connection(self) -> Connection:
        return self._connection

    def begin(self) -> None:
        self._connection.begin()

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.rollback()

    def run_many(self, statement: Statement, rows: Sequence[Row]) -> int:
        if statement.many and not self._postgresql:
            return sum(self._run_at_once(statement, part) for part in parted(rows))
        text = statement.sql.replace("?", "%s") if self._postgresql else statement.sql
        return self._connection.exec_driver_sql(text, rows if len(rows) > 1 else rows[0]).rowcount

    def _run_at_once(self, statement: Statement, rows: Sequence[Row]) -> int:
        """The driver gives the interpreter's lock away for each row it carries out, and waits for a busy event loop to get it
        back: so several rows are one.
        """
        return self._connection.exec_driver_sql(text_for(statement, rows), tuple(chain.from_iterable(rows))).rowcount

    @contextlib.contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        run = self._connection.exec_driver_sql
        run(f"SAVEPOINT {name}")
        try:
            yield
        except Exception:
            run(f"ROLLBACK TO SAVEPOINT {name}")
            run(f"RELEASE SAVEPOINT {name}")
            raise
        run(f"RELEASE SAVEPOINT {name}")

    def is_key_taken(self, error: Exception) -> bool:
        from sqlalchemy.exc import IntegrityError

        return isinstance(error, IntegrityError)

    def is_collision(self, error: Exception) -> bool:
        return getattr(getattr(error, "orig", None), "sqlstate", None) in _COLLISIONS

    def is_unavailable(self, error: Exception) -> bool:
        from sqlalchemy.exc import DBAPIError, PendingRollbackError

        if isinstance(error, PendingRollbackError):
            return True
        if not isinstance(error, DBAPIError):
            return False
        return error.connection_invalidated or any(word in str(error.orig) for word in _FULL)

    def recover(self, error: Exception) -> None:
        """Free the ballast of a full disk, or connect to PostgreSQL again and take the engine's lock anew."""
        if self._ballast is not None:
            self._ballast.unlink(missing_ok=True)
            return
        from sqlalchemy.exc import DBAPIError

        with contextlib.suppress(DBAPIError):
            self._connection.close()
            self._engine.dispose()
            self._connection = self._engine.connect()
            self._recover(self._connection)

    def prepare_for_full_disk(self) -> None:
        """Lay the ballast again that a full disk has cost."""
        if self._ballast is not None:
            fill(self._ballast)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()
        self._engine.dispose()


def sqlite_engine(file: Path) -> Engine:
    """SQLAlchemy's engine for writing a SQLite file: WAL, and every commit on disk before it returns (reliability's G1)."""
    from sqlalchemy import create_engine, event

    engine = create_engine(f"{SQLITE}{file}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "page_size=8192",
            "journal_mode=WAL",
            "synchronous=FULL",
            "cache_size=-64000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

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

        return create_engine(address.url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ImportError:
        raise ConfigurationError("PostgreSQL needs one more package: pip install 'flowengine[postgresql]'") from None
    except ArgumentError:
        raise ConfigurationError("the database URL cannot be read: write postgresql+psycopg://user@host/name") from None


def assert_durable(connection: Connection) -> None:
    """Refuse a database that would answer before its commit is on disk (reliability's G1)."""
    run = connection.exec_driver_sql
    if connection.dialect.name == "postgresql":
        for name in ("synchronous_commit", "fsync"):
            if run(f"SHOW {name}").scalar() == "off":
                raise ConfigurationError(
                    f"PostgreSQL runs with {name} = off, and would lose events at a power cut: set it to on"
                )
    elif (run("PRAGMA journal_mode").scalar(), run("PRAGMA synchronous").scalar()) != ("wal", 2):
        raise ConfigurationError(
            "SQLite does not accept WAL with synchronous=FULL here: put the database on a local disk"
        )
    connection.rollback()


@contextlib.contextmanager
def in_plain_words(database: object) -> Iterator[None]:
    """Turns what drivers raise for a database that cannot be used into one sentence of `ConfigurationError`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(_plain(database, error)) from None
    except Exception as error:
        original = getattr(error, "orig", None)
        if original is None:
            raise
        raise ConfigurationError(_plain(database, original)) from None


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
