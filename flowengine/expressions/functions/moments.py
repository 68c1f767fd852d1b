"""Moments as text: reading them, zones, and .NET's date formats, which `formatDateTime` and its kin use.

Source of the formats: Microsoft's "Standard date and time format strings" and "Custom date and time format strings".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from flowengine.errors import ExpressionError
from flowengine.expressions.values import shown
from flowengine.findings import did_you_mean

ROUND_TRIP = "yyyy-MM-ddTHH:mm:ss.fffffffK"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_STANDARD = {
    "d": "M/d/yyyy",
    "D": "dddd, MMMM d, yyyy",
    "f": "dddd, MMMM d, yyyy h:mm tt",
    "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "m": "MMMM d",
    "M": "MMMM d",
    "o": ROUND_TRIP,
    "O": ROUND_TRIP,
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "U": "dddd, MMMM d, yyyy h:mm:ss tt",
    "y": "MMMM yyyy",
    "Y": "MMMM yyyy",
}
_AMERICAN = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AP]M))?)?", re.IGNORECASE | re.ASCII
)
_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|\\.|%(?=.)|d+|f+|F+|g+|h+|H+|K|m+|M+|s+|t+|y+|z+|.""", re.DOTALL)


def parse_moment(value: object, *, local: bool = False) -> datetime:
    """A moment from RFC 3339 or ISO 8601 text; without a zone it is UTC, or left without one when `local`."""
    moment = read_moment(value) or _american(value)
    if moment is None:
        raise ExpressionError(f"{shown(value)} is not a moment; write it as 2026-11-22T09:30:00Z or 2026-11-22")
    if local:
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _american(value: object) -> datetime | None:
    """`03/15/2018 1:30 PM`, month first: what .NET reads without a locale, and so Power Automate."""
    found = _AMERICAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    month, day, year, hour, minute, second, half = found.groups()
    hours = int(hour or 0) % 12 + (12 if half.upper() == "PM" else 0) if half else int(hour or 0)
    try:
        return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0))  # noqa: DTZ001
    except ValueError:
        return None


def read_moment(value: object) -> datetime | None:
    """The moment that a text says, perhaps without a zone; None when it says none."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not value[:4].isdecimal() or len(value) < 8:
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def zone(name: str) -> tzinfo:
    """A time zone by its IANA or Windows name."""
    from tzlocal.windows_tz import win_tz

    try:
        return ZoneInfo(win_tz.get(name, name))
    except (KeyError, ValueError, OSError):
        from zoneinfo import available_timezones

        hint = did_you_mean(name, [*win_tz, *available_timezones()])
        raise ExpressionError(f'there is no time zone "{name}"; {hint}') from None


def shift(moment: datetime, by: timedelta) -> datetime:
    """A moment moved, within the years 1 to 9999."""
    try:
        return moment + by
    except OverflowError:
        raise ExpressionError("the moment would be outside the years 1 to 9999") from None


def format_moment(moment: datetime, pattern: str = ROUND_TRIP) -> str:
    """A moment in one of .NET's formats, with the English names of days and months."""
    if len(pattern) == 1:
        if pattern not in _STANDARD:
            raise ExpressionError(f'there is no date format "{pattern}"; write one such as "dd.MM.yyyy HH:mm"')
        if pattern in "rRuU":
            moment = moment.astimezone(UTC) if moment.tzinfo else moment
        pattern = _STANDARD[pattern]
    return "".join(_piece(moment, token) for token in _TOKEN.findall(pattern))


def _piece(moment: datetime, token: str) -> str:
    width = len(token)
    match token[0]:
        case "'" | '"' if width > 1:
            return token[1:-1]
        case "\\" if width > 1:
            return token[1]
        case "%":
            return ""
        case "d":
            return _named(DAYS[moment.weekday()], width) if width > 2 else _padded(moment.day, width)
        case "M":
            return _named(MONTHS[moment.month - 1], width) if width > 2 else _padded(moment.month, width)
        case "y":
            return str(moment.year % 100).zfill(width) if width <= 2 else str(moment.year).zfill(width)
        case "h":
            return _padded(moment.hour % 12 or 12, width)
        case "H":
            return _padded(moment.hour, width)
        case "m":
            return _padded(moment.minute, width)
        case "s":
            return _padded(moment.second, width)
        case "f":
            return f"{moment.microsecond:06d}0"[:width]
        case "F":
            return f"{moment.microsecond:06d}0"[:width].rstrip("0")
        case "t":
            return ("AM" if moment.hour < 12 else "PM")[:width]
        case "g":
            return "A.D."
        case "K":
            return _offset(moment, 3, zulu=True)
        case "z":
            return _offset(moment, width, zulu=False)
        case _:
            return token


def _named(name: str, width: int) -> str:
    return name[:3] if width == 3 else name


def _padded(number: int, width: int) -> str:
    return str(number).zfill(min(width, 2))


def _offset(moment: datetime, width: int, *, zulu: bool) -> str:
    offset = moment.utcoffset()
    if offset is None:
        return "" if zulu else "+00:00"
    if zulu and not offset and moment.tzinfo is UTC:
        return "Z"
    minutes = int(offset.total_seconds()) // 60
    sign, hours, rest = ("-" if minutes < 0 else "+"), abs(minutes) // 60, abs(minutes) % 60
    return f"{sign}{hours}" if width == 1 else f"{sign}{hours:02d}" if width == 2 else f"{sign}{hours:02d}:{rest:02d}"
