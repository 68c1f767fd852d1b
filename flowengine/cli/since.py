"""`--since 24h`, `--since yesterday's date`: the moment that a person means."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from flowengine.cli.errors import WrongUsage
from flowengine.types import SystemClock

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHORT = re.compile(r"(\d+)\s*([smhdw])")


def parse_since(text: str | None, now: datetime | None = None) -> datetime | None:
    """`24h`, `7d`, `90 minutes` before now, or a date or time such as `2026-01-31` or `2026-01-31T09:00Z` (without a zone: the reader's)."""
    if text is None:
        return None
    reference = now or SystemClock().now()
    try:
        return reference - _length(text)
    except ValueError:
        pass
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUsage(
            f'--since "{text}" is not a time; write 24h, 7d, 90 minutes, or a date such as 2026-01-31'
        ) from None


def _length(text: str) -> timedelta:
    if short := _SHORT.fullmatch(text.strip().lower()):
        return timedelta(**{_UNITS[short[2]]: int(short[1])})
    from flowengine.spec.times import parse_duration

    return parse_duration(text)


def parse_before(text: str | None) -> str | None:
    """An id, or the beginning of one, after which a list goes on. Raises `WrongUsage` for what can be none."""
    if text is not None and not (text.isalnum() and text[0].isdigit()):
        raise WrongUsage(f'--before "{text}" is not an id; the end of a list says with which one to go on')
    return None if text is None else text.lower()
