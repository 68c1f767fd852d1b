"""A copy of the database while the engine goes on: one moment of it, whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from flowengine.errors import ConfigurationError
from flowengine.store.database import Address, in_plain_words, read_address
from flowengine.store.room import to_disk
from flowengine.store.sqlite_file import BUSY_SECONDS


def back_up(url: str, to: Path) -> int:
    """Copy the database to a new file and check the copy; gives its size in bytes. The engine may run meanwhile.

    SQLite's copy is a database of its own. PostgreSQL's is what `pg_dump --format=custom` writes, for `pg_restore`. Raises
    `ConfigurationError` when it cannot be made; nothing is left behind then, and no file is ever overwritten.
    """
    address = read_address(url)
    if to.exists():
        raise ConfigurationError(f"{to} exists already; name a new file")
    half = to.with_name(to.name + ".part")
    try:
        half.unlink(missing_ok=True)
        half.touch(mode=0o600)
        if address.file is None:
            _dump(address, half)
        else:
            _copy(address.file, half)
        to_disk(half)
        half.rename(to)
        to_disk(to.parent)
    except OSError as error:
        raise ConfigurationError(f"{to} cannot be written: {error.strerror}") from None
    finally:
        half.unlink(missing_ok=True)
    return to.stat().st_size


def _copy(file: Path, to: Path) -> None:
    if not file.is_file():
        raise ConfigurationError(f"there is no database at {file}")
    with in_plain_words(file):
        source = sqlite3.connect(file, timeout=BUSY_SECONDS)
        target = sqlite3.connect(to)
        try:
            # In one go: it reads one snapshot, and nobody who writes meanwhile makes it begin anew.
            source.backup(target, pages=-1)
            target.execute(
                "PRAGMA journal_mode=DELETE"
            )  # one file that can be carried about; WAL comes back when it is used
            told = target.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            target.close()
            source.close()
    if told != "ok":
        raise ConfigurationError(f"the copy of {file} is damaged ({told}); see flowengine db check")


def _dump(address: Address, to: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise ConfigurationError(
            "a backup of PostgreSQL needs its pg_dump on this machine (the package postgresql-client)"
        )
    parts = urlsplit(address.url)
    # The password goes by the environment: everybody can read a command line.
    place = parts.netloc.rpartition("@")
    user = place[0].partition(":")[0]
    bare = urlunsplit(("postgresql", f"{user}@{place[2]}" if user else place[2], parts.path, parts.query, ""))
    environ = {**os.environ, **({"PGPASSWORD": unquote(parts.password)} if parts.password else {})}
    done = subprocess.run(  # noqa: S603  # a fixed program, no shell
        [program, "--format=custom", f"--file={to}", f"--dbname={bare}"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"pg_dump could not make the backup: {_told(done.stderr)}")


def _told(stderr: str) -> str:
    told = [line.removeprefix("pg_dump: ") for line in stderr.strip().splitlines()] or ["no reason given"]
    if "version mismatch" not in told[0]:
        return told[0]
    versions = told[1].removeprefix("detail: ") if len(told) > 1 else told[0]
    return f"it is older than the server ({versions}); install the server's postgresql-client, first on the PATH"
