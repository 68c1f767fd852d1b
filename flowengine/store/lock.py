"""One engine process a database: two that write one SQLite file can damage it, and two that own one run would repeat it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from flowengine.errors import ConfigurationError, EngineRunning
from flowengine.store.database import Address, in_plain_words, postgresql_engine, read_address

if TYPE_CHECKING:
    from sqlalchemy import Connection

ADVISORY_KEY = 0x666C6F77656E67
"""`floweng`, as the number that PostgreSQL's advisory locks go by."""
LOCK_HELD = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND (classid::bigint << 32) + objid::bigint = ?"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_GRACE = 0.5
"""Seconds in which somebody who only looks who holds the lock lets go of it."""
_LAST_WRITE_WITHIN = 15.0
"""Seconds. An engine that was killed leaves a process that writes what it had been given, and then lets go."""
_SESSION_ENDS_WITHIN = 2.0
"""Seconds. PostgreSQL notices a moment later that an engine is gone: one that starts again at once would meet its former self."""


class FileLock:
    """A lock beside a SQLite file; the operating system releases it however the process ends."""

    def __init__(self, database: Path) -> None:
        self._path = _beside(database)
        self._file: IO[str] | None = None
        self._said: dict[str, Any] = {}

    @property
    def descriptor(self) -> int:
        """For a process that writes for this one: who inherits it holds the lock, too."""
        assert self._file is not None
        return self._file.fileno()

    def take(self) -> None:
        """Raises `EngineRunning` naming the holder."""
        file = self._path.open("a+", encoding="utf-8")
        began = time.monotonic()
        while not _flock(file, fcntl.LOCK_EX):
            holder = _read(file)
            if time.monotonic() - began > (_GRACE if _lives(holder) else _LAST_WRITE_WITHIN):
                file.close()
                raise EngineRunning(_occupied(holder) if _lives(holder) else _occupied_by_unseen(holder))
            time.sleep(0.02)
        self._file = file
        self._said = {"pid": os.getpid(), "url": None}
        self.publish({})

    def publish(self, address: dict[str, Any]) -> None:
        """Leave `{"pid", "url"}`, and `writer` for a process that writes for this one, for others to find this engine by."""
        assert self._file is not None
        self._said |= address
        self._file.seek(0)
        self._file.truncate()
        json.dump(self._said, self._file)
        self._file.flush()

    def release(self) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


class AdvisoryLock:
    """A lock held by the writer's own session at PostgreSQL: whoever loses the session loses the lock with it."""

    def __init__(self) -> None:
        self._connection: Connection | None = None

    def take_again(self, connection: Connection) -> None:
        """At the start, and after a lost session; raises `EngineRunning` when another engine has it."""
        self._connection = connection
        patient_until = time.monotonic() + _SESSION_ENDS_WITHIN
        while not self.try_to_take(connection):
            if time.monotonic() > patient_until:
                raise EngineRunning(_occupied(_published(connection)))
            time.sleep(0.05)

    def try_to_take(self, connection: Connection) -> bool:
        """Whether the lock is this session's now."""
        taken = connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (ADVISORY_KEY,)).scalar()
        connection.commit()
        return bool(taken)

    def give_back(self, connection: Connection) -> None:
        """The session goes on without it."""
        connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (ADVISORY_KEY,))
        connection.commit()

    def publish(self, address: dict[str, Any]) -> None:
        """Leave `{"pid", "url"}` for others to find this engine by."""
        said = json.dumps({"pid": os.getpid(), "url": None, **address})
        assert self._connection is not None
        with self._connection.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO meta (name, value) VALUES ('engine', %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (said,),
            )

    def release(self) -> None:
        """The lock ends with the session, which the writer closes."""
        self._connection = None


def holder(url: str) -> dict[str, Any] | None:
    """The engine that has the database open: `{"pid", "url"}` (the URL may be None), or None. Does not open the database."""
    address = read_address(url)
    return _holder_of_file(address.file) if address.file else _holder_of_session(address)


def _holder_of_file(database: Path) -> dict[str, Any] | None:
    with contextlib.suppress(FileNotFoundError, PermissionError), _beside(database).open("r", encoding="utf-8") as file:
        return None if _flock(file, fcntl.LOCK_SH) else _read(file)
    return None


def _holder_of_session(address: Address) -> dict[str, Any] | None:
    engine = postgresql_engine(address)
    try:
        with in_plain_words(address), engine.connect() as connection:
            held = connection.exec_driver_sql(LOCK_HELD.replace("?", "%s"), (ADVISORY_KEY,)).first()
            return _published(connection) if held else None
    finally:
        engine.dispose()


def _published(connection: Connection) -> dict[str, Any]:
    with contextlib.suppress(Exception):
        said = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'engine'").scalar()
        return dict(json.loads(said or "{}"))
    return {}


def _beside(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def _flock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigurationError(
            f"{file.name} cannot be locked ({error.strerror}): put the database on a local disk"
        ) from None
    return True


def _read(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(json.loads(file.read()))
    except ValueError:
        return {}


def _lives(found: dict[str, Any]) -> bool:
    """Whether the process that took the lock is still there, as far as one can see."""
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return False
    except (KeyError, ValueError, OSError):
        return True
    return True


def _occupied_by_unseen(found: dict[str, Any]) -> str:
    """The engine was killed, or this process cannot see it: in another container, on another machine."""
    writer = f"process {found['writer']}" if found.get("writer") else "a process"
    return f"{_occupied(found)}; if it was killed, {writer} still writes what it had been given: try again in a moment"


def _occupied(found: dict[str, Any]) -> str:
    who = f"process {found['pid']}" if found.get("pid") else "another process"
    where = f" at {found['url']}" if found.get("url") else ""
    return f"the database is in use by the engine of {who}{where}; stop that one first, or talk to it"
