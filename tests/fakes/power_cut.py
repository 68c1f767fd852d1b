"""What a power cut could leave of a folder's files, by the log of everything that was done to them (`disk_log.c`).

What was written before an fsync began is on disk once it has returned; so is a name, once its folder was synced. Of what came
later a disk may have kept all, nothing, some, or single sectors of 512 bytes, in any order; names only from the first to
some last, as file systems with a journal do.
"""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SECTOR = 512
_ENTRY = struct.Struct("=QQqIIII")
SHIM = Path(__file__).with_name("disk_log.c")

Kept = Literal["nothing", "everything", "the first", "some", "sectors"]
WAYS: tuple[Kept, ...] = ("nothing", "sectors", "some", "the first", "everything")


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that a process did. `kind` is the record's letter: Create, Write, Truncate, Sync begun, sync Ended,
    Unlink, Rename, Link."""

    at: float
    """Seconds of `time.monotonic`."""
    kind: str
    file: int
    offset: int
    name: str
    data: bytes


def compiled(folder: Path) -> Path | None:
    """The library to preload; None where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "disk_log.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, SHIM, "-ldl", "-lpthread"], check=True)
    return made


def read(log: Path) -> list[Done]:
    """Everything on record, in order."""
    told, place, found = log.read_bytes(), 0, []
    while place < len(told):
        at, file, offset, kind, names, length, _ = _ENTRY.unpack_from(told, place)
        place += _ENTRY.size
        name, data = told[place : place + names], told[place + names : place + names + length]
        place += names + length
        found.append(Done(at / 1e9, chr(kind), file, offset, name.decode(), data))
    return found


@dataclass(slots=True)
class _File:
    safe: bytearray = field(default_factory=bytearray)
    """What is on disk for sure."""
    since: list[Done] = field(default_factory=list)
    """What was done to it since, oldest first."""
    count: int = 0
    """How many things are in `safe`."""

    def make_safe(self, count: int) -> None:
        for done in self.since[: max(0, count - self.count)]:
            _apply(self.safe, done, None)
        self.since = self.since[max(0, count - self.count) :]
        self.count = max(count, self.count)


class Disk:
    """The folder as it stands after what was done so far, and what of it is safe."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._names: dict[str, _File] = {}
        """Those that are safe."""
        self._renaming: list[tuple[str, str, _File | None]] = []
        """What was done to names since."""
        self._syncs: dict[int, tuple[_File | None, int]] = {}
        self._renamed = 0

    def take(self, done: Done) -> None:
        """One more thing was done."""
        match done.kind:
            case "C":
                self._files[done.file] = _File()
                self._renaming.append(("C", done.name, self._files[done.file]))
            case "W" | "T" if done.file in self._files:
                self._files[done.file].since.append(done)
            case "S":
                file = self._files.get(done.file)
                count = file.count + len(file.since) if file else self._renamed + len(self._renaming)
                self._syncs[done.offset] = (file, count)
            case "E":
                self._synced(*self._syncs.pop(done.offset))
            case "U":
                self._renaming.append(("U", done.name, None))
            case "R" | "L":
                self._renaming.append((done.kind, f"{done.name}\0{done.data.decode()}", self._files.get(done.file)))

    def _synced(self, file: _File | None, count: int) -> None:
        if file is not None:
            file.make_safe(count)
            return
        many = max(0, count - self._renamed)  # the folder itself
        _rename(self._names, self._renaming[:many])
        self._renaming = self._renaming[many:]
        self._renamed += many

    def left_by_a_cut(self, kept: Kept, chance: random.Random) -> dict[str, bytes]:
        """The files that there may be after the power came back."""
        names = dict(self._names)
        _rename(names, self._renaming[: _many(kept, len(self._renaming), chance)])
        return {name: _left(file, kept, chance) for name, file in names.items()}


def _left(file: _File, kept: Kept, chance: random.Random) -> bytes:
    content = bytearray(file.safe)
    first = _many(kept, len(file.since), chance)
    for number, done in enumerate(file.since):
        match kept:
            case "some" if chance.random() < 0.5:
                _apply(content, done, None)
            case "sectors":
                _apply(content, done, chance)
            case "everything" | "the first" if number < first:
                _apply(content, done, None)
    return bytes(content)


def _many(kept: Kept, count: int, chance: random.Random) -> int:
    match kept:
        case "nothing":
            return 0
        case "everything":
            return count
        case _:
            return chance.randint(0, count)


def _apply(content: bytearray, done: Done, chance: random.Random | None) -> None:
    """Carry it out; with chance in it, sector by sector."""
    if done.kind == "T":
        if chance is None or chance.random() < 0.5:
            content.extend(bytes(max(0, done.offset - len(content))))
            del content[done.offset :]
        return
    for start, piece in _sectors(done) if chance else [(done.offset, done.data)]:
        if chance is None or chance.random() < 0.5:
            content.extend(bytes(max(0, start - len(content))))
            content[start : start + len(piece)] = piece


def _sectors(done: Done) -> Iterator[tuple[int, bytes]]:
    start, end = done.offset, done.offset + len(done.data)
    while start < end:
        until = min(end, (start // SECTOR + 1) * SECTOR)
        yield start, done.data[start - done.offset : until - done.offset]
        start = until


def _rename(names: dict[str, _File], changes: Sequence[tuple[str, str, _File | None]]) -> None:
    for kind, name, file in changes:
        match kind:
            case "C":
                assert file is not None
                names[name] = file
            case "U":
                names.pop(name, None)
            case _:
                old, _, new = name.partition("\0")
                moved = names.get(old) if kind == "L" else names.pop(old, None)
                if new and moved is not None:
                    names[new] = moved
