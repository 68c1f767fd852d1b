"""The process that writes a SQLite file for an engine. It ends when the engine does, after what it was given is written.

python -m flowengine.store.writer_process DESCRIPTOR DATABASE BALLAST

Its engine has a terminal's and a supervisor's signals blocked in it.
"""

from __future__ import annotations

import contextlib
import gc
import socket
import sys
from pathlib import Path

from flowengine.store.group_commit import GroupCommit
from flowengine.store.sqlite_writer import SqliteWriter
from flowengine.store.trouble import told
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

    def take(self, enough: int, wait: float | None) -> list[Unit]:
        units: list[Unit] = []
        while len(units) < enough and not self.over:
            data = self._received(0 if units else wait)
            if data is None:
                break
            self.over = not data
            for body in self._frames.feed(data):
                units += self._unpacker.unpack(body)
        return units

    def _received(self, wait: float | None) -> bytes | None:
        """What has arrived; None when nothing does in time, nothing when nothing more will."""
        self._line.settimeout(wait)
        try:
            return self._line.recv(CHUNK)
        except (BlockingIOError, TimeoutError):
            return None
        except ConnectionResetError:  # the engine was killed, and a report had not been read
            return b""

    def tell(self, report: Report) -> None:
        self._line.settimeout(None)
        with contextlib.suppress(OSError):  # the engine is gone: what it asked for is written all the same
            self._line.sendall(pack_report(report))


def main() -> int:
    descriptor, file, ballast = sys.argv[1:]
    line = Line(socket.socket(fileno=int(descriptor)))
    try:
        connection = SqliteWriter(Path(file), ballast=Path(ballast))
    except Exception as error:  # noqa: BLE001  # whatever it is, the engine tells it
        line.tell(Report([], None, 0, 0, told(error)))
        return 1
    line.tell(Report([], None, 0, 0))
    gc.freeze()
    GroupCommit(connection, line).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
