"""The one connection that writes a SQLite file: groups of rows in a transaction, and what follows when the disk is full.

It uses the driver alone, as readers do: SQLAlchemy would take more time for each statement than SQLite does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from flowengine.errors import StorageUnavailable
from flowengine.store.room import BALLAST_BYTES, fill, free_bytes
from flowengine.store.sqlite_file import open_sqlite
from flowengine.store.trouble import first_line
from flowengine.store.units import Fate, Row, Statement

PARTS: Final = (64, 16, 4, 1)
_FULL: Final = ("database or disk is full", "disk I/O error")
_HINDERED: Final = (*_FULL, "unable to open database file", "readonly database", "database is locked")
"""SQLite's words for what passes: no room, no right for a while, another program that holds the file."""


def parted(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """In parts of few different sizes, so that SQLite keeps their statements prepared."""
    first = 0
    while first < len(rows):
        size = next(size for size in PARTS if size <= len(rows) - first)
        yield rows[first : first + size]
        first += size


@lru_cache(maxsize=256)
def text_for(statement: Statement, rows: int, columns: int) -> str:
    """The statement's text for so many rows."""
    if rows == 1:
        return statement.sql
    marks = f"({', '.join('?' * columns)})"
    return statement.many.replace("{rows}", ", ".join([marks] * rows))


class SqliteWriter:
    """The writer's connection to a file that the engine has to itself. Used by one thread."""

    def __init__(self, file: Path, *, ballast: Path | None = None) -> None:
        self._ballast = ballast
        self.connection = open_sqlite(file)

    def begin(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.connection.rollback()

    def run_many(self, statement: Statement, rows: Sequence[Row]) -> int:
        run = self.connection.execute
        if not statement.many:
            return self.connection.executemany(statement.sql, rows).rowcount
        return sum(
            run(text_for(statement, len(part), len(part[0])), tuple(chain.from_iterable(part))).rowcount
            for part in parted(rows)
        )

    @contextlib.contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        run = self.connection.execute
        run(f"SAVEPOINT {name}")
        try:
            yield
        except Exception as error:
            if not self.connection.in_transaction:  # SQLite undid all of it: no room, no memory, a disk that fails
                raise StorageUnavailable(first_line(error)) from error
            run(f"ROLLBACK TO SAVEPOINT {name}")
            run(f"RELEASE SAVEPOINT {name}")
            raise
        run(f"RELEASE SAVEPOINT {name}")

    def is_key_taken(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.IntegrityError)

    def is_collision(self, error: Exception) -> bool:
        """Nobody else writes."""
        return False

    def is_unavailable(self, error: Exception) -> bool:
        return isinstance(error, StorageUnavailable) or (
            isinstance(error, sqlite3.Error) and any(word in str(error) for word in _HINDERED)
        )

    def recover(self, error: Exception) -> Fate:
        """Free the ballast of a full disk."""
        if self._ballast is not None and any(word in str(error) for word in _FULL):
            self._ballast.unlink(missing_ok=True)
        return Fate.REFUSED

    def has_room(self) -> bool:
        if self._ballast is None or self._ballast.exists():
            return True
        if free_bytes(self._ballast.parent) < 2 * BALLAST_BYTES:
            return False
        fill(self._ballast)
        return self._ballast.exists()

    def try_out(self) -> None:
        self.connection.execute("UPDATE meta SET value = value WHERE name = 'epoch'")

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
