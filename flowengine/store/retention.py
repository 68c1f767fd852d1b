"""Letting go of old history, by outcome and in small batches, so that nobody who writes has to wait for it.

Flow versions go when they have long been replaced and no run that is kept began with them.

Dedupe keys stay: the same key never starts a second run, however old the first one is. So does whatever an unfinished run still
needs: its calls' runs, its event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flowengine.store.codec import moment
from flowengine.store.database import Reader
from flowengine.store.ids import first_id_at
from flowengine.store.journal import Journal, Statement, Write
from flowengine.types import Disposition, Status

BATCH: Final = 200
"""Runs or events that go in one commit."""
PAUSE: Final = 0.02
"""Seconds between two batches."""

ACTIONS: Final = Statement("DELETE FROM actions WHERE run_id = ?")
MARKS: Final = Statement("DELETE FROM marks WHERE run_id = ?")
RUN: Final = Statement("DELETE FROM runs WHERE id = ? AND finished_at IS NOT NULL")
EVENT: Final = Statement(
    "DELETE FROM events WHERE id = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id)"
)

VERSION: Final = Statement(
    "DELETE FROM flow_versions WHERE flow = ? AND version = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE"
    " runs.flow = flow_versions.flow AND runs.flow_version = flow_versions.version AND runs.finished_at IS NULL)"
)

_OLD_RUNS: Final = (
    "SELECT id, event_id FROM runs WHERE flow = ? AND id > ? AND id < ? AND status = ? AND finished_at < ?"
    " AND (parent_run IS NULL OR NOT EXISTS"
    " (SELECT 1 FROM runs AS caller WHERE caller.id = runs.parent_run AND caller.finished_at IS NULL))"
    " ORDER BY id LIMIT ?"
)
_OLD_EVENTS: Final = (
    "SELECT id FROM events WHERE flow = ? AND id > ? AND id < ? AND disposition = ?"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event_id = events.id) ORDER BY id LIMIT ?"
)
_REPLACED_VERSIONS: Final = (
    "SELECT version FROM flow_versions AS old WHERE flow = ? AND EXISTS (SELECT 1 FROM flow_versions AS newer"
    " WHERE newer.flow = old.flow AND newer.saved_at > old.saved_at AND newer.saved_at < ?) ORDER BY saved_at"
)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went, or would go."""

    runs: int = 0
    events: int = 0
    versions: int = 0

    def __str__(self) -> str:
        versions = f" and {self.versions} flow versions" if self.versions else ""
        return f"{self.runs} runs and {self.events} events{versions}"

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(self.runs + other.runs, self.events + other.events, self.versions + other.versions)


class Retention:
    """Deletes finished runs, and events and flow versions that no run refers to."""

    def __init__(self, reader: Reader, journal: Journal | None) -> None:
        self._reader = reader
        self._journal = journal

    async def flows(self) -> list[str]:
        """Every flow that has history, whether or not its file is still there."""
        found: set[str] = set()
        for table in ("runs", "events", "flow_versions"):
            last = ""
            while rows := await self._reader.rows(f"SELECT MIN(flow) FROM {table} WHERE flow > ?", [last]):  # noqa: S608
                if rows[0][0] is None:
                    break
                last = str(rows[0][0])
                found.add(last)
        return sorted(found)

    async def prune(
        self, flow: str, keep: Mapping[str, timedelta], otherwise: timedelta, now: datetime, *, really: bool = True
    ) -> Pruned:
        """Delete what is older than `keep` says for its status or disposition, `otherwise` for what it does not name."""
        gone = Pruned()
        for status in (each for each in Status if each.finished):
            gone += await self._runs(flow, status, now - keep.get(status, otherwise), really=really)
        for disposition in Disposition:
            # An event that started runs is looked at through them, and goes after the last.
            age = max([otherwise, *keep.values()]) if disposition in (Disposition.STARTED, Disposition.QUEUED) else None
            before = now - (age or keep.get(disposition, otherwise))
            gone += await self._events(flow, disposition, before, really=really)
        return gone + await self._versions(flow, now - otherwise, really=really)

    async def _runs(self, flow: str, status: Status, before: datetime, *, really: bool) -> Pruned:
        gone, after, end = Pruned(), "", first_id_at(before)
        while rows := await self._reader.rows(_OLD_RUNS, [flow, after, end, str(status), moment(before), BATCH]):
            ids, after = [str(row[0]) for row in rows], str(rows[-1][0])
            events = sorted({str(row[1]) for row in rows if row[1] is not None})
            if really:
                await self._delete(ids, events)
                await asyncio.sleep(PAUSE)
            gone += Pruned(len(ids), len(events))
        return gone

    async def _delete(self, runs: list[str], events: list[str]) -> None:
        assert self._journal is not None
        writes = [Write(statement, (run_id,), run_id) for statement in (ACTIONS, MARKS, RUN) for run_id in runs]
        # One key for all: an event goes after the runs it started.
        await self._journal.commit(*(Write(each.statement, each.row, "") for each in writes), *_of_events(events))

    async def _events(self, flow: str, disposition: Disposition, before: datetime, *, really: bool) -> Pruned:
        gone, after, end = Pruned(), "", first_id_at(before)
        while rows := await self._reader.rows(_OLD_EVENTS, [flow, after, end, str(disposition), BATCH]):
            ids, after = [str(row[0]) for row in rows], str(rows[-1][0])
            if really:
                assert self._journal is not None
                await self._journal.commit(*_of_events(ids))
                await asyncio.sleep(PAUSE)
            gone += Pruned(0, len(ids))
        return gone

    async def _versions(self, flow: str, before: datetime, *, really: bool) -> Pruned:
        """Those that were replaced before then. The one in force is never replaced."""
        replaced = [str(row[0]) for row in await self._reader.rows(_REPLACED_VERSIONS, [flow, moment(before)])]
        if not replaced:
            return Pruned()
        rows = await self._reader.rows("SELECT DISTINCT flow_version FROM runs WHERE flow = ?", [flow])
        gone = sorted(set(replaced) - {str(row[0]) for row in rows})
        if really and gone:
            assert self._journal is not None
            await self._journal.commit(*(Write(VERSION, (flow, version), flow) for version in gone))
        return Pruned(versions=len(gone))


def _of_events(ids: list[str]) -> list[Write]:
    return [Write(EVENT, (event_id,), "") for event_id in ids]
