"""Histories made up at speed: rows as the engine writes them, put into its tables without the engine."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flowengine.config import Settings
from flowengine.spec.load import parse_flow
from flowengine.store import Store, action_rows, events, runs
from flowengine.store.ids import new_id
from flowengine.store.records import ActionRecord, Attempt, EventRecord, RunRecord
from flowengine.store.seal import Seal
from flowengine.types import Disposition, Sent, Status

SENT = Sent(
    "POST",
    "https://api.example.com/v2/tickets",
    {"Accept": "application/json", "Authorization": "Bearer ***", "Content-Type": "application/json"},
    '{"subject":"A refund, please"}',
)


@dataclass
class Hand:
    """A clock that is moved by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def fill(project: Path, flow_id: str, count: int, run_of: Callable[[int, RunRecord], RunRecord]) -> None:
    """Put `count` runs of a flow, the newest of a second ago, with their event and, when finished, one action into the database."""
    settings = Settings.load(project)
    text = (settings.flows / f"{flow_id}.yaml").read_text()
    flow, findings = parse_flow(text.encode(), f"{flow_id}.yaml", flow_id)
    assert flow is not None, findings

    async def make() -> None:
        async with Store.open(settings.database, write=True) as store:
            await store.flows.save_version(flow_id, flow.version, text)

    asyncio.run(make())
    clock = Hand(datetime.now(UTC) - timedelta(seconds=1 + count / 1000))
    database = sqlite3.connect(settings.database.removeprefix("sqlite:///"), isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -400000")
    for first in range(0, count, 20_000):
        made = list(_records(range(first, min(first + 20_000, count)), flow_id, flow.version, clock, run_of))
        database.execute("BEGIN")
        database.executemany(events.INSERT.sql, [events.row_of(event) for event, _ in made])
        database.executemany(runs.INSERT.sql, [runs.row_of(run) for _, run in made])
        done = [run for _, run in made if run.status.finished]
        database.executemany(action_rows.PUT.sql.replace(" AND finished_at IS NULL)", ")"), _actions(done))
        database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def _records(
    numbers: Iterable[int], flow_id: str, version: str, clock: Hand, run_of: Callable[[int, RunRecord], RunRecord]
) -> Iterator[tuple[EventRecord, RunRecord]]:
    for number in numbers:
        clock.at += timedelta(milliseconds=1)
        body = {"id": str(number), "subject": f"Ticket {number}"}
        event = EventRecord(
            id=new_id(clock),
            flow=flow_id,
            trigger_kind="webhook",
            trigger_name="webhook",
            trigger_key="webhook",
            received_at=clock.at,
            disposition=Disposition.STARTED,
            body=b'{"id":"%d"}' % number,
            headers={"content-type": "application/json"},
            source="127.0.0.1",
        )
        run = RunRecord(
            id=new_id(clock),
            flow=flow_id,
            flow_version=version,
            status=Status.QUEUED,
            event_id=event.id,
            trigger_kind="webhook",
            trigger_name="webhook",
            created_at=clock.at,
            trigger=body,
        )
        yield event, run_of(number, run)


def finished(run: RunRecord, status: Status = Status.SUCCEEDED) -> RunRecord:
    """The run, ended 5 ms after it began."""
    error = {"action": "call", "name": "Call", "code": "failed", "message": "500"} if status is Status.FAILED else None
    ended = run.created_at + timedelta(milliseconds=5)
    return replace(run, status=status, started_at=run.created_at, finished_at=ended, error=error)


def _actions(done: list[RunRecord]) -> Iterator[tuple[object, ...]]:
    seal = Seal(None)
    for run in done:
        record = ActionRecord(
            run_id=run.id,
            path=("call_the_service",),
            name="Call the service",
            kind="use",
            status=run.status,
            started_at=run.created_at,
            finished_at=run.finished_at,
            inputs={"subject": "A refund, please"},
            outputs={"status_code": 200, "headers": {}, "body": {"id": "T1"}},
            error=run.error,
            attempts=(Attempt(number=1, started_at=run.created_at, duration_ms=4.2, status_code=200, request=SENT),),
        )
        yield action_rows.put(record, run.epoch, seal).row
