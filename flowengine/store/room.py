"""Room on the disk: a SQLite database's folder, a ballast beside it, and files that a power cut must not undo."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from flowengine.errors import DatabaseUnusable

BALLAST_BYTES = 8_000_000
"""Kept beside a SQLite database: a full disk refuses even DELETE, and this is what can be given up then."""


def refuse_no_room(file: Path) -> None:
    """Raises `DatabaseUnusable` for a database that is not there when nothing can be read or made at its place."""
    at = file.parent
    while not at.exists():
        at = at.parent
    if not at.is_dir():
        raise DatabaseUnusable(f"the database {file} cannot be there: {at} is not a folder")
    if not os.access(at, os.W_OK | os.X_OK):
        raise DatabaseUnusable(f"the database {file} is not there and cannot be made: check who owns {at}")


def prepare_folder(file: Path) -> None:
    """Make the database's folder; raises `DatabaseUnusable` when it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnusable(f"the folder {file.parent} cannot be made: {error.strerror}") from None
    if file.is_dir():
        raise DatabaseUnusable(f"the database {file} is a folder; name a file")
    if not os.access(file.parent, os.W_OK | os.X_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise DatabaseUnusable(f"the database {file} cannot be written: check who owns it and its folder")


def to_disk(place: Path) -> None:
    """Returns when a file's content, or the names in a folder, would outlast a power cut. A name needs its folder's."""
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def free_bytes(folder: Path) -> int:
    """What this process may still write there; 0 when nobody can say."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def lay_ballast(file: Path) -> Path:
    """The file to give up when the disk is full."""
    ballast = file.with_name(file.name + ".ballast")
    fill(ballast)
    return ballast


def fill(ballast: Path) -> None:
    """Take the room, unless it is taken or there is none."""
    with contextlib.suppress(OSError):
        if ballast.exists():
            return
        try:
            with ballast.open("wb") as opened:
                os.posix_fallocate(opened.fileno(), 0, BALLAST_BYTES)
        except OSError:
            ballast.unlink(missing_ok=True)
