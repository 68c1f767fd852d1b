"""Records with the fields that a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime

from flowengine.store.ids import new_id
from flowengine.store.records import ActionRecord, EventRecord, RunRecord
from flowengine.types import Disposition, Status, SystemClock

CLOCK = SystemClock()
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def an_event(**given) -> EventRecord:
    fields = {
        "id": new_id(CLOCK),
        "flow": "tickets",
        "trigger_kind": "webhook",
        "trigger_name": "webhook",
        "trigger_key": "webhook",
        "received_at": START,
        "disposition": Disposition.STARTED,
        "body": b'{"subject": "refund"}',
    }
    return EventRecord(**{**fields, **given})


def a_run(event: EventRecord | None = None, **given) -> RunRecord:
    fields = {
        "id": new_id(CLOCK),
        "flow": "tickets",
        "flow_version": "v1",
        "status": Status.QUEUED,
        "event_id": event.id if event else None,
        "trigger_kind": "webhook",
        "trigger_name": "webhook",
        "created_at": START,
        "trigger": {"subject": "refund"},
    }
    return RunRecord(**{**fields, **given})


def an_action(run: RunRecord, **given) -> ActionRecord:
    fields = {
        "run_id": run.id,
        "path": ("send",),
        "name": "Send",
        "kind": "use",
        "status": Status.SUCCEEDED,
        "started_at": START,
        "finished_at": START,
        "number": 1,
    }
    return ActionRecord(**{**fields, **given})
