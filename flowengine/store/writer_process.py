"""The process that writes a SQLite file for an engine. It ends when the engine does, after what it was given is written.

python -m flowengine.store.writer_process DESCRIPTOR DATABASE BALLAST
"""

from __future__ import annotations

import contextlib
import gc
import select
import signal
import socket
import sys
from pathlib import Path

from flowengine.store.group_commit import GroupCommit
from flowengine.store.sqlite_writer import SqliteWriter
from flowengine.store.units import Report, Unit
from flowengine.store.wire import Frames, UnitUnpacker, pack_report

CHUNK = 1_000_000


class Line:
    """The engine at the other end of a socket, as the loop of group commits wants it."""

    def __init__(self, line: socket.socket) -> None:
        self.over = False
        self._line = line
        self._frames = Frames()
        self._unpacker = UnitUnpacker()

    def take(self, most: int, wait: float | None) -> list[Unit]:
        """All that has arrived, which may be more than `most`: a message is never parted."""
        units: list[Unit] = []
        while len(units) < most and self._arrives(0 if units else wait):
            data = self._line.recv(CHUNK)
            self.over = not data
            for body in self._frames.feed(data):
                units += self._unpacker.unpack(body)
        return units

    def _arrives(self, wait: float | None) -> bool:
        return not self.over and bool(select.select([self._line], [], [], wait)[0])

    def tell(self, report: Report) -> None:
        with contextlib.suppress(OSError):  # the engine is gone: what it asked for is written all the same
            self._line.sendall(pack_report(report))


def main() -> None:
    # A terminal and a supervisor mean the engine, which ends this one by closing the line.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    descriptor, file, ballast = sys.argv[1:]
    line = socket.socket(fileno=int(descriptor))
    line.setblocking(True)
    gc.freeze()
    GroupCommit(SqliteWriter(Path(file), ballast=Path(ballast)), Line(line)).run()


if __name__ == "__main__":
    main()
