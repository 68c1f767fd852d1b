"""Up to which time each schedule is settled: every earlier one has had its run, or was passed over on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flowengine.store.codec import moment, time_of
from flowengine.store.database import Reader
from flowengine.store.journal import Journal, Statement, Write
from flowengine.store.polls import commit_with_events
from flowengine.store.records import EventRecord, RunRecord

PUT = Statement(
    "INSERT INTO schedules (flow, trigger_key, settled_at) VALUES (?, ?, ?)"
    " ON CONFLICT (flow, trigger_key) DO UPDATE SET settled_at = excluded.settled_at"
)


class Schedules:
    """One moment for each schedule of a flow."""

    def __init__(self, reader: Reader, journal: Journal | None) -> None:
        self._reader = reader
        self._journal = journal

    async def get(self, flow: str, trigger_key: str) -> datetime | None:
        """None for a schedule that was never settled."""
        sql = "SELECT settled_at FROM schedules WHERE flow = ? AND trigger_key = ?"
        rows = await self._reader.rows(sql, [flow, trigger_key])
        return time_of(rows[0][0]) if rows else None

    async def commit(
        self,
        flow: str,
        trigger_key: str,
        settled: datetime,
        found: Sequence[tuple[EventRecord, Sequence[RunRecord]]] = (),
    ) -> list[EventRecord]:
        """Move the moment on, together with the events and runs of the times that came; gives the events as stored."""
        assert self._journal is not None
        return await commit_with_events(self._journal, Write(PUT, (flow, trigger_key, moment(settled)), flow), found)
