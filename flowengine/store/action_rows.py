"""Action runs as rows. Values that an action calls `secure` are encrypted here, before anything reaches the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowengine.record import replace
from flowengine.store.codec import from_moment, from_text, moment, time_of, to_moment, to_text
from flowengine.store.journal import Statement, Write
from flowengine.store.records import ActionRecord, Attempt
from flowengine.store.seal import Seal
from flowengine.store.units import Row
from flowengine.types import Json, JsonObject, Sent, Status, format_path, parse_path

COLUMNS = (
    "run_id, path, number, name, kind, status, started_at, finished_at, due_at, attempts, inputs, outputs, error, skipped_because,"
    " secure"
)
_CHANGING = COLUMNS.split(", ")[5:]

STRUCK_OUT = "(secure)"
"""What people see in place of a secure value."""
_SEALED = "!"
"""Begins a column whose JSON is encrypted; no JSON text begins so."""

# An action run exists only as long as its run is the writer's: a lost claim changes no row, which fails the unit.
_OWNED = " WHERE EXISTS (SELECT 1 FROM runs WHERE id = {} AND epoch = {} AND finished_at IS NULL)"
_RENEWING = " ON CONFLICT (run_id, path) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)
_COUNT = len(COLUMNS.split(","))
PUT = Statement(
    f"INSERT INTO actions ({COLUMNS}) SELECT {', '.join('?' * _COUNT)}{_OWNED.format('?', '?')}{_RENEWING}",
    fenced=True,
    many=f"INSERT INTO actions ({COLUMNS}) SELECT {', '.join(f'column{number + 1}' for number in range(_COUNT))}"  # noqa: S608
    f" FROM (VALUES {{rows}}){_OWNED.format(f'column{_COUNT + 1}', f'column{_COUNT + 2}')}{_RENEWING}",
)


def put(record: ActionRecord, epoch: int, seal: Seal) -> Write:
    """The write that makes or renews an action run."""
    hide_inputs, hide_outputs = "inputs" in record.secure, "outputs" in record.secure
    row = (
        record.run_id,
        format_path(record.path),
        record.number,
        record.name,
        record.kind,
        str(record.status),
        moment(record.started_at),
        to_moment(record.finished_at),
        to_moment(record.due_at),
        _sealed(_attempts_to_json(record.attempts), seal, hide=bool(record.secure)),
        _sealed(record.inputs, seal, hide=hide_inputs),
        _sealed(record.outputs, seal, hide=hide_outputs),
        # A service's error may repeat what it was sent, and holds what it answered.
        _sealed(record.error, seal, hide=bool(record.secure)),
        record.skipped_because,
        ",".join(sorted(record.secure)) or None,
        record.run_id,
        epoch,
    )
    return Write(PUT, row, record.run_id)


def action_of(row: Row, unseal: Callable[[str], str] | None = None) -> ActionRecord:
    """The action run of a row; without `unseal`, secure values are struck out."""
    attempts = _opened(row[9], unseal)
    return ActionRecord(
        run_id=row[0],
        path=parse_path(row[1]),
        number=row[2],
        name=row[3],
        kind=row[4],
        status=Status(row[5]),
        started_at=time_of(row[6]),
        finished_at=from_moment(row[7]),
        due_at=from_moment(row[8]),
        attempts=_attempts_of(attempts) if isinstance(attempts, list) else (),
        inputs=_opened(row[10], unseal),
        outputs=_opened(row[11], unseal),
        error=_error_of(row[12], row, unseal),
        skipped_because=row[13],
        secure=frozenset((row[14] or "").split(",")) - {""},
    )


def hidden(action: ActionRecord) -> ActionRecord:
    """The action run with its secure values struck out, for one that was never stored."""
    if not action.secure:
        return action
    return replace(
        action,
        inputs=STRUCK_OUT if "inputs" in action.secure and action.inputs is not None else action.inputs,
        outputs=STRUCK_OUT if "outputs" in action.secure and action.outputs is not None else action.outputs,
        error=hidden_error(action.error) if action.error else None,
        attempts=tuple(
            replace(one, request=None, error=one.error and {**one.error, "message": STRUCK_OUT})
            for one in action.attempts
        ),
    )


def hidden_error(error: JsonObject) -> JsonObject:
    """What may be told of the error of an action with secure values: where and of which kind, but nothing of its content."""
    return {**error, "message": STRUCK_OUT, "body": None}


def _error_of(text: str | None, row: Row, unseal: Callable[[str], str] | None) -> JsonObject | None:
    if text is None:
        return None
    if unseal is None and text.startswith(_SEALED):
        return hidden_error(
            {"action": row[1], "name": row[3], "code": "failed", "status_code": None, "line": None, "column": None}
        )
    return dict(_opened(text, unseal))


def _sealed(value: Json, seal: Seal, *, hide: bool) -> str | None:
    if value is None:
        return None
    text = to_text(value)
    return _SEALED + seal.close(text) if hide and text is not None else text


def _opened(text: str | None, unseal: Callable[[str], str] | None) -> Json:
    if text is None or not text.startswith(_SEALED):
        return from_text(text)
    return from_text(unseal(text[1:])) if unseal else STRUCK_OUT


def _attempts_to_json(attempts: Sequence[Attempt]) -> list[JsonObject] | None:
    """None if there were none. A request that is the one before once more is not written again: its key is missing."""
    said: list[JsonObject] = []
    before: Sent | None = None
    for attempt in attempts:
        one: JsonObject = {
            "number": attempt.number,
            "started_at": moment(attempt.started_at),
            "duration_ms": attempt.duration_ms,
            "status_code": attempt.status_code,
            "error": attempt.error,
        }
        request = attempt.request
        if not said or request != before:
            one["request"] = request and _request_to_json(request)
        said.append(one)
        before = request
    return said or None


def _request_to_json(request: Sent) -> JsonObject:
    said: JsonObject = {"method": request.method, "url": request.url, "headers": request.headers}
    if request.body is not None:
        said["body"] = request.body
    if request.left_out is not None:
        said["left_out"] = request.left_out
    return said


def _attempts_of(said: Sequence[JsonObject]) -> tuple[Attempt, ...]:
    attempts: list[Attempt] = []
    request: Sent | None = None
    for one in said:
        request = _request_of(one["request"]) if "request" in one else request
        attempts.append(Attempt(**{**one, "started_at": time_of(one["started_at"]), "request": request}))
    return tuple(attempts)


def _request_of(said: Json) -> Sent | None:
    match said:
        case dict():
            return Sent(**said)
        case str():
            # The first databases kept the request line only.
            method, _, url = said.partition(" ")
            return Sent(method, url)
        case _:
            return None
