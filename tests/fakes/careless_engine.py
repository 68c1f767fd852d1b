"""`flowengine` over a SQLite that says "done" before it is: for seeing that the power-cut test finds what that loses.

python careless_engine.py OFF|NORMAL ARGUMENTS OF FLOWENGINE
"""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import Engine, event

from flowengine.cli import main
from flowengine.store import store

sqlite_engine = store.sqlite_engine


def careless(file: Any) -> Engine:
    engine = sqlite_engine(file)

    @event.listens_for(engine, "connect")
    def weaken(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA synchronous={synchronous}")

    return engine


if __name__ == "__main__":
    synchronous = sys.argv.pop(1)
    store.sqlite_engine = careless
    store.assert_durable = lambda connection: None
    main()
