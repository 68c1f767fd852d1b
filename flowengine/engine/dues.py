"""Waiting runs by the time they go on: only those of the next seconds are in memory, the others in the database's index."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

from flowengine.store.codec import time_of
from flowengine.store.runs import Runs

AHEAD = timedelta(seconds=30)
AT_ONCE = 5_000


class Dues:
    """Asks the store now and then, and knows what is due in between."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._heap: list[tuple[datetime, str]] = []
        self._known_until: datetime | None = None

    def add(self, due_at: datetime, run_id: str) -> None:
        """A run has been put aside until then."""
        if self._known_until is not None and due_at <= self._known_until:
            heapq.heappush(self._heap, (due_at, run_id))

    async def take(self, now: datetime) -> list[str]:
        """The runs that are due, the first due first. A run may be given more than once."""
        if self._known_until is None or now >= self._known_until - AHEAD / 2:
            await self._look_ahead(now)
        found = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heapq.heappop(self._heap)[1])
        return found

    async def _look_ahead(self, now: datetime) -> None:
        rows = await self._runs.due(now + AHEAD, AT_ONCE)
        times = [(time_of(due), run_id) for run_id, due in rows]
        self._known_until = times[-1][0] if len(times) == AT_ONCE else now + AHEAD
        # What was added while the store was asked must not be lost.
        self._heap = sorted({*self._heap, *times})
