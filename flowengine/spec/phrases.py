"""Schedules in words: `every weekday at 09:00`, `every 15 minutes`, `on the last day of every month at 18:00`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import Literal, TypeAlias

from flowengine.findings import nearest
from flowengine.spec.calendars import Calendar
from flowengine.spec.times import parse_time_of_day

EXAMPLES = 'write it like "every weekday at 09:00", "every 15 minutes" or "on day 1 of every month at 06:00"'

Phrase: TypeAlias = Calendar | timedelta
"""Times of days, or a fixed stretch of time."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SETS = {"weekday": (0, 1, 2, 3, 4), "workday": (0, 1, 2, 3, 4), "weekend": (5, 6), "weekend day": (5, 6)}
_ORDER = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1}
_ADVERBS = {
    "hourly": "every hour",
    "daily": "every day",
    "weekly": "every week on monday",
    "monthly": "on day 1 of every month",
    "yearly": "every year",
}
_COUNT = r"(?:(?P<count>\d+|other) )?"
_UNIT: dict[str, Literal["day", "week", "month", "year"]] = {
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
}


def read_phrase(text: str) -> Phrase:
    """Read a schedule in words. Raises `ValueError` that says what to write."""
    written = " ".join(text.lower().replace(",", " , ").split())
    head, _, at = written.partition(" at ")
    head = _ADVERBS.get(head, head)
    for pattern, read in _FORMS:
        match = pattern.fullmatch(head)
        if match is not None:
            return _timed(read(match), at)
    raise ValueError(_complaint(head))


def _timed(phrase: Phrase, at: str) -> Phrase:
    if isinstance(phrase, timedelta):
        if at:
            raise ValueError('minutes and hours have no time of day; leave out the part from "at" on')
        return phrase
    return replace(phrase, times=_times(at)) if at else phrase


def _times(at: str) -> tuple[time, ...]:
    parts = [part.strip() for part in re.split(r",| and ", at)]
    return tuple(sorted({parse_time_of_day(part) for part in parts if part}))


def _count(match: re.Match[str]) -> int:
    count = match["count"]
    number = 2 if count == "other" else int(count or 1)
    if not 1 <= number <= 1000:
        raise ValueError("the number must be from 1 to 1000")
    return number


def _stretch(match: re.Match[str]) -> Phrase:
    number = _count(match)
    return timedelta(minutes=number) if match["unit"] == "minute" else timedelta(hours=number)


def _plain(match: re.Match[str]) -> Phrase:
    unit, number = _UNIT[match["unit"]], _count(match)
    match unit:
        case "day":
            return Calendar("day", number)
        case "week":
            return Calendar("week", number, days=(0,))
        case "month":
            return Calendar("month", number, month_days=(1,))
        case _:
            return Calendar("year", number, month=1, month_days=(1,))


def _weekdays(match: re.Match[str]) -> Phrase:
    return Calendar("week", _count(match) if "count" in match.groupdict() else 1, days=_days(match["days"]))


def _days(text: str) -> tuple[int, ...]:
    days: set[int] = set()
    for word in re.split(r" , and | , | and | or ", text):
        single = word.strip()
        single = single if single in _SETS or single in DAYS else single.removesuffix("s")
        short = [index for index, day in enumerate(DAYS) if len(single) >= 3 and day.startswith(single)]
        if single in _SETS:
            days.update(_SETS[single])
        elif short:
            days.update(short)
        else:
            raise ValueError(_complaint(single))
    return tuple(sorted(days))


def _month_days(match: re.Match[str]) -> Phrase:
    days = [int(number) for number in re.findall(r"\d+", match["numbers"])]
    wrong = [day for day in days if not 1 <= day <= 31]
    if wrong:
        raise ValueError(f"no month has a day {wrong[0]}")
    return Calendar("month", _count(match), month_days=tuple(sorted(set(days))))


def _last_day(match: re.Match[str]) -> Phrase:
    return Calendar("month", _count(match), month_days=(-1,))


def _nth_day(match: re.Match[str]) -> Phrase:
    day = match["day"].removesuffix("s")
    if day not in DAYS:
        raise ValueError(_complaint(day))
    return Calendar("month", _count(match), days=(DAYS.index(day),), nth=_ORDER[match["order"]])


def _date(match: re.Match[str]) -> Phrase:
    name = match["month"]
    months = [index for index, month in enumerate(_MONTHS, 1) if len(name) >= 3 and month.startswith(name)]
    day = int(match["number"])
    if not months:
        raise ValueError(f'"{name}" is not a month')
    if not 1 <= day <= (29 if months[0] == 2 else 30 if months[0] in (4, 6, 9, 11) else 31):
        raise ValueError(f"{_MONTHS[months[0] - 1].title()} has no day {day}")
    return Calendar("year", month=months[0], month_days=(day,))


def _form(
    pattern: str, read: Callable[[re.Match[str]], Phrase]
) -> tuple[re.Pattern[str], Callable[[re.Match[str]], Phrase]]:
    return re.compile(pattern), read


_NUMBERS = r"(?P<numbers>\d+(?:st|nd|rd|th)?(?:(?: ,| and| , and) \d+(?:st|nd|rd|th)?)*)"
_EACH = rf"(?:of|in) (?:every|each) {_COUNT}months?"
_FORMS = (
    _form(rf"every {_COUNT}(?P<unit>minute|hour)s?", _stretch),
    _form(rf"every {_COUNT}(?P<unit>day|week|month|year)s?", _plain),
    _form(rf"every {_COUNT}weeks? on (?P<days>.+)", _weekdays),
    _form(rf"every {_COUNT}months? on (?:day|the) {_NUMBERS}", _month_days),
    _form(rf"on days? {_NUMBERS} {_EACH}", _month_days),
    _form(rf"on the {_NUMBERS}(?: day)? {_EACH}", _month_days),
    _form(rf"on the last day {_EACH}", _last_day),
    _form(rf"on the (?P<order>{'|'.join(_ORDER)}) (?P<day>[a-z]+) {_EACH}", _nth_day),
    _form(r"(?:every year )?on (?P<number>\d+)(?:st|nd|rd|th)? (?:of )?(?P<month>[a-z]{3,})(?: every year)?", _date),
    _form(r"(?:every year )?on (?P<month>[a-z]{3,}) (?P<number>\d+)(?:st|nd|rd|th)?(?: every year)?", _date),
    _form(r"(?:every|on|each) (?P<days>[a-z ,]+)", _weekdays),
    _form(r"(?P<days>(?:weekdays|weekends|[a-z]+days)(?:[a-z ,]*))", _weekdays),
)


def _complaint(text: str) -> str:
    words = [*DAYS, *_SETS, "minutes", "hours", "days", "weeks", "months", "every"]
    for word in re.findall(r"[a-z]+", text):
        known = word in words or f"{word}s" in words or word.removesuffix("s") in words
        meant = None if known or len(word) < 3 or word in ("the", "and", "last", "first") else nearest(word, words)
        if meant:
            return f'did you mean "{meant}"?'
    return EXAMPLES
