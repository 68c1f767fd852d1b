"""How far each poll has come. The state and the runs of what it found are one commit: nothing is met twice or missed."""

from __future__ import annotations

from collections.abc import Sequence

from flowengine.store.codec import from_text, moment, to_text
from flowengine.store.database import Reader
from flowengine.store.events import accepting, duplicate_of
from flowengine.store.journal import Journal, Part, Statement, Write
from flowengine.store.records import EventRecord, PollState, RunRecord
from flowengine.types import Clock

PUT = Statement(
    "INSERT INTO polls (flow, trigger_key, cursor_value, seen, polled_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (flow, trigger_key) DO UPDATE SET cursor_value = excluded.cursor_value, seen = excluded.seen,"
    " polled_at = excluded.polled_at"
)


class Polls:
    """One state for each polling trigger of a flow."""

    def __init__(self, reader: Reader, journal: Journal | None, clock: Clock) -> None:
        self._reader = reader
        self._journal = journal
        self._clock = clock

    async def get(self, flow: str, trigger_key: str) -> PollState | None:
        """None before the first poll."""
        sql = "SELECT cursor_value, seen FROM polls WHERE flow = ? AND trigger_key = ?"
        rows = await self._reader.rows(sql, [flow, trigger_key])
        return PollState(from_text(rows[0][0]), frozenset(from_text(rows[0][1]))) if rows else None

    async def commit(
        self, flow: str, trigger_key: str, state: PollState, found: Sequence[tuple[EventRecord, Sequence[RunRecord]]]
    ) -> list[EventRecord]:
        """Store the new state with the events and runs of the items that were found; gives the events as stored."""
        assert self._journal is not None
        row = (flow, trigger_key, to_text(state.cursor), to_text(sorted(state.seen)), moment(self._clock.now()))
        return await commit_with_events(self._journal, Write(PUT, row, flow), found)


async def commit_with_events(
    journal: Journal, write: Write, found: Sequence[tuple[EventRecord, Sequence[RunRecord]]]
) -> list[EventRecord]:
    """One commit of a trigger's new state and of what it brought; gives the events as stored."""
    taken = await journal.commit_parts([Part([write]), *(accepting(event, runs) for event, runs in found)])
    return [event if fresh else duplicate_of(event) for (event, _), fresh in zip(found, taken[1:], strict=True)]
