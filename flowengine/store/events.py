"""Events: everything that happened, whether or not it started a run, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from flowengine.errors import NotFound
from flowengine.record import replace
from flowengine.store import queries, runs
from flowengine.store.codec import from_text, moment, time_of, to_text
from flowengine.store.database import Reader
from flowengine.store.ids import LENGTH, first_id_at
from flowengine.store.journal import Journal, Part, Statement, Write
from flowengine.store.records import EventRecord, RunRecord
from flowengine.store.signals import Signals
from flowengine.store.units import Row
from flowengine.types import Disposition, JsonObject

COLUMNS = "id, flow, trigger_kind, trigger_name, trigger_key, received_at, disposition, reason, dedupe_key, body, headers, source"
INSERT = Statement(queries.insert_into("events", COLUMNS), many=queries.insert_many_into("events", COLUMNS))
SEEN = Statement(queries.insert_into("dedupe_keys", "flow, trigger_key, dedupe_key, event_id, seen_at"))

# Of an event's runs, be they several, all must have ended so.
_DROP = Statement(
    "UPDATE events SET disposition = 'dropped', reason = ? WHERE id = ? AND disposition IN ('started', 'queued')"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE event_id = ? AND id <> ? AND (error IS NULL OR error <> ?))"
)
_GIVE_KEY_BACK = Statement(
    "DELETE FROM dedupe_keys WHERE event_id = ? AND (flow, trigger_key, dedupe_key) IN"
    " (SELECT flow, trigger_key, dedupe_key FROM events WHERE id = ? AND disposition = 'dropped')"
)

RunIds: TypeAlias = dict[str, list[str]]
STARTING = (Disposition.STARTED, Disposition.QUEUED)
"""Only an event that starts a run takes its key: a filtered one may come again and be judged anew."""


class Events:
    """Accepts and reads events."""

    def __init__(self, reader: Reader, journal: Journal | None, signals: Signals | None = None) -> None:
        self._reader = reader
        self._journal = journal
        self._signals = signals
        """Where the engine is another process: it is told of the runs."""

    async def accept(self, event: EventRecord, runs: Sequence[RunRecord] = ()) -> EventRecord:
        """Store the event and its runs in one commit, and give what was stored.

        An event whose key started a run before is stored as a duplicate, without runs. Raises `StorageUnavailable` when
        nothing was stored, so that the sender can be told.
        """
        assert self._journal is not None
        told = [self._signals.writing(run.id, "new") for run in runs] if self._signals else []
        taken = await self._journal.commit_parts([accepting(event, runs, told)])
        return event if taken[0] else duplicate_of(event)

    async def get(self, reference: str) -> EventRecord:
        """By id or an unambiguous beginning of it. Raises `NotFound` and `Conflict`."""
        if reference == "@last":
            found = await self.list(limit=1)
            if not found:
                raise NotFound("there is no event yet")
            return found[0]
        return record_of(await queries.by_prefix(self._reader, COLUMNS, "events", reference[:LENGTH], "event"))

    async def headers(self, event_id: str) -> dict[str, str]:
        """What came with an event beside its body; nothing when the event is gone."""
        rows = await self._reader.rows("SELECT headers FROM events WHERE id = ?", [event_id])
        return from_text(rows[0][0]) if rows else {}

    async def list(
        self,
        flow: str | None = None,
        dispositions: Sequence[Disposition | str] = (),
        since: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> list[EventRecord]:
        """The newest events that fit."""
        where = queries.Where()
        if flow is not None:
            where.add("flow = ?", flow)
        if since is not None:
            where.add("id >= ?", first_id_at(since))
        if before is not None:
            where.add("id < ?", before)
        choices = [_disposition_is(Disposition(word)) for word in dispositions]
        return [record_of(row) for row in await queries.page(self._reader, COLUMNS, "events", where, limit, choices)]

    async def run_ids(self, event_ids: Sequence[str]) -> RunIds:
        """The runs that each event started, oldest first; events without runs are there with an empty list."""
        found: RunIds = {event_id: [] for event_id in event_ids}
        if not found:
            return found
        sql = f"SELECT event_id, id FROM runs WHERE {queries.one_of('event_id', event_ids)} ORDER BY id"  # noqa: S608
        for event_id, run_id in await self._reader.rows(sql, event_ids):
            found[event_id].append(run_id)
        return found

    async def first_of(self, event: EventRecord) -> str | None:
        """The id of the event that took this event's dedupe key."""
        sql = "SELECT event_id FROM dedupe_keys WHERE flow = ? AND trigger_key = ? AND dedupe_key = ?"
        rows = await self._reader.rows(sql, [event.flow, event.trigger_key, event.dedupe_key])
        return str(rows[0][0]) if rows else None


def accepting(event: EventRecord, started: Sequence[RunRecord], told: Sequence[Write] = ()) -> Part:
    """The writes that accept an event with its runs, and what is `told` with them.

    The event alone, as a duplicate, when its key was taken before.
    """
    key = event.id
    kept = (Write(runs.INSERT, runs.row_of(run), run.id) for run in started)
    writes = [Write(INSERT, row_of(event), key), *kept, *told]
    if event.dedupe_key is None or event.disposition not in STARTING:
        return Part(writes)
    seen = (event.flow, event.trigger_key, event.dedupe_key, event.id, moment(event.received_at))
    return Part([Write(SEEN, seen, key), *writes], otherwise=[Write(INSERT, row_of(duplicate_of(event)), key)])


def dropping(event_id: str, run_id: str, error: JsonObject) -> list[Write]:
    """The event as one that started nothing, when the mode takes this run no more and took no other of its runs either.

    To be written with the run's end. As for any event that starts nothing, its key is left to the next.
    """
    told, why = to_text(error), to_text({"message": error["message"]})
    return [
        Write(_DROP, (why, event_id, event_id, run_id, told), run_id),
        Write(_GIVE_KEY_BACK, (event_id, event_id), run_id),
    ]


def duplicate_of(event: EventRecord) -> EventRecord:
    """The event as it is stored when its key was taken before."""
    return replace(event, disposition=Disposition.DUPLICATE, reason={"dedupe_key": event.dedupe_key})


def row_of(event: EventRecord) -> Row:
    return (
        event.id,
        event.flow,
        event.trigger_kind,
        event.trigger_name,
        event.trigger_key,
        moment(event.received_at),
        str(event.disposition),
        to_text(event.reason),
        event.dedupe_key,
        event.body,
        to_text(dict(event.headers)),
        event.source,
    )


def record_of(row: Row) -> EventRecord:
    return EventRecord(
        id=row[0],
        flow=row[1],
        trigger_kind=row[2],
        trigger_name=row[3],
        trigger_key=row[4],
        received_at=time_of(row[5]),
        disposition=Disposition(row[6]),
        reason=from_text(row[7]),
        dedupe_key=row[8],
        body=bytes(row[9]),
        headers=from_text(row[10]) or {},
        source=row[11],
    )


def _disposition_is(disposition: Disposition) -> str:
    """In the words of the partial index over events that started nothing."""
    not_started = "" if disposition is Disposition.STARTED else " AND disposition <> 'started'"
    return f"disposition = '{disposition}'{not_started}"
