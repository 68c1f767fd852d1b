"""Runs and their actions: the history that people read and the checkpoints that recovery reads are the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from flowengine.errors import NotFound
from flowengine.record import replace
from flowengine.store import action_rows, queries
from flowengine.store import search as text_search
from flowengine.store.codec import from_moment, from_text, moment, time_of, to_moment, to_text
from flowengine.store.database import Reader
from flowengine.store.ids import LENGTH, first_id_at
from flowengine.store.journal import Journal, Statement, Write
from flowengine.store.records import ActionRecord, Mark, RunRecord
from flowengine.store.seal import Seal
from flowengine.store.signals import Signals
from flowengine.store.units import Row
from flowengine.types import Json, JsonObject, Status, format_path, parse_path

COLUMNS = (
    "id, flow, flow_version, status, event_id, trigger_kind, trigger_name, created_at, trigger_body, inputs, lane_key, started_at,"
    " finished_at, due_at, error, output, recoveries, resubmitted_from, parent_run, parent_path, epoch, progress"
)
# Inside `Runs`, `list` is its method.
Rows: TypeAlias = list[Row]
Records: TypeAlias = list[RunRecord]
Actions: TypeAlias = list[ActionRecord]
Marks: TypeAlias = list[Mark]

TOGETHER = 500
"""Ids that one statement names."""
# The condition of each status, in the words of the partial index that answers it.
_STATUS_IS = {
    **{status: f"status = '{status}' AND finished_at IS NULL" for status in ("queued", "running", "waiting")},
    **{
        status: f"status = '{status}' AND status IN ('failed', 'timed_out', 'cancelled')"
        for status in ("failed", "timed_out", "cancelled")
    },
    "succeeded": "status = 'succeeded'",
    "skipped": "status = 'skipped'",
}

INSERT = Statement(queries.insert_into("runs", COLUMNS), many=queries.insert_many_into("runs", COLUMNS))
CLAIM = Statement(
    "UPDATE runs SET status = 'running', epoch = ?, recoveries = ?, progress = ?, due_at = NULL,"
    " started_at = COALESCE(started_at, ?) WHERE id = ? AND epoch <= ? AND finished_at IS NULL",
    fenced=True,
)
PARK = Statement(
    "UPDATE runs SET status = ?, due_at = ? WHERE id = ? AND epoch = ? AND finished_at IS NULL",
    fenced=True,
)
FINISH = Statement(
    "UPDATE runs SET status = ?, finished_at = ?, error = ?, output = ?, due_at = NULL"
    " WHERE id = ? AND epoch = ? AND finished_at IS NULL",
    fenced=True,
    # A run ends once: were there two rows for one, fewer runs than rows would change, as the fence demands.
    many="UPDATE runs SET status = column1, finished_at = column2, error = column3, output = column4, due_at = NULL"
    " FROM (VALUES {rows}) WHERE id = column5 AND epoch = column6 AND finished_at IS NULL",
)
# What a waiting run waits for has come: it is due at once. A run that is not waiting finds it by itself.
NUDGE = Statement("UPDATE runs SET due_at = ? WHERE id = ? AND status = 'waiting'")
MARK_FIRST = Statement(queries.insert_into("marks", "run_id, path, kind, value, made_at"))
MARK = Statement(MARK_FIRST.sql + " ON CONFLICT DO NOTHING")


def row_of(run: RunRecord) -> Row:
    parent_run, parent_path = run.parent or (None, None)
    return (
        run.id,
        run.flow,
        run.flow_version,
        str(run.status),
        run.event_id,
        run.trigger_kind,
        run.trigger_name,
        moment(run.created_at),
        to_text(run.trigger),
        to_text(run.inputs),
        run.key,
        to_moment(run.started_at),
        to_moment(run.finished_at),
        to_moment(run.due_at),
        to_text(run.error),
        to_text(run.output),
        run.recoveries,
        run.resubmitted_from,
        parent_run,
        parent_path,
        run.epoch,
        run.progress,
    )


def record_of(row: Row) -> RunRecord:
    return RunRecord(
        id=row[0],
        flow=row[1],
        flow_version=row[2],
        status=Status(row[3]),
        event_id=row[4],
        trigger_kind=row[5],
        trigger_name=row[6],
        created_at=time_of(row[7]),
        trigger=from_text(row[8]),
        inputs=from_text(row[9]) or {},
        key=row[10],
        started_at=from_moment(row[11]),
        finished_at=from_moment(row[12]),
        due_at=from_moment(row[13]),
        error=from_text(row[14]),
        output=from_text(row[15]),
        recoveries=row[16],
        resubmitted_from=row[17],
        parent=(row[18], row[19]) if row[18] else None,
        epoch=row[20],
        progress=row[21],
    )


def insertion(run: RunRecord) -> Write:
    """The write that makes a run; events are accepted together with theirs."""
    return Write(INSERT, row_of(run), run.id)


class Runs:
    """Reads runs; `claim`, `park` and `finish` give the engine's writes, fenced by the owner's epoch."""

    def __init__(self, reader: Reader, seal: Seal, journal: Journal | None, signals: Signals | None = None) -> None:
        self._reader = reader
        self._seal = seal
        self._journal = journal
        self._signals = signals
        """Where the engine is another process: it is told of the runs."""

    async def add(self, run: RunRecord, actions: Sequence[ActionRecord] = (), marks: Sequence[Mark] = ()) -> None:
        """Store a run that no event started: a `call`, a resubmission with the records of another run that it begins with."""
        assert self._journal is not None
        kept = [action_rows.put(replace(each, run_id=run.id), run.epoch, self._seal) for each in actions]
        seen = [mark(run.id, format_path(each.path), each.kind, each.value, run.created_at) for each in marks]
        told = [self._signals.writing(run.id, "new")] if self._signals else []
        await self._journal.commit(insertion(run), *kept, *seen, *told)

    async def done_again(self, run_ids: Sequence[str]) -> set[str]:
        """Those of these runs that were resubmitted."""
        found: set[str] = set()
        for start in range(0, len(run_ids), TOGETHER):
            some = run_ids[start : start + TOGETHER]
            sql = f"SELECT resubmitted_from FROM runs WHERE {queries.one_of('resubmitted_from', some)}"  # noqa: S608
            found |= {str(row[0]) for row in await self._reader.rows(sql, some)}
        return found

    async def get(self, run_id: str) -> RunRecord:
        """Raises `NotFound`."""
        found = await self.get_many([run_id])
        if not found:
            raise NotFound(f'there is no run "{run_id}"')
        return found[0]

    async def get_many(self, run_ids: Sequence[str]) -> Records:
        """Those that exist, oldest first; of none, none."""
        found: dict[str, Row] = {}
        for start in range(0, len(run_ids), TOGETHER):
            some = run_ids[start : start + TOGETHER]
            sql = f"SELECT {COLUMNS} FROM runs WHERE {queries.one_of('id', some)}"  # noqa: S608
            found |= {str(row[0]): row for row in await self._reader.rows(sql, some)}
        return [record_of(found[run_id]) for run_id in sorted(found)]

    async def find(self, reference: str) -> RunRecord:
        """By an unambiguous beginning of its id, `@last` or `@last-failed`. Raises `NotFound` and `Conflict`."""
        match reference:
            case "@last":
                found = await self.list(limit=1)
            case "@last-failed":
                found = await self.list(statuses=(Status.FAILED, Status.TIMED_OUT), limit=1)
            case _ if len(reference) == LENGTH:
                found = await self.get_many([reference.lower()])
            case _:
                return record_of(await queries.by_prefix(self._reader, COLUMNS, "runs", reference, "run"))
        if not found:
            raise NotFound(
                f'there is no run "{reference}"' if reference[:1] != "@" else f"there is no run yet for {reference}"
            )
        return found[0]

    async def list(
        self,
        flow: str | None = None,
        statuses: Sequence[Status | str] = (),
        since: datetime | None = None,
        search: str | None = None,
        limit: int = 20,
        before: str | None = None,
        *,
        flow_version: str | None = None,
    ) -> Records:
        """The newest runs that fit; `search` as in `found`. Of a `flow_version` its beginning is enough."""
        if search:
            return (await self.found(search, flow, statuses, since, limit, before, flow_version=flow_version))[0]
        where = _where(flow, since, flow_version)
        if before is not None:
            where.add("id < ?", before)
        choices = [_STATUS_IS[str(status)] for status in statuses]
        return [record_of(row) for row in await queries.page(self._reader, COLUMNS, "runs", where, limit, choices)]

    async def found(
        self,
        words: str,
        flow: str | None = None,
        statuses: Sequence[Status | str] = (),
        since: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
        *,
        flow_version: str | None = None,
        everywhere: bool = False,
    ) -> tuple[Records, int]:
        """The newest runs that hold this text, and how many do in all.

        Looked at are the trigger's body, inputs, output and error; with `everywhere` the actions' inputs and outputs, too.
        """
        where = _where(flow, since, flow_version)
        condition, values = text_search.anywhere(words, postgresql=self._reader.postgresql, everywhere=everywhere)
        where.add(condition, *values)
        choices = [_STATUS_IS[str(status)] for status in statuses]
        found = await text_search.search(self._reader, COLUMNS, where, choices, limit, before)
        return [record_of(row) for row in found.rows], found.total

    async def unfinished(self, after: str = "", limit: int = 1_000, *, before: str = "~", waiting: bool = True) -> Rows:
        """`(id, flow, version, key, status)` of unfinished runs, oldest first; without those that wait, if so wanted."""
        where = queries.Where(["finished_at IS NULL", "id > ?", "id < ?"], [after, before])
        if not waiting:
            where.add("status IN ('running', 'queued')")
        sql = f"SELECT id, flow, flow_version, lane_key, status FROM runs{where.sql()} ORDER BY id LIMIT ?"  # noqa: S608
        return await self._reader.rows(sql, [*where.values, limit])

    async def due(self, until: datetime, limit: int) -> Rows:
        """`(id, due_at)` of waiting runs that go on by then, the first due first."""
        sql = "SELECT id, due_at FROM runs WHERE finished_at IS NULL AND status = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?"
        return await self._reader.rows(sql, [moment(until), limit])

    async def called_by(self, run_id: str, path: str) -> RunRecord | None:
        """The run that this run's `call` at this path began."""
        sql = f"SELECT {COLUMNS} FROM runs WHERE parent_run = ? AND parent_path = ?"  # noqa: S608
        rows = await self._reader.rows(sql, [run_id, path])
        return record_of(rows[0]) if rows else None

    async def actions(self, run_id: str, *, reveal: bool = False) -> Actions:
        """The run's action runs in the order they began. `secure` values are struck out unless the engine asks (`reveal`)."""
        sql = f"SELECT {action_rows.COLUMNS} FROM actions WHERE run_id = ? ORDER BY number, started_at"  # noqa: S608
        unseal = self._seal.open if reveal else None
        return [action_rows.action_of(row, unseal) for row in await self._reader.rows(sql, [run_id])]

    async def marks(self, run_id: str) -> Marks:
        """What the run read and was answered, for seeing it again."""
        rows = await self._reader.rows("SELECT path, kind, value FROM marks WHERE run_id = ?", [run_id])
        return [
            Mark(run_id=run_id, path=parse_path(path), kind=kind, value=from_text(value)) for path, kind, value in rows
        ]

    async def responses(self, run_ids: Sequence[str]) -> dict[str, JsonObject]:
        """What those of these runs that have responded said: `{status, headers, body}`."""
        if not run_ids:
            return {}
        sql = f"SELECT run_id, value FROM marks WHERE {queries.one_of('run_id', run_ids)} AND kind = 'response'"  # noqa: S608
        return {run_id: from_text(value) for run_id, value in await self._reader.rows(sql, run_ids)}

    async def standing(self, newest: int) -> dict[str, tuple[str, int, int]]:
        """How the newest runs and all that are under way stand: status, actions begun, actions ended. For telling a change."""
        sql = (
            "SELECT id, status, (SELECT count(*) FROM actions WHERE run_id = runs.id),"  # noqa: S608
            " (SELECT count(finished_at) FROM actions WHERE run_id = runs.id) FROM runs WHERE id IN"
            " (SELECT id FROM runs WHERE finished_at IS NULL AND status = 'running'"
            f" UNION SELECT id FROM (SELECT id FROM runs ORDER BY id DESC LIMIT {int(newest)}) AS newest)"
        )
        return {run_id: (status, begun, ended) for run_id, status, begun, ended in await self._reader.rows(sql)}

    @staticmethod
    def claim(run: RunRecord, epoch: int, began: datetime | None) -> Write:
        """Take the run for this session; `run` carries the new counts. `began` counts for one that had not begun before."""
        row = (epoch, run.recoveries, run.progress, to_moment(began), run.id, epoch)
        return Write(CLAIM, row, run.id)

    @staticmethod
    def park(run_id: str, epoch: int, status: Status, due_at: datetime | None) -> Write:
        """Let the run wait (or queue) until then."""
        return Write(PARK, (str(status), to_moment(due_at), run_id, epoch), run_id)

    @staticmethod
    def finish(run_id: str, epoch: int, status: Status, at: datetime, error: JsonObject | None, output: Json) -> Write:
        """End the run."""
        return Write(FINISH, (str(status), moment(at), to_text(error), to_text(output), run_id, epoch), run_id)


def mark(run_id: str, path: str, kind: str, value: Json, at: datetime, *, first: bool = False) -> Write:
    """Keeps what came first at this path; a later one is ignored, or is refused as a taken key where `first` matters."""
    row = (run_id, path, kind, to_text(value), moment(at))
    return Write(MARK_FIRST if first else MARK, row, run_id)


def nudge(run_id: str, now: datetime) -> Write:
    """Make a waiting run due, in the same commit as what it waits for."""
    return Write(NUDGE, (moment(now), run_id), run_id)


def _where(flow: str | None, since: datetime | None, flow_version: str | None) -> queries.Where:
    where = queries.Where()
    if flow is not None:
        where.add("flow = ?", flow)
    if since is not None:
        where.add("id >= ?", first_id_at(since))
    if flow_version:
        where.add("substr(flow_version, 1, ?) = ?", len(flow_version), flow_version.lower())
    return where
