"""Rate limits: so many calls in any stretch of so many seconds, for each credential."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`calls` in any `period` (seconds)."""

    calls: int
    period: float


class Window:
    """Counts calls in a sliding window. `moment` gives seconds from any fixed point."""

    def __init__(self, limit: Limit | None, moment: Callable[[], float]) -> None:
        self.limit = limit
        self._moment = moment
        self._passed: defaultdict[str, deque[float]] = defaultdict(deque)

    def take(self, who: str) -> int | None:
        """Count one call by `who`; when it is one too many, it is not counted and the seconds to wait are given."""
        if self.limit is None:
            return None
        now, passed = self._moment(), self._passed[who]
        while passed and passed[0] <= now - self.limit.period:
            passed.popleft()
        if len(passed) < self.limit.calls:
            passed.append(now)
            return None
        oldest = passed[0] if passed else now
        return max(1, math.ceil(oldest + self.limit.period - now))

    def clear(self) -> None:
        """Forget every call."""
        self._passed.clear()
