"""The one writer, as the event loop sees it: what everybody wants written is committed in groups, in the order they asked.

A commit that reaches the disk costs the same for one row as for a thousand, so whatever arrives while one is under way goes
into the next. Because there is one order, a commit implies everything appended before it: what only has to be on record
(`append`) need not be awaited, and what must be durable before the world goes on (`commit`) is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

from flowengine.errors import FlowEngineError, StorageUnavailable
from flowengine.store.units import Fenced, Part, Report, Statement, Unit, Write

__all__ = ["Fenced", "Journal", "Part", "Statement", "Write"]

log = logging.getLogger(__name__)


class Channel(Protocol):
    """The way to the loop of group commits: in a thread (`in_thread`) or in a process of its own (`in_process`)."""

    def begin(self, tell: Callable[[Report], None]) -> None:
        """From now on reports go to `tell`, in the event loop."""
        ...

    def put(self, unit: Unit) -> None: ...
    def close(self) -> None:
        """Nothing more will be put."""
        ...

    async def ended(self) -> None:
        """Returns after the last report."""
        ...


class Journal:
    """The writer's face in the event loop. Make it there; `close` writes what is left."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Sequence[bool]]] = {}
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self.trouble: str | None = None
        """Why nothing can be written at present, in words; None when all is well."""
        self.commits = 0
        self.returns = 0
        """How often the database came back after a trouble: what failed meanwhile may be tried again."""
        self.lost: asyncio.Future[FlowEngineError] = self._loop.create_future()
        """Done when this process may write no more, whatever it does. The error says why."""
        channel.begin(self._hear)

    def append(self, *writes: Write) -> None:
        """Write this after everything asked before, without waiting for it."""
        self._put(Unit((Part(writes),)))

    async def commit(self, *writes: Write) -> None:
        """Write this and return when it is on disk. Raises `Fenced` when the run has another owner."""
        await self.commit_parts((Part(writes),), patient=True)

    async def commit_parts(self, parts: Sequence[Part], *, patient: bool = False) -> Sequence[bool]:
        """Write the parts whole and give for each whether its own writes were taken.

        A unit that is not `patient` raises `StorageUnavailable` when the database cannot be written now, so that a sender
        can be told to come again.
        """
        number = next(self._numbers)
        self._put(Unit(parts, number, patient))
        future: asyncio.Future[Sequence[bool]] = self._loop.create_future()
        self._waiting[number] = future
        return await future

    async def settled(self) -> None:
        """Returns when everything appended so far is on disk."""
        await self.commit_parts((), patient=True)

    async def close(self) -> None:
        """Write what is left and end the writer."""
        if not self._closing:
            self._closing = True
            self._channel.close()
        await self._channel.ended()
        self._fail_rest()

    def _put(self, unit: Unit) -> None:
        if self._closing:
            raise StorageUnavailable("the database is closed")
        self._channel.put(unit)

    def _hear(self, report: Report) -> None:
        self._note(report)
        for ended in report.ended:
            future = self._waiting.pop(ended.number, None)
            if future is None:
                if ended.error is not None and not isinstance(ended.error, Fenced):
                    log.error("a record could not be written: %s", ended.error)
            elif future.done():  # whoever waited was cancelled
                continue
            elif ended.error is None:
                future.set_result(ended.taken)
            else:
                future.set_exception(ended.error)
        if report.lost is not None:
            self._lose(report.lost)

    def _note(self, report: Report) -> None:
        """Once a trouble, not once a try."""
        if report.trouble not in (None, self.trouble):
            log.error("the database cannot be written: %s", report.trouble)
        if report.returns != self.returns:
            log.info("the database can be written again")
        self.trouble, self.commits, self.returns = report.trouble, report.commits, report.returns

    def _lose(self, error: FlowEngineError) -> None:
        self._closing = True
        if not self.lost.done():
            if error.message != self.trouble:
                log.error("nothing more is written: %s", error)
            self.lost.set_result(error)
        self._fail_rest()

    def _fail_rest(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(StorageUnavailable("the database is closed"))
