"""Runs and actions without what they carried: for pages that show many at once.

A run's payload may be a megabyte; a strip of its flow's last results needs its status. Everything here reads by an index and
in bounded portions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flowengine.store import action_rows
from flowengine.store.codec import from_moment, from_text, time_of
from flowengine.store.database import Reader
from flowengine.store.ids import first_id_at
from flowengine.store.records import ActionRecord
from flowengine.store.units import Row
from flowengine.types import JsonObject, Path, Status, format_path, parse_path

RUN: Final = "id, flow, status, trigger_name, created_at, started_at, finished_at, error"
ACTION: Final = "path, number, name, kind, status, started_at, finished_at, skipped_because, error"


_TOGETHER: Final = 100
"""Flows whose runs are read by one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """What a list says of a run."""

    id: str
    flow: str
    status: Status
    trigger_name: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionHead:
    """What the picture of a run says of an action."""

    path: Path
    number: int
    name: str
    kind: str
    status: Status
    started_at: datetime
    finished_at: datetime | None = None
    skipped_because: str | None = None
    message: str = ""
    """Of its error; nothing of what is `secure`."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many runs of a flow stand at a status."""

    flow: str
    status: Status
    runs: int


class Heads:
    """Reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def recent(self, flow: str, limit: int = 20) -> list[RunHead]:
        """The flow's newest runs, newest first."""
        sql = f"SELECT {RUN} FROM runs WHERE flow = ? ORDER BY id DESC LIMIT ?"  # noqa: S608  # this module's own texts
        return [_run_of(row) for row in await self._reader.rows(sql, [flow, limit])]

    async def strips(self, flows: Sequence[str], limit: int = 20) -> dict[str, list[RunHead]]:
        """The newest runs of each of these flows, newest first."""
        found: dict[str, list[RunHead]] = {flow: [] for flow in flows}
        one = f"SELECT * FROM (SELECT {RUN} FROM runs WHERE flow = ? ORDER BY id DESC LIMIT ?) AS newest"  # noqa: S608
        for start in range(0, len(flows), _TOGETHER):
            some = flows[start : start + _TOGETHER]
            values = [value for flow in some for value in (flow, limit)]
            for row in await self._reader.rows(" UNION ALL ".join([one] * len(some)), values):
                found[row[1]].append(_run_of(row))
        return {flow: sorted(runs, key=lambda run: run.id, reverse=True) for flow, runs in found.items()}

    async def broken(self, limit: int = 100) -> list[RunHead]:
        """The newest runs that failed or timed out."""
        sql = f"SELECT {RUN} FROM runs WHERE status = ? AND status IN ('failed', 'timed_out', 'cancelled') ORDER BY id DESC LIMIT ?"  # noqa: S608
        found = [row for status in ("failed", "timed_out") for row in await self._reader.rows(sql, [status, limit])]
        return sorted(map(_run_of, found), key=lambda run: run.id, reverse=True)[:limit]

    async def going(self, limit: int = 20) -> list[RunHead]:
        """Unfinished runs, oldest first."""
        sql = (
            f"SELECT {RUN} FROM runs WHERE finished_at IS NULL AND status IN ('running', 'queued') ORDER BY id LIMIT ?"  # noqa: S608
        )
        return [_run_of(row) for row in await self._reader.rows(sql, [limit])]

    async def beside(self, flow: str, run_id: str) -> tuple[str | None, str | None]:
        """The ids of the flow's run before this one and of the one after it."""
        older = await self._reader.rows(
            "SELECT id FROM runs WHERE flow = ? AND id < ? ORDER BY id DESC LIMIT 1", [flow, run_id]
        )
        newer = await self._reader.rows(
            "SELECT id FROM runs WHERE flow = ? AND id > ? ORDER BY id LIMIT 1", [flow, run_id]
        )
        return (older[0][0] if older else None, newer[0][0] if newer else None)

    async def begun_again(self, run_id: str, limit: int = 5) -> list[RunHead]:
        """Runs that were made by doing this one again, oldest first."""
        sql = f"SELECT {RUN} FROM runs WHERE resubmitted_from = ? ORDER BY id LIMIT ?"  # noqa: S608
        return [_run_of(row) for row in await self._reader.rows(sql, [run_id, limit])]

    async def counts(self, since: datetime, until: datetime) -> list[Count]:
        """How many runs were made from `since` to before `until`, by flow and status. Reads all of them: ask for little."""
        sql = "SELECT flow, status, COUNT(*) FROM runs WHERE id >= ? AND id < ? GROUP BY flow, status"
        rows = await self._reader.rows(sql, [first_id_at(since), first_id_at(until)])
        return [Count(flow, Status(status), int(number)) for flow, status, number in rows]

    async def first_at(self) -> datetime | None:
        """When the oldest run that is kept was made."""
        rows = await self._reader.rows("SELECT created_at FROM runs ORDER BY id LIMIT 1")
        return time_of(rows[0][0]) if rows else None

    async def actions(self, run_id: str, limit: int) -> list[ActionHead]:
        """The run's action runs in the order they began, at most so many."""
        sql = f"SELECT {ACTION} FROM actions WHERE run_id = ? ORDER BY number, started_at LIMIT ?"  # noqa: S608
        return [_action_of(row) for row in await self._reader.rows(sql, [run_id, limit])]

    async def passages(self, run_id: str, limit: int) -> list[tuple[Path, Status, str | None]]:
        """Where the run's actions were, how they stand and why they were skipped: for counting more than are shown."""
        sql = "SELECT path, status, skipped_because FROM actions WHERE run_id = ? ORDER BY number LIMIT ?"
        rows = await self._reader.rows(sql, [run_id, limit])
        return [(parse_path(path), Status(status), because) for path, status, because in rows]

    async def below(self, run_id: str, path: Path, limit: int) -> list[ActionHead]:
        """The action runs inside `path`, such as one iteration of a loop."""
        start = format_path(path) + "/"
        sql = f"SELECT {ACTION} FROM actions WHERE run_id = ? AND substr(path, 1, ?) = ? ORDER BY number LIMIT ?"  # noqa: S608
        return [_action_of(row) for row in await self._reader.rows(sql, [run_id, len(start), start, limit])]

    async def action(self, run_id: str, path: Path) -> ActionRecord | None:
        """One action run in full, `secure` values struck out."""
        sql = f"SELECT {action_rows.COLUMNS} FROM actions WHERE run_id = ? AND path = ?"  # noqa: S608
        rows = await self._reader.rows(sql, [run_id, format_path(path)])
        return action_rows.action_of(rows[0]) if rows else None

    async def said(self, run_id: str, limit: int) -> dict[Path, str]:
        """What the run's `log` actions said."""
        sql = "SELECT path, outputs, inputs FROM actions WHERE run_id = ? AND kind = 'log' ORDER BY number LIMIT ?"
        rows = await self._reader.rows(sql, [run_id, limit])
        return {parse_path(path): _text_of(outputs or inputs) for path, outputs, inputs in rows}

    async def asking(self, limit: int = 100) -> list[ActionRecord]:
        """Approvals that wait for a person, the longest waiting first."""
        sql = (
            f"SELECT {action_rows.COLUMNS} FROM actions WHERE kind = 'ask' AND status = 'waiting' AND EXISTS"  # noqa: S608
            " (SELECT 1 FROM runs WHERE id = actions.run_id AND finished_at IS NULL) ORDER BY run_id LIMIT ?"
        )
        return [action_rows.action_of(row) for row in await self._reader.rows(sql, [limit])]


def _run_of(row: Row) -> RunHead:
    return RunHead(
        id=row[0],
        flow=row[1],
        status=Status(row[2]),
        trigger_name=row[3],
        created_at=time_of(row[4]),
        started_at=from_moment(row[5]),
        finished_at=from_moment(row[6]),
        error=from_text(row[7]),
    )


def _action_of(row: Row) -> ActionHead:
    return ActionHead(
        path=parse_path(row[0]),
        number=row[1],
        name=row[2],
        kind=row[3],
        status=Status(row[4]),
        started_at=time_of(row[5]),
        finished_at=from_moment(row[6]),
        skipped_because=row[7],
        message=_message(row[8]),
    )


def _text_of(value: str | None) -> str:
    if value is None or value.startswith("!"):
        return "" if value is None else action_rows.STRUCK_OUT
    found = from_text(value)
    if isinstance(found, dict) and len(found) == 1:
        found = next(iter(found.values()))
    return found if isinstance(found, str) else str(found)


def _message(error: str | None) -> str:
    if error is None:
        return ""
    if not error.startswith("{"):  # encrypted: its action is `secure`
        return action_rows.STRUCK_OUT
    return str((from_text(error) or {}).get("message") or "")
