"""A SQLite file, opened for writing. Apart from the rest, since the process that writes needs nothing else of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from flowengine.errors import ConfigurationError

BUSY_SECONDS = 10.0
CACHE_KB: Final = 24_000
"""Pages that the writer keeps at hand. New rows go to the ends of tables and indexes; what is read again the system keeps, too."""


def open_sqlite(file: Path) -> sqlite3.Connection:
    """A connection that writes, to be used by one thread at a time: WAL, and every commit on disk before it returns
    (reliability's G1). Raises `ConfigurationError` where the file does not allow that.
    """
    connection = sqlite3.connect(
        file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    for pragma in (
        "page_size=8192",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"cache_size=-{CACHE_KB}",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")] != ["wal", 2]:
        connection.close()
        raise ConfigurationError(
            "SQLite does not accept WAL with synchronous=FULL here: put the database on a local disk"
        )
    return connection
