"""Time limits of a run and of actions that hold others.

Like `asyncio.timeout`, but a limit that has passed strikes only work that would really do something: a second walk of the same
records gets as far as the first one did, however long ago that was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from datetime import datetime
from types import TracebackType
from typing import Any

from flowengine.errors import ActionTimedOut
from flowengine.types import Clock, Path, format_path

LOOK = 60.0
"""Seconds between two looks at the clock: limits are long, and the clock may be moved."""


class TimeLimit:
    """Cancels what is inside when something live under `path` goes on past `until`, and raises `ActionTimedOut` then."""

    def __init__(self, path: Path, until: datetime, clock: Clock, live: AbstractSet[Path]) -> None:
        self.path = path
        self.until = until
        self.struck = False
        self._clock = clock
        self._live = live
        self._task: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelling = 0

    @property
    def message(self) -> str:
        return f"the time limit of {format_path(self.path) or 'the run'} passed"

    def covers(self, path: Path) -> bool:
        return path[: len(self.path)] == self.path

    def strikes(self, path: Path) -> bool:
        """Whether live work at this path comes too late; cancels it then. A limit strikes once: `finally` parts go on."""
        if self.struck or not self.covers(path) or self._clock.now() < self.until:
            return False
        self._strike()
        return True

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._look()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        assert self._task is not None
        if self.struck and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ActionTimedOut(self.message) from None

    def _look(self) -> None:
        left = (self.until - self._clock.now()).total_seconds()
        if left <= 0 and any(self.covers(path) for path in self._live):
            self._strike()
        elif left > 0:
            self._timer = asyncio.get_running_loop().call_later(min(max(left, 0.001), LOOK), self._look)

    def _strike(self) -> None:
        if not self.struck and self._task is not None:
            self.struck = True
            self._task.cancel()
