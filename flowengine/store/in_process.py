"""The loop of group commits in a process of its own, for an engine on SQLite with more than one processor.

A thread that writes needs the interpreter's lock for every statement, and a busy event loop lets go of it every five
milliseconds: the two took turns, though there were processors for both.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

from flowengine.errors import StorageUnavailable
from flowengine.record import replace
from flowengine.store.units import Report, Unit
from flowengine.store.wire import Frames, UnitPacker, unpack_report

AT_ONCE: Final = 64
"""Units that are sent without waiting for more. Of hundreds of runs, all ready at the same moment, the first ones' records are being
written while the others go on; sent together at the end, either side would wait for the other to be done with all of them.
"""
BUFFER: Final = 1_000_000
"""Bytes under way between the two, so that neither waits in the middle of a group."""
GONE: Final = "the process that writes the database has ended, or was killed; nothing that was acknowledged is lost: start the engine again"


def pays() -> bool:
    """Whether there is a processor for it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (usable or 1) > 1


class InProcess(asyncio.Protocol):
    """A channel to a process that writes a SQLite file. `start` makes one."""

    _tell: Callable[[Report], None]
    _transport: asyncio.Transport

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._loop = asyncio.get_running_loop()
        self._gone = self._loop.create_future()
        self._packer = UnitPacker()
        self._frames = Frames()
        self._units: list[Unit] = []
        self._last = Report([], None, 0, 0)
        self._closing = False

    @classmethod
    async def start(cls, file: Path, *, ballast: Path, lock: int) -> InProcess:
        """`lock` is the descriptor of the engine's lock: the process holds it, too, for as long as it may write."""
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            process = await asyncio.to_thread(_spawn, theirs.fileno(), lock, file, ballast)
        _, channel = await asyncio.get_running_loop().create_connection(lambda: cls(process), sock=ours)
        return channel

    def begin(self, tell: Callable[[Report], None]) -> None:
        self._tell = tell
        if self._gone.done():
            self.connection_lost(None)

    def put(self, unit: Unit) -> None:
        if not self._units:
            self._loop.call_soon(self._send)  # what else is put until then goes with it
        self._units.append(unit)
        if len(self._units) >= AT_ONCE:
            self._send()

    def close(self) -> None:
        self._closing = True
        if not self._gone.done():
            self._send()
            self._transport.write_eof()

    async def ended(self) -> None:
        await self._gone
        await asyncio.to_thread(self.process.wait)

    def _send(self) -> None:
        units, self._units = self._units, []
        if not units or self._gone.done():
            return
        message, refused = self._packer.pack(units)
        self._transport.write(message)
        if refused:
            self._tell(replace(self._last, ended=refused))

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            self._last = unpack_report(body)
            self._tell(self._last)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
        if not self._closing and self._last.lost is None:
            self._tell(replace(self._last, ended=(), trouble=GONE, lost=StorageUnavailable(GONE)))


def _spawn(line: int, lock: int, file: Path, ballast: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-P", "-m", "flowengine.store.writer_process", str(line), str(file), str(ballast)],
        pass_fds=(line, lock),
        stdin=subprocess.DEVNULL,
        env=environment,
    )
