"""The one connection that writes at PostgreSQL: groups of rows in a transaction, and what follows when the server goes away in the middle."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from flowengine.errors import StorageUnavailable
from flowengine.store.units import Fate, Row, Statement

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_COLLISIONS: Final = ("40P01", "40001")
"""PostgreSQL's codes of a deadlock and of a serialization failure."""
_PASSING: Final = ("08", "53", "57", "58", "25006")
"""How PostgreSQL's codes begin that say nothing of what was asked: no connection, no room, somebody interferes, the disk
fails, a server that only reads for now."""


class PostgresqlWriter:
    """The writer's session. Used by one thread.

    `connected` is called with every connection but the first, before anything is written over it: it sees to it that the
    database is still ours. What it raises ends the journal.
    """

    def __init__(self, engine: Engine, *, connected: Callable[[Connection], None] | None = None) -> None:
        self.connected = connected
        self._engine = engine
        self._connection = engine.connect()
        self._away = False
        """The connection was lost and there is none that `connected` has seen: nothing may be written."""
        self._transaction = ""
        """The server's number of the last transaction, by which to ask what became of it."""

    @property
    def connection(self) -> Connection:
        return self._connection

    def begin(self) -> None:
        if self._away:
            raise StorageUnavailable("the database cannot be reached")
        self._transaction = ""
        self._connection.begin()
        found = self._connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar()
        self._transaction = str(found)

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.rollback()

    def run_many(self, statement: Statement, rows: Sequence[Row]) -> int:
        text = statement.sql.replace("?", "%s")
        return self._connection.exec_driver_sql(text, list(rows) if len(rows) > 1 else rows[0]).rowcount

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
        return error.connection_invalidated or _code(error).startswith(_PASSING)

    def recover(self, error: Exception) -> Fate:
        """Connect again, where the connection was lost."""
        from sqlalchemy.exc import DBAPIError

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
        """What room the server has is the server's affair."""
        return True

    def try_out(self) -> None:
        self._connection.exec_driver_sql("UPDATE meta SET value = value WHERE name = 'epoch'")

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self._away:
                self._connection.invalidate()  # nothing is said over it any more
            self._connection.close()
        self._engine.dispose()


def _code(error: Exception) -> str:
    """PostgreSQL's code of an error, such as `53100`; empty where there is none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""
