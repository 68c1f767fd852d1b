"""Waiting for files to change, by looking at them: works on every file system, and for files that are not there yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

PAUSE = 0.4
"""Seconds between two looks."""
_WATCHED = (".yaml", ".yml", ".json")

Stamp = tuple[int, int]
"""When a file was changed, and how large it is."""


def each_change(paths: Sequence[Path], pause: Callable[[float], None] = time.sleep) -> Iterator[list[Path]]:
    """The files that changed, came or went below these paths, each time some did; without end."""
    before = stamps(paths)
    while True:
        pause(PAUSE)
        now = stamps(paths)
        if now == before:
            continue
        changed = sorted(path for path in now.keys() | before.keys() if now.get(path) != before.get(path))
        before = now
        yield changed


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Every watched file below these paths with its stamp."""
    found = {}
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            try:
                if file.suffix in _WATCHED and file.is_file():
                    told = file.stat()
                    found[file] = (told.st_mtime_ns, told.st_size)
            except OSError:
                continue  # it went away while we looked
    return found
