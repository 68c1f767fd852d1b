"""The one connection that writes: groups of rows in a transaction, and what follows when the database goes away in the middle."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowengine.errors import StorageUnavailable
from flowengine.store.database import Row
from flowengine.store.room import BALLAST_BYTES, fill, free_bytes
from flowengine.store.units import Fate, Statement

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

PARTS: Final = (64, 16, 4, 1)
_FULL: Final = ("database or disk is full", "disk I/O error")
_HINDERED: Final = (*_FULL, "unable to open database file", "readonly database", "database is locked")
"""SQLite's words for what passes: no room, no right for a while, another program that holds the file."""
_COLLISIONS: Final = ("40P01", "40001")
"""PostgreSQL's codes of a deadlock and of a serialization failure."""
_PASSING: Final = ("08", "53", "57", "58", "25006")
"""How PostgreSQL's codes begin that say nothing of what was asked: no connection, no room, somebody interferes, the disk
fails, a server that only reads for now."""


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


class Writer:
    """The writer's connection, as the journal needs it.

    `connected` is called with every connection to PostgreSQL but the first, before anything is written over it: it sees to
    it that the database is still ours. What it raises ends the journal.
    """

    def __init__(
        self, engine: Engine, *, connected: Callable[[Connection], None] | None = None, ballast: Path | None = None
    ) -> None:
        self.connected = connected
        self._engine = engine
        self._ballast = ballast
        self._postgresql = engine.dialect.name == "postgresql"
        self._connection = engine.connect()
        self._away = False
        """The connection was lost and there is none that `connected` has seen: nothing may be written."""
        self._transaction = ""
        """PostgreSQL's number of the last transaction, by which to ask what became of it."""

    @property
    def connection(self) -> Connection:
        return self._connection

    def begin(self) -> None:
        if self._away:
            raise StorageUnavailable("the database cannot be reached")
        self._transaction = ""
        self._connection.begin()
        if self._postgresql:
            found = self._connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar()
            self._transaction = str(found)

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
        return _code(error) in _COLLISIONS

    def is_unavailable(self, error: Exception) -> bool:
        from sqlalchemy.exc import DBAPIError, PendingRollbackError

        if isinstance(error, (PendingRollbackError, StorageUnavailable)):
            return True
        if not isinstance(error, DBAPIError):
            return False
        if self._postgresql:
            return error.connection_invalidated or _code(error).startswith(_PASSING)
        return any(word in str(error.orig) for word in _HINDERED)

    def recover(self, error: Exception) -> Fate:
        """Free the ballast of a full disk, or connect to PostgreSQL again."""
        from sqlalchemy.exc import DBAPIError

        if self._ballast is not None and any(word in str(error) for word in _FULL):
            self._ballast.unlink(missing_ok=True)
        if isinstance(error, DBAPIError) and not error.connection_invalidated:
            return Fate.REFUSED
        self._away = True
        self.close()
        try:
            self._connection = self._engine.connect()
            if self.connected is not None:
                self.connected(self._connection)
            fate = self._fate()
        except DBAPIError:
            return Fate.UNKNOWN
        self._away = fate is Fate.UNKNOWN
        return fate

    def _fate(self) -> Fate:
        """What became of the transaction that broke off: a commit may have reached the server whose answer was lost."""
        from sqlalchemy.exc import DataError

        if not self._transaction:
            return Fate.UNDONE
        try:
            found = self._connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (self._transaction,)).scalar()
        except DataError:  # a server that has never come that far: it was put back to an earlier time
            found = None
        self._connection.rollback()
        match found:
            case "committed":
                return Fate.DONE
            case "in progress":
                return Fate.UNKNOWN
            case _:
                return Fate.UNDONE

    def has_room(self) -> bool:
        if self._ballast is None or self._ballast.exists():
            return True
        if free_bytes(self._ballast.parent) < 2 * BALLAST_BYTES:
            return False
        fill(self._ballast)
        return self._ballast.exists()

    def try_out(self) -> None:
        self._connection.exec_driver_sql("UPDATE meta SET value = value WHERE name = 'epoch'")

    def prepare_for_full_disk(self) -> None:
        """Lay the ballast again that a full disk has cost."""
        if self._ballast is not None:
            fill(self._ballast)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self._away:
                self._connection.invalidate()  # nothing is said over it any more
            self._connection.close()
        self._engine.dispose()


def _code(error: Exception) -> str:
    """PostgreSQL's code of an error, such as `53100`; empty where there is none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""
