"""How a walk waits: in memory when it is short, put aside when it is long, and not at all when the process is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flowengine.interpreter.effects import Suspended
from flowengine.types import Clock

T = TypeVar("T")
PATIENCE = timedelta(seconds=5)
"""A run that waits longer leaves memory, and comes back from its records."""
DOZE = 1.0
"""Seconds between two looks at the clock in a short wait: the clock may be moved."""


class Parking:
    """The waits of one walk, and when it goes on after all of them have put it aside."""

    def __init__(self, clock: Clock) -> None:
        self.due_at: datetime | None = None
        """When a suspended walk goes on by itself; None when only an answer takes it on."""
        self.interrupted = False
        """Suspended in the middle, not at a wait: there is something to do at once when it goes on."""
        self.clock = clock
        self._left = asyncio.Event()

    @property
    def leaving(self) -> bool:
        """The process is going to end."""
        return self._left.is_set()

    def leave(self) -> None:
        self._left.set()

    async def pause(self, until: datetime) -> None:
        """Returns at that time, or raises `Suspended`."""
        while (left := until - self.clock.now()) > timedelta():
            if left > PATIENCE:
                raise self.put_aside(until)
            await self.doze(min(left.total_seconds(), DOZE))

    async def doze(self, seconds: float, came: asyncio.Event | None = None) -> None:
        """Sleep until something came; raises `Suspended` when the process is to end."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._left, came) if event is not None]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        if self.leaving:
            raise self.interrupt()

    async def unless_leaving(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of the work; raises `Suspended` and drops it when the process is to end."""
        left, doing = asyncio.ensure_future(self._left.wait()), asyncio.ensure_future(work)
        try:
            await asyncio.wait((left, doing), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise self.interrupt()
            return doing.result()
        finally:
            left.cancel()
            doing.cancel()

    def put_aside(self, due_at: datetime | None) -> Suspended:
        """What to raise at a wait that is long."""
        if due_at is not None:
            self.due(due_at)
        return Suspended()

    def interrupt(self) -> Suspended:
        """What to raise in the middle of something."""
        self.interrupted = True
        return Suspended()

    def due(self, at: datetime) -> None:
        """The walk is to go on then, or earlier."""
        self.due_at = at if self.due_at is None else min(at, self.due_at)
