"""Whether the database is still this engine's: before a request goes out that another engine may have made already."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

FRESH: Final = 1.0
"""Seconds for which a commit is taken as proof."""
LOOKS: Final = 2
"""How often it is made sure before one request: twice, since the process may stand still just then; not without end, since a
database may be slow."""


class Tenure:
    """When this engine last had the database for certain.

    A process that is stopped for a while (SIGSTOP, a machine that is paused) loses its session at PostgreSQL and with it the
    engine's lock, and does not know it when it wakes. A SQLite file's lock is the process's: nobody takes it while it lives.
    """

    def __init__(self, *, may_be_lost: bool) -> None:
        self._fresh = FRESH if may_be_lost else float("inf")
        self._proven_at = time.monotonic()

    async def proven_by(self, commit: Awaitable[None]) -> None:
        """Await a commit. It proves the moment at which it was asked for: its answer may have lain here for long."""
        asked_at = time.monotonic()
        await commit
        self._proven_at = max(self._proven_at, asked_at)

    async def ensure(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Commit, even if there is nothing to write, unless that was done a moment ago."""
        for _ in range(LOOKS):
            if time.monotonic() - self._proven_at < self._fresh:
                return
            await settled()
