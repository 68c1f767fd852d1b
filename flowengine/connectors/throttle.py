"""How often a connection is called: a window for each limit, shared by all runs of the process, first come first served.

A call's slot is free again one period after its *answer*, not after its sending: however long requests travel, the service
never counts more than `calls` arrivals in any period. A service that says "not so fast" (429) pauses the whole connection.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

LONGEST_PAUSE = 3600.0
"""Seconds; a service's longer `Retry-After` is cut to this."""


class Window:
    """At most `calls` in any `period` seconds."""

    def __init__(self, calls: int, period: float) -> None:
        self.period = period
        self._untouched = max(1, calls)
        self._free_at: list[float] = []

    def opens_at(self) -> float | None:
        """When a slot is free: 0 for now, None when all are out and only an answer can bring one back."""
        if self._untouched:
            return 0.0
        return self._free_at[0] if self._free_at else None

    def take(self) -> None:
        """Take a slot that `opens_at` said is free."""
        if self._untouched:
            self._untouched -= 1
        else:
            heapq.heappop(self._free_at)

    def give_back(self, now: float) -> None:
        """A call was answered (or failed) at `now`."""
        heapq.heappush(self._free_at, now + self.period)


class Throttle:
    """One connection's windows and pause. Use it inside one event loop."""

    def __init__(self, limits: Iterable[tuple[int, float]], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._windows = [Window(calls, period) for calls, period in limits]
        self._monotonic = monotonic
        self._paused_until = 0.0
        self._changed = asyncio.Event()
        # asyncio's lock wakes waiters in the order they came: that is the fairness.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn, hold a slot while the call is out, and give it back at the end."""
        if self._windows or self._paused_until:
            async with self._turn:
                await self._wait_until_open()
                for window in self._windows:
                    window.take()
        try:
            yield
        finally:
            now = self._monotonic()
            for window in self._windows:
                window.give_back(now)
            self._changed.set()

    def pause(self, seconds: float) -> None:
        """Let no call out for so long; calls that are out are not affected."""
        self._paused_until = max(self._paused_until, self._monotonic() + min(seconds, LONGEST_PAUSE))

    async def _wait_until_open(self) -> None:
        while True:
            self._changed.clear()
            opens = [self._paused_until, *(window.opens_at() for window in self._windows)]
            if None in opens:
                await self._changed.wait()
                continue
            wait = max(moment for moment in opens if moment is not None) - self._monotonic()
            if wait <= 0:
                return
            await asyncio.sleep(wait)
