"""The JSON documents of runs and events, as the command line, the API and the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from flowengine.store.access import TokenRecord
from flowengine.store.records import ActionRecord, Attempt, EventRecord, RunRecord
from flowengine.types import Json, JsonObject, format_path


def timestamp(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds, such as `2026-01-31T09:00:00.000Z`."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run_document(
    run: RunRecord,
    *,
    actions: Sequence[ActionRecord] | None = None,
    event: EventRecord | None = None,
    flow_file: str | None = None,
) -> JsonObject:
    """RUN. Without `actions` it is the row of a list; `event` fills the event's body in."""
    document: JsonObject = {
        "id": run.id,
        "flow": run.flow,
        "flow_version": run.flow_version,
        "status": str(run.status),
        "trigger": {"kind": run.trigger_kind, "name": run.trigger_name},
        "event": _event_of(run, event),
        "created_at": timestamp(run.created_at),
        "started_at": timestamp(run.started_at),
        "finished_at": timestamp(run.finished_at),
        "duration_ms": milliseconds(run.started_at, run.finished_at),
        "due_at": timestamp(run.due_at),
        "error": error_document(run.error),
        "output": run.output,
        "inputs": run.inputs,
        "resubmitted_from": run.resubmitted_from,
    }
    if flow_file is not None:
        document["file"] = flow_file
    if actions is not None:
        document["actions"] = [action_document(action) for action in actions]
    return document


def action_document(action: ActionRecord) -> JsonObject:
    """ACTION."""
    return {
        "path": format_path(action.path),
        "name": action.name,
        "kind": action.kind,
        "status": str(action.status),
        "started_at": timestamp(action.started_at),
        "finished_at": timestamp(action.finished_at),
        "duration_ms": milliseconds(action.started_at, action.finished_at),
        "due_at": timestamp(action.due_at),
        "attempts": [attempt_document(attempt) for attempt in action.attempts],
        "inputs": action.inputs,
        "outputs": action.outputs,
        "error": error_document(action.error),
        "skipped_because": action.skipped_because,
    }


def attempt_document(attempt: Attempt) -> JsonObject:
    """One try of an action."""
    return {
        "number": attempt.number,
        "started_at": timestamp(attempt.started_at),
        "duration_ms": round(attempt.duration_ms, 3),
        "request": attempt.request.to_json() if attempt.request else None,
        "status_code": attempt.status_code,
        "error": attempt.error,
    }


def error_document(error: JsonObject | None) -> JsonObject | None:
    """ERROR, with every field there."""
    if error is None:
        return None
    fields = ("action", "code", "message", "status_code", "body", "line", "column")
    return {**dict.fromkeys(fields), **error}


def event_document(event: EventRecord, run_ids: Sequence[str] = (), *, body: bool = False) -> JsonObject:
    """An event as it is listed; with `body` also what came."""
    document: JsonObject = {
        "id": event.id,
        "flow": event.flow,
        "trigger": {"kind": event.trigger_kind, "name": event.trigger_name, "key": event.trigger_key},
        "received_at": timestamp(event.received_at),
        "disposition": str(event.disposition),
        "reason": event.reason,
        "dedupe_key": event.dedupe_key,
        "source": event.source,
        "runs": list(run_ids),
    }
    if body:
        document |= {"headers": dict(event.headers), "body": readable(event.body)}
    return document


def readable(body: bytes) -> Json:
    """Raw bytes as the JSON they are, else as text."""
    if not body:
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def token_document(token: TokenRecord) -> JsonObject:
    """TOKEN: never its text, which only its maker sees."""
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "created_at": timestamp(token.created_at),
        "expires_at": timestamp(token.expires_at),
        "last_used_at": timestamp(token.last_used_at),
        "revoked_at": timestamp(token.revoked_at),
    }


def milliseconds(start: datetime | None, end: datetime | None) -> float | None:
    """How long it took, when it is over."""
    return None if start is None or end is None else round((end - start).total_seconds() * 1000, 3)


def _event_of(run: RunRecord, event: EventRecord | None) -> dict[str, Any] | None:
    if run.event_id is None:
        return None
    return {"id": run.event_id, "body": readable(event.body) if event else run.trigger}
