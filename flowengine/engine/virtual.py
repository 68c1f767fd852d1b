"""A clock that stands still until everything waits, and then jumps to the first thing that is waited for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

_QUIET = 0.005
"""Seconds without any stirring after which everything that goes on at once is taken to wait."""


class VirtualClock:
    """Time for rehearsals. With `alone` only one thing waits at a time, and every jump is made at once."""

    def __init__(self, now: datetime, *, alone: bool) -> None:
        self._now = now
        self._alone = alone
        self._sleepers: list[datetime] = []
        self._stirred = 0

    def now(self) -> datetime:
        return self._now

    def stir(self) -> None:
        """Something went on."""
        self._stirred += 1

    def after(self, seconds: float) -> datetime:
        """The moment so many seconds from now."""
        return self._now + timedelta(seconds=seconds)

    async def pass_to(self, moment: datetime) -> None:
        """Returns when it is that time: at once, unless something else comes first."""
        moment = min(moment, datetime.max.replace(tzinfo=UTC))
        self._sleepers.append(moment)
        try:
            while self._now < moment:
                seen = self._stirred
                await asyncio.sleep(0 if self._alone else _QUIET)
                if seen == self._stirred and moment == min(self._sleepers):
                    self._now = max(self._now, moment)
        finally:
            self._sleepers.remove(moment)
            self.stir()
