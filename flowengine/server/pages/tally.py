"""How many runs ended how, by day: counted beside the requests, so that no page waits for a million rows.

A day that was counted is kept for a while that grows with what the counting cost. What is shown may be a few seconds old, and
says nothing of a day that has not been counted yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from flowengine.store import Store
from flowengine.store.heads import Count, Heads
from flowengine.types import Clock, Status

PATIENCE: Final = 0.08
"""Seconds that a page waits for fresh numbers."""
FRESH: Final = 3.0
FRESH_PAST: Final = 60.0
"""Seconds for which today's and earlier days' numbers are fresh; longer when counting took long."""
SHARE: Final = 50
"""Counting may take this part of the time at most: one fiftieth."""

Counts: TypeAlias = Mapping[tuple[str, Status], int]


@dataclass(slots=True)
class _Day:
    counts: Counts = field(default_factory=dict)
    stale_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Day:
    """One day's numbers; None for one that is not counted yet."""

    date: date
    counts: Counts | None

    def of(self, statuses: frozenset[Status], flow: str | None = None) -> int:
        """How many runs have one of these statuses."""
        found = (self.counts or {}).items()
        return sum(runs for (of, status), runs in found if status in statuses and flow in (None, of))


class Tally:
    """Counts runs by day, flow and status."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._heads = Heads(store.reader)
        self._clock = clock
        self._known: dict[date, _Day] = {}
        self._counting: asyncio.Task[None] | None = None

    async def days(self, number: int = 28) -> list[Day]:
        """The last days in this machine's zone, today last."""
        today = self._clock.now().astimezone().date()
        wanted = [today - timedelta(days=back) for back in range(number)]
        if any(self._stale(day) for day in wanted) and (self._counting is None or self._counting.done()):
            self._counting = asyncio.create_task(self._count(wanted), name="count runs")
        if self._counting and not self._counting.done():
            await asyncio.wait([self._counting], timeout=PATIENCE)
        return [Day(day, self._known[day].counts if day in self._known else None) for day in reversed(wanted)]

    def _stale(self, day: date) -> bool:
        return day not in self._known or self._known[day].stale_at <= time.monotonic()

    async def _count(self, days: list[date]) -> None:
        first = await self._heads.first_at()
        oldest = first.astimezone().date() if first else days[0]
        for day in days:
            if day < oldest:
                self._known[day] = _Day({}, time.monotonic() + FRESH_PAST)
            elif self._stale(day):
                await self._count_day(day, today=day == days[0])
        for gone in self._known.keys() - set(days):
            del self._known[gone]

    async def _count_day(self, day: date, *, today: bool) -> None:
        begun = time.monotonic()
        found = await self._heads.counts(_midnight(day), _midnight(day + timedelta(days=1)))
        now = time.monotonic()
        kept = max(FRESH if today else FRESH_PAST, SHARE * (now - begun))
        self._known[day] = _Day(_by_flow(found), now + kept)


def _by_flow(found: list[Count]) -> Counts:
    return {(count.flow, count.status): count.runs for count in found}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone()
