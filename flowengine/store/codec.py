"""How values are kept in columns: JSON as text, moments as whole microseconds since 1970.

JSON text never holds a NUL or a lone surrogate as such, so both databases can keep whatever JSON can say.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import orjson

from flowengine.types import Json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EXACT = " "
"""Marks text that only the slower reader gives back exactly: numbers beyond 64 bits, lone surrogates."""


def to_text(value: Json) -> str | None:
    """JSON text of a value; None, which is no value, stays None. What JSON cannot say is kept as its text."""
    if value is None:
        return None
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        return _EXACT + json.dumps(value, default=str)


def from_text(text: str | None) -> Json:
    """The value that `to_text` was given."""
    if text is None:
        return None
    return json.loads(text) if text.startswith(_EXACT) else orjson.loads(text)


def to_moment(at: datetime | None) -> int | None:
    """Microseconds since 1970."""
    return None if at is None else (at - EPOCH) // _MICROSECOND


def from_moment(moment: int | None) -> datetime | None:
    """The inverse of `to_moment`, in UTC."""
    return None if moment is None else EPOCH + timedelta(microseconds=moment)


def moment(at: datetime) -> int:
    """Microseconds since 1970, for a time that is there."""
    return (at - EPOCH) // _MICROSECOND


def time_of(moment: int) -> datetime:
    """The inverse of `moment`."""
    return EPOCH + timedelta(microseconds=moment)
