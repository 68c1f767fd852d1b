"""An in-memory alarm clock. What is due is decided by the tables; this only wakes those who look.

APScheduler keeps no truth here: every alarm is set anew after a start, and one that rings early or late does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

Alarm = Callable[[], Awaitable[None]]


async def _ring(alarm: Alarm) -> None:
    # A coroutine function by its own name: APScheduler would run anything else, a lambda too, in a thread.
    try:
        await alarm()
    except Exception:
        log.exception("an alarm could not be followed; the next look makes up for it")


class Timer:
    """Alarms by key: one a key, the last one set counts."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def at(self, key: str, moment: datetime, alarm: Alarm) -> None:
        """Ring at this moment, or at once when it has passed."""
        self._scheduler.add_job(_ring, "date", [alarm], run_date=moment, id=key, replace_existing=True)

    def every(self, key: str, period: timedelta, alarm: Alarm) -> None:
        """Ring again and again."""
        seconds = period.total_seconds()
        self._scheduler.add_job(_ring, "interval", [alarm], seconds=seconds, id=key, replace_existing=True)

    def cancel(self, key: str) -> None:
        """Forget an alarm; one that is not set is no mistake."""
        try:
            self._scheduler.remove_job(key)
        except JobLookupError:
            return

    def alarms(self) -> set[str]:
        """What alarms are set."""
        return {job.id for job in self._scheduler.get_jobs()}
