"""Times as authors write them: `10 seconds`, `1 hour 30 minutes`, `PT10M`, `09:00`."""

from __future__ import annotations

import re
from datetime import time, timedelta

from flowengine.findings import nearest

_SECONDS: dict[str, float] = {
    "millisecond": 0.001,
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
}
_SHORT = {
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "m": "minute",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "d": "day",
    "w": "week",
}
_PART = re.compile(r"\s*(?:and\s+|,\s*)?(\d+(?:\.\d+)?|an?\b)\s*([^\W\d]+)", re.IGNORECASE)
_ISO = re.compile(
    r"P(?:(?P<week>\d+(?:\.\d+)?)W)?(?:(?P<day>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hour>\d+(?:\.\d+)?)H)?(?:(?P<minute>\d+(?:\.\d+)?)M)?(?:(?P<second>\d+(?:\.\d+)?)S)?)?"
)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*(am|pm)?", re.IGNORECASE)
_NAMED_TIMES = {"noon": time(12), "midnight": time(0)}
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Read `10 seconds`, `2 hours`, `1 hour 30 minutes`, `1.5 h` or ISO 8601's `PT10M`.

    Months and years have no fixed length and are refused. Raises `ValueError` that says what to write.
    """
    written = text.strip()
    if not written:
        raise ValueError('write a number and a unit, such as "10 seconds"')
    parts = _iso(written) if written[:1] in "Pp" else _words(written)
    seconds = sum(number * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST.total_seconds():
        raise ValueError("that is longer than 10 years")
    return timedelta(seconds=seconds)


def _iso(text: str) -> list[tuple[float, str]]:
    match = _ISO.fullmatch(text.upper())
    found = {unit: number for unit, number in match.groupdict().items() if number} if match else {}
    if not found:
        raise ValueError(
            'write a number and a unit, such as "10 seconds"; ISO 8601 times look like "PT10M", without months and years'
        )
    return [(float(number), unit) for unit, number in found.items()]


def _words(text: str) -> list[tuple[float, str]]:
    parts: list[tuple[float, str]] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(_not_a_duration(text))
        number = 1.0 if match[1][0] in "aA" else float(match[1])
        parts.append((number, _unit(match[2])))
        at = match.end()
    return parts


def _not_a_duration(text: str) -> str:
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return f'say the unit: "{text} seconds", "{text} minutes", "{text} hours" or "{text} days"'
    if text.startswith("-"):
        return "a time cannot be negative"
    return 'write a number and a unit, such as "10 seconds", "2 hours" or "1 day"'


def _unit(word: str) -> str:
    lowered = word.lower()
    unit = _SHORT.get(lowered, lowered.removesuffix("s"))
    if unit in _SECONDS:
        return unit
    if unit in ("month", "year", "mo", "y"):
        raise ValueError(f'a {unit} has no fixed length; write days, such as "30 days"')
    meant = nearest(lowered, [f"{name}s" for name in _SECONDS if name != "millisecond"])
    raise ValueError(
        f'"{word}" is not a unit of time; '
        + (f'did you mean "{meant}"?' if meant else "there is: seconds, minutes, hours, days, weeks")
    )


def parse_time_of_day(text: str) -> time:
    """Read `09:00`, `9:30 pm`, `9 am`, `noon`, `midnight`. Raises `ValueError` that says what to write."""
    written = text.strip().lower()
    if written in _NAMED_TIMES:
        return _NAMED_TIMES[written]
    match = _CLOCK.fullmatch(written)
    if match is None or (match[2] is None and match[4] is None):
        raise ValueError(f'"{text}" is not a time of day; write it like "09:00"')
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= 12:
            raise ValueError(f'"{text}" is not a time of day; write it like "09:00" or "9 am"')
        hour = hour % 12 + (12 if match[4] == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f'there is no time "{text}"; hours go from 00 to 23, minutes from 00 to 59')
    return time(hour, minute, second)


def format_duration(duration: timedelta) -> str:
    """`1 hour 30 minutes`: the inverse of `parse_duration`, in the largest fitting units."""
    rest = duration.total_seconds()
    if not rest:
        return "0 seconds"
    told = []
    for unit in ("day", "hour", "minute"):
        number, rest = divmod(rest, _SECONDS[unit])
        if number:
            told.append(f"{int(number)} {unit}{'' if number == 1 else 's'}")
    if rest:
        told.append(f"{rest:g} second{'' if rest == 1 else 's'}")
    return " ".join(told)


def lasted(milliseconds: float | None) -> str:
    """How long something took, in two units at most: `12 ms`, `3.4 s`, `2 min 5 s`, `1 h 2 min`; empty while it goes on."""
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1_000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days {hours % 24} h"
