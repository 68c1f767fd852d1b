"""An in-memory alarm clock. What is due is decided by the tables; this only wakes those who look.

APScheduler keeps no truth here: every alarm is set anew after a start, and one that rings early or late does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

Alarm = Callable[[], Awaitable[None]]


async def _ring(alarm: Alarm) -> None:
    try:
        await alarm()
    except Exception:
        log.exception("an alarm could not be followed; the next look makes up for it")


class _InTheLoop(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Follows each alarm in a task of its own.

    APScheduler's own executor for event loops tells of an alarm that the stop cuts off as of a mistake, with a traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ringing: set[asyncio.Task[None]] = set()

    def shutdown(self, wait: bool = True) -> None:  # as APScheduler calls it
        for ringing in self._ringing:
            ringing.cancel()

    def _do_submit_job(self, job: Job, _run_times: Sequence[datetime]) -> None:
        ringing = asyncio.create_task(_ring(*job.args), name=f"alarm {job.id}")
        self._ringing.add(ringing)
        ringing.add_done_callback(partial(self._rung, job.id))

    def _rung(self, key: str, ringing: asyncio.Task[None]) -> None:
        self._ringing.discard(ringing)
        self._run_job_success(key, [])


class Timer:
    """Alarms by key: one a key, the last one set counts."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            executors={"default": _InTheLoop()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Ring no more; alarms that are being followed are cut off."""
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
