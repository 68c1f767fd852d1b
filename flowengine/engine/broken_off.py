"""Attempts whose end nobody saw, because the engine ended first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flowengine.errors import OutcomeUnknown
from flowengine.record import replace
from flowengine.store.records import ActionRecord, Attempt
from flowengine.types import JsonObject

UNDER_WAY: Final = "under_way"
"""The code of an attempt that has begun; one that ends with its engine keeps it until the next walk."""
STOPPED: Final = "the engine stopped while the request was under way"
PERHAPS: Final = "the engine ended while this call may have been under way"
CANCELLED: Final = "the action was cancelled while the request was under way"
_BY_THE_ENGINE: Final = (STOPPED, PERHAPS)
"""These sentences are on record, and tell such attempts from others: whoever rewords one keeps the former here."""


def again(record: ActionRecord, started_at: datetime) -> ActionRecord:
    """The record, with one attempt more that begins."""
    return _with(record, started_at, {"code": UNDER_WAY, "message": "no answer yet"})


def ended(record: ActionRecord, why: str) -> ActionRecord:
    """The record, with what became of an attempt under way: its outcome is unknown. As it is, if there was none."""
    if not record.attempts or not _is_under_way(record.attempts[-1]):
        return record
    *before, last = record.attempts
    return replace(record, attempts=(*before, replace(last, error=_unknown(why))))


def taken_up(record: ActionRecord) -> ActionRecord:
    """An operation that was on record as under way when the process ended. One that paused was not calling."""
    if record.due_at is not None:
        return record
    if record.attempts and _is_under_way(record.attempts[-1]):
        return ended(record, STOPPED)
    return _with(record, record.started_at, _unknown(STOPPED))


def perhaps(record: ActionRecord, since: datetime) -> ActionRecord:
    """An operation of which nothing was on record, but that may have been called, not before `since`."""
    return _with(record, since, _unknown(PERHAPS))


def is_broken_off(attempt: Attempt) -> bool:
    """Whether it ended with its engine rather than by an answer, or the lack of one."""
    return attempt.error is not None and attempt.error.get("message") in _BY_THE_ENGINE


def tries(attempts: Sequence[Attempt]) -> int:
    """How many count for `retry`."""
    return sum(not is_broken_off(attempt) for attempt in attempts)


def _is_under_way(attempt: Attempt) -> bool:
    return attempt.error is not None and attempt.error.get("code") == UNDER_WAY


def _with(record: ActionRecord, started_at: datetime, error: JsonObject) -> ActionRecord:
    attempt = Attempt(number=len(record.attempts) + 1, started_at=started_at, duration_ms=0, error=error)
    return replace(record, attempts=(*record.attempts, attempt))


def _unknown(why: str) -> JsonObject:
    return {"code": OutcomeUnknown.code, "message": why}
