"""The loop of group commits in a process of its own, for an engine on SQLite with more than one processor.

A thread that writes needs the interpreter's lock for every statement, and a busy event loop lets go of it every five
milliseconds: the two took turns, though there were processors for both.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, cast

from flowengine.errors import ConfigurationError, DatabaseUnusable, StorageUnavailable
from flowengine.processes import command, import_path
from flowengine.record import replace
from flowengine.store.units import Report, Unit
from flowengine.store.wire import Frames, UnitPacker, unpack_report

log = logging.getLogger(__name__)

AT_ONCE: Final = 64
"""Units that are sent without waiting for more. Of hundreds of runs, all ready at the same moment, the first ones' records are being
written while the others go on; sent together at the end, either side would wait for the other to be done with all of them.
"""
BUFFER: Final = 1_000_000
"""Bytes under way between the two, so that neither waits in the middle of a group."""
LOOK = 5.0
SILENT_AFTER = 20.0
"""Seconds without a word while something is to be written: twice as long as SQLite waits for another program."""
GONE: Final = "the process that writes the database has ended, or was killed; nothing that was acknowledged is lost: start the engine again"
SILENT: Final = "the process that writes the database does not answer: it was stopped, or the disk hangs"
_ENGINES_OWN: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""What a terminal or a supervisor says to all processes is meant for the engine, which ends this one by closing the line."""


def pays() -> bool:
    """Whether there is a processor for it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (usable or 1) > 1


class InProcess(asyncio.Protocol):
    """A channel to a process that writes a SQLite file. `start` makes one."""

    _transport: asyncio.Transport

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._loop = asyncio.get_running_loop()
        self._began: asyncio.Future[Report] = self._loop.create_future()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._tell: Callable[[Report], None] | None = None
        self._packer = UnitPacker()
        self._frames = Frames()
        self._units: list[Unit] = []
        self._sent = 0
        self._heard_at = time.monotonic()
        self._silences = 0
        self._silent = False
        self._last = Report([], None, 0, 0)
        self._closing = False
        self._watch = self._loop.call_later(LOOK, self._look)

    @classmethod
    async def start(cls, file: Path, *, ballast: Path, lock: int) -> InProcess:
        """Returns when the process can write. Raises `ConfigurationError`.

        `lock` is the descriptor of the engine's lock: the process holds it, too, for as long as it may write.
        """
        ours, theirs = socket.socketpair()
        with ExitStack() as stack:
            stack.callback(ours.close)
            with theirs:
                for end in (ours, theirs):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
                process = _spawn(theirs.fileno(), lock, file, ballast)
            stack.callback(process.wait)
            stack.callback(process.kill)
            _, channel = await asyncio.get_running_loop().create_connection(lambda: cls(process), sock=ours)
            stack.callback(channel.abandon)
            began = await channel.began()
            if began.lost is not None:
                raise DatabaseUnusable(f"{file} cannot be written: {began.lost.message}")
            stack.pop_all()
        return channel

    async def began(self) -> Report:
        """The first word of the process. Raises `ConfigurationError` when it ends without one."""
        return await self._began

    def begin(self, tell: Callable[[Report], None]) -> None:
        self._tell = tell

    def put(self, unit: Unit) -> None:
        if self._silent and not unit.patient:
            raise StorageUnavailable(SILENT)
        if not self._units:
            self._loop.call_soon(self._send)  # what else is put until then goes with it
        self._units.append(unit)
        if len(self._units) >= AT_ONCE:
            self._send()

    def close(self) -> None:
        self._closing = True
        self._heard_at = time.monotonic()
        if not self._gone.done():
            self._send()
            self._transport.write_eof()

    def abandon(self) -> None:
        """End without waiting for anything."""
        self._closing = True
        self._watch.cancel()
        self._transport.abort()

    async def ended(self) -> None:
        await self._gone
        code = await asyncio.to_thread(self.process.wait)
        if code and self._closing:  # else it has been told
            log.error("%s", GONE)

    def _send(self) -> None:
        units, self._units = self._units, []
        if not units or self._gone.done():
            return
        message, refused = self._packer.pack(units)
        if self._sent == self._last.seen:
            self._heard_at = time.monotonic()
        self._sent += len(units) - len(refused)
        self._transport.write(message)
        if refused:
            self._say(replace(self._last, ended=refused))

    def _look(self) -> None:
        """Whether the process is still at work, though there is something to do."""
        self._watch = self._loop.call_later(LOOK, self._look)
        owes = self._closing or self._sent != self._last.seen or self._last.trouble is not None
        if not owes or time.monotonic() - self._heard_at < SILENT_AFTER:
            return
        if self._closing:
            self.process.kill()
        elif not self._silent:
            self._silent = True
            self._say(replace(self._last, ended=(), trouble=SILENT))

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        self._silences += self._silent
        self._silent = False
        for body in self._frames.feed(data):
            report = unpack_report(body)
            self._last = replace(report, returns=report.returns + self._silences)
            if self._began.done():
                self._say(self._last)
            else:
                self._began.set_result(self._last)

    def connection_lost(self, error: Exception | None) -> None:
        self._watch.cancel()
        if not self._gone.done():
            self._gone.set_result(None)
        if not self._began.done():
            self._began.set_exception(ConfigurationError("the process that writes the database could not begin"))
        if not self._closing and self._last.lost is None:
            self._say(replace(self._last, ended=(), trouble=GONE, lost=StorageUnavailable(GONE)))

    def _say(self, report: Report) -> None:
        if self._tell is not None:
            self._tell(report)


def _spawn(line: int, lock: int, file: Path, ballast: Path) -> subprocess.Popen[bytes]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENGINES_OWN)  # which a new process inherits
    try:
        return subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command("flowengine.store.writer_process", line, file, ballast),
            pass_fds=(line, lock),
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": import_path()},
        )
    except OSError as error:
        raise ConfigurationError(f"the process that writes the database cannot be started: {error}") from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
