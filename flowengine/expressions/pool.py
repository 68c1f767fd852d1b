"""The few child processes that render templates under limits, seen from the engine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path as FilePath

from flowengine.errors import ExpressionError
from flowengine.expressions import wire
from flowengine.findings import Span
from flowengine.processes import command, import_path
from flowengine.types import Json, JsonObject, Path

log = logging.getLogger(__name__)

SIZE = 3
TRIES = 3
"""How many children are asked the same, or started for one place. Templates have no effects: what a child computed that was
killed from outside, by the kernel for want of memory for one, may be computed by another."""
OUT_OF_MEMORY = frozenset({wire.OUT_OF_MEMORY, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT})
"""What a child ends with for want of memory. Compiled libraries that get none crash."""
START_AGAIN = 0.2
"""Seconds before a child is started once more: what the system was short of may be there again."""
STARTUP_SECONDS = 30.0
STARVED_SECONDS = 5.0
"""How long a child that gets no processor time is waited for: a busy machine is not the template's fault."""
WORKED = 0.25
"""The share of the time limit that a child must have computed for its template to be at fault."""


class Pool:
    """Children are started when needed and kept; one that exceeds a limit is ended, and its place taken by another.

    A template that runs away holds one child until the limit; the others go on.
    """

    def __init__(self, *, seconds: float, memory: int, size: int = SIZE) -> None:
        self._seconds = seconds
        self._memory = memory
        self._places = asyncio.Semaphore(size)
        self._size = size
        self._idle: list[_Child] = []
        self._warming: set[asyncio.Task[None]] = set()
        self._closed = False

    async def render(
        self, templates: list[tuple[str, Path]], scope: JsonObject, *, lenient: bool = False
    ) -> list[Json]:
        """What each template comes to. Raises `ExpressionError` for the first that fails or for a limit that is reached."""
        request = wire.pack({"templates": templates, "scope": scope, "lenient": lenient})
        async with self._places:
            reply = await self._ask(request, templates)
        if "error" in reply:
            raise _error(reply["error"])
        values: list[Json] = reply["values"]
        return values

    async def close(self) -> None:
        """End all children."""
        self._closed = True
        for warming in self._warming:
            warming.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        while self._idle:
            self._idle.pop().end()

    async def _ask(self, request: bytes, templates: list[tuple[str, Path]]) -> JsonObject:
        how = ""
        for tries in range(1, TRIES + 1):
            child = self._idle_child() or await _start(self._memory)
            try:
                return await self._ask_one(child, request, templates)
            except (OSError, EOFError):
                how = child.how_it_ended()
                log.warning("a process that renders templates %s at its work, try %d of %d", how, tries, TRIES)
        message = f"the process that renders templates {how} {TRIES} times while it computed this"
        raise _breach(f"{message}: it may need too much memory", templates)

    def _idle_child(self) -> _Child | None:
        while self._idle:
            child = self._idle.pop()
            if child.process.poll() is None:
                return child
            child.end()
        return None

    async def _ask_one(self, child: _Child, request: bytes, templates: list[tuple[str, Path]]) -> JsonObject:
        """Raises `ExpressionError` when a limit was reached, and `OSError` or `EOFError` when the child died of anything else."""
        try:
            reply = await child.ask(request, self._seconds)
        except BaseException as error:
            child.end()
            self._replace()
            if isinstance(error, TimeoutError):
                raise _breach(f"the template took longer than {self._seconds:g} s", templates) from None
            if child.process.returncode in OUT_OF_MEMORY:
                raise _breach("the template needs too much memory", templates) from None
            raise
        self._rest(child)
        return reply

    def _rest(self, child: _Child) -> None:
        if self._closed or len(self._idle) >= self._size:
            child.end()
        else:
            self._idle.append(child)

    def _replace(self) -> None:
        """Start another child ahead of need: the next template should not wait for it."""
        if not self._closed and not self._idle and not self._warming:
            warming = asyncio.create_task(self._warm())
            self._warming.add(warming)
            warming.add_done_callback(self._warming.discard)

    async def _warm(self) -> None:
        with suppress(ExpressionError):  # whoever needs a child is told
            self._rest(await _start(self._memory))


class _Child:
    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self.reader = reader
        self.writer = writer
        self.computed = 0.0
        """Seconds of processor time that the child had used when it last replied."""
        self.late = False

    async def ask(self, request: bytes, seconds: float) -> JsonObject:
        """One request and its reply. Raises `TimeoutError`, or `OSError`/`EOFError` when the child died."""
        self.writer.write(request)
        watch = _Watch(self, seconds)
        try:
            return await self.receive()
        except (OSError, EOFError):
            if self.late:
                raise TimeoutError from None
            raise
        finally:
            watch.end()

    async def receive(self) -> JsonObject:
        head = await self.reader.readexactly(wire.LENGTH)
        message: JsonObject = wire.unpack(await self.reader.readexactly(int.from_bytes(head, "big")))
        self.computed = message["computed"]
        return message

    def end(self) -> None:
        self.writer.close()
        self.process.kill()
        self.process.wait()

    def how_it_ended(self) -> str:
        """For messages: `was killed`, `ended`."""
        return "was killed" if (self.process.returncode or 0) < 0 else "ended"

    def computing(self) -> float:
        """Seconds of processor time since the last reply; endless where the system does not say."""
        try:
            fields = FilePath(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return float("inf")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") - self.computed


class _Watch:
    """Ends a child that is at work for too long: the broken line then tells whoever waits."""

    def __init__(self, child: _Child, seconds: float) -> None:
        self.child = child
        self.seconds = seconds
        self.waited = seconds
        self.timer = asyncio.get_running_loop().call_later(seconds, self.look)

    def look(self) -> None:
        if self.child.computing() >= self.seconds * WORKED or self.waited >= max(self.seconds, STARVED_SECONDS):
            self.child.late = True
            self.child.process.kill()
            return
        self.waited += self.seconds / 10
        self.timer = asyncio.get_running_loop().call_later(self.seconds / 10, self.look)

    def end(self) -> None:
        self.timer.cancel()


async def _start(memory: int) -> _Child:
    """Raises `ExpressionError` when none can be started."""
    tries = 0
    while True:
        tries += 1
        try:
            return await _start_one(memory)
        except (OSError, EOFError) as error:
            # Nobody waits for several children that take their whole time.
            if isinstance(error, TimeoutError) or tries == TRIES:
                raise ExpressionError("the process that renders templates could not be started") from error
        await asyncio.sleep(START_AGAIN)


async def _start_one(memory: int) -> _Child:
    """Raises `OSError` or `EOFError`; `TimeoutError` for a child that does not get ready."""
    ours, theirs = socket.socketpair()
    with ExitStack() as stack:
        stack.callback(ours.close)
        with theirs:
            # Here and not in a thread: who is cancelled while a thread starts a process never gets to know it. It takes a few ms.
            process = _spawn(theirs.fileno(), memory)
        stack.callback(process.wait)
        stack.callback(process.kill)
        reader, writer = await asyncio.open_connection(sock=ours)
        stack.pop_all()
    child = _Child(process, reader, writer)
    try:
        async with asyncio.timeout(STARTUP_SECONDS):
            await child.receive()
    except BaseException:
        child.end()
        raise
    return child


def _spawn(descriptor: int, memory: int) -> subprocess.Popen[bytes]:
    # no variables but the path: the environment may hold secrets
    environment = {"PYTHONPATH": import_path(), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(  # noqa: S603  our own interpreter and module
        command("flowengine.expressions.child", descriptor, memory),
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        process_group=0,  # a terminal's Ctrl-C is meant for the engine
        env=environment,
    )


def _error(told: JsonObject) -> ExpressionError:
    error = ExpressionError(told["message"], template=told.get("template") or "")
    error.at = tuple(told["at"])
    error.span = Span(*told["span"]) if told.get("span") else None
    return error


def _breach(message: str, templates: list[tuple[str, Path]]) -> ExpressionError:
    text, at = templates[0]
    error = ExpressionError(message, template=text)
    error.at = at
    return error
