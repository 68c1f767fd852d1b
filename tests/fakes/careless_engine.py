"""`flowengine` over a SQLite that says "done" before it is: for seeing that the power-cut test finds what that loses.

python careless_engine.py OFF|NORMAL ARGUMENTS OF FLOWENGINE
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from flowengine.cli import main
from flowengine.store import sqlite_writer, store

open_sqlite = sqlite_writer.open_sqlite


def careless(file: Path) -> sqlite3.Connection:
    connection = open_sqlite(file)
    connection.execute(f"PRAGMA synchronous={synchronous}")
    return connection


if __name__ == "__main__":
    synchronous = sys.argv.pop(1)
    store.pays = lambda: False  # written in this process, where carelessness can be taught
    sqlite_writer.open_sqlite = careless
    main()
