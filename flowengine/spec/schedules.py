"""Schedules: words, cron expressions and the Logic Apps form, as one thing that gives the coming times.

Daylight saving: a local time that is skipped happens at the next valid minute, a doubled one happens once, the first time.
What happens in every hour of the day (`every 15 minutes`, `0 * * * *`) happens whenever the clock on the wall reads so, as
Debian's cron has it: twice in a doubled hour, not at all in a skipped one. Where the clock moves by half an hour (Lord Howe) an
hourly time keeps its minute, and is once 30 or 90 minutes after the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from flowengine.findings import did_you_mean, nearest
from flowengine.spec.calendars import EPOCH, Calendar, local, next_moment, on_the_wall
from flowengine.spec.phrases import DAYS, EXAMPLES, read_phrase
from flowengine.spec.times import format_duration, parse_time_of_day
from flowengine.spec.triggers import Recurrence

_CRON_NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_CRON_FIELDS = {
    "minute": "minute: 0 to 59",
    "hour": "hour: 0 to 23",
    "day-of-month": "day of the month: 1 to 31",
    "month": "month: 1 to 12",
    "day-of-week": "day of the week: 0 to 7, where 0 and 7 are Sunday",
}
_FIELD_NAMES = "minute, hour, day of the month, month, day of the week"


class Schedule(Protocol):
    """Something that happens at certain times."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment` (aware), in the schedule's zone; None when there is none."""
        ...

    def describe(self) -> str:
        """The schedule in words."""
        ...


def read_schedule(recurrence: Recurrence, timezone: str = "UTC") -> Schedule:
    """What a recurrence means in a zone. Raises `ValueError` that says what to write."""
    zone = read_zone(timezone)
    if recurrence.cron is not None:
        return _cron(recurrence.cron, zone)
    if recurrence.words is not None:
        return _words(recurrence.words, zone)
    return _logic_apps(recurrence, zone)


def coming(schedule: Schedule, after: datetime, number: int) -> list[datetime]:
    """The next `number` times after a moment."""

    def times() -> Iterator[datetime]:
        moment = schedule.next_after(after)
        while moment is not None:
            yield moment
            moment = schedule.next_after(moment)

    return list(islice(times(), number))


@lru_cache(maxsize=256)
def read_zone(name: str) -> ZoneInfo:
    """A time zone by its IANA or Windows name. Raises `ValueError` with the nearest spelling."""
    if name == "UTC":
        return ZoneInfo("UTC")
    from tzlocal.windows_tz import win_tz

    try:
        return ZoneInfo(win_tz.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(available_timezones()) if "/" in zone}
    found = cities.get(name.lower().replace(" ", "_")) or nearest(name, available_timezones())
    raise ValueError(f'did you mean "{found}"?' if found else 'write an area and a city, such as "Europe/Berlin"')


@dataclass(frozen=True, slots=True)
class _Cron:
    text: str
    zone: ZoneInfo
    told: str = ""

    def next_after(self, moment: datetime) -> datetime | None:
        from cronsim import CronSim

        if self.text.split()[1] == "*":
            return on_the_wall(lambda naive: next(CronSim(self.text, naive), None), self.zone, moment)
        # Over local times: CronSim itself takes "*/2" and "*/15 2" by hours that pass, and then skips and doubles them.
        here = moment.astimezone(self.zone).replace(tzinfo=None)
        found = (local(naive, self.zone) for naive in CronSim(self.text, here))
        return next((one for one in found if one.astimezone(UTC) > moment), None)

    def describe(self) -> str:
        if self.told:
            return self.told
        from cronsim import CronSim

        return f"{CronSim(self.text, EPOCH.replace(tzinfo=UTC)).explain()} ({self.zone.key})"


@dataclass(frozen=True, slots=True)
class _Every:
    """A fixed stretch of time, counted from the epoch."""

    stretch: timedelta
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        start = EPOCH.replace(tzinfo=UTC)
        passed = (moment - start) // self.stretch
        return (start + (passed + 1) * self.stretch).astimezone(self.zone)

    def describe(self) -> str:
        return f"every {format_duration(self.stretch)}"


@dataclass(frozen=True, slots=True)
class _Days:
    calendar: Calendar
    zone: ZoneInfo
    told: str

    def next_after(self, moment: datetime) -> datetime | None:
        return next_moment(self.calendar, self.zone, moment)

    def describe(self) -> str:
        return f"{self.told} ({self.zone.key})"


def _words(text: str, zone: ZoneInfo) -> Schedule:
    if re.fullmatch(r"(?:[\d*/,?LW#-]+ ){4}[\w*/,?#-]+", text.strip()):
        raise ValueError(f'this is a cron expression; write {{ cron: "{text.strip()}" }}')
    phrase = read_phrase(text)
    return _every(phrase, zone) if isinstance(phrase, timedelta) else _Days(phrase, zone, text.strip())


def _every(stretch: timedelta, zone: ZoneInfo) -> Schedule:
    """Stretches that divide an hour or a day evenly keep to the clock on the wall, as cron does."""
    told = f"every {format_duration(stretch)}"
    minutes = int(stretch.total_seconds() // 60)
    if minutes < 60 and 60 % minutes == 0:
        return _Cron(f"*/{minutes} * * * *", zone, told)
    if minutes == 60:
        return _Cron("0 * * * *", zone, told)
    if minutes % 60 == 0 and minutes <= 1440 and 1440 % minutes == 0:
        return _Cron(f"0 */{minutes // 60} * * *" if minutes < 1440 else "0 0 * * *", zone, told)
    return _Every(stretch, zone)


def _cron(text: str, zone: ZoneInfo) -> Schedule:
    from cronsim import CronSim, CronSimError

    expression = text.strip()
    if expression.startswith("@"):
        if expression.lower() not in _CRON_NAMES:
            raise ValueError(did_you_mean(expression, _CRON_NAMES))
        expression = _CRON_NAMES[expression.lower()]
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"a cron expression has 5 fields ({_FIELD_NAMES}), this has {len(fields)}")
    try:
        schedule = CronSim(expression, EPOCH.replace(tzinfo=UTC))
    except CronSimError as error:
        if re.fullmatch(r"\d+", fields[2]) and re.fullmatch(r"\d+", fields[3]) and 1 <= int(fields[2]) <= 31:
            raise ValueError("there is no such day, so it would never happen") from None
        raise ValueError(_cron_complaint(str(error), fields)) from None
    if next(schedule, None) is None:
        raise ValueError("there is no such day, so it would never happen")
    if len(schedule.hours) == 24:
        fields[1] = "*"
    return _Cron(" ".join(fields), zone)


def _cron_complaint(message: str, fields: list[str]) -> str:
    told = message.lower()
    for (name, allowed), written in zip(_CRON_FIELDS.items(), fields, strict=True):
        if name in told.replace(" ", "-"):
            return f'"{written}" is not right for the {allowed}'
    return f"the fields are {_FIELD_NAMES}"


def _logic_apps(recurrence: Recurrence, zone: ZoneInfo) -> Schedule:
    """Microsoft's recurrence: https://learn.microsoft.com/azure/connectors/connectors-native-recurrence."""
    every = recurrence.interval
    match recurrence.frequency:
        case "Minute" | "Hour" as unit:
            if recurrence.on or recurrence.at:
                raise ValueError(f'"on" and "at" go with Day, Week and Month, not with {unit}')
            return _every(timedelta(minutes=every) if unit == "Minute" else timedelta(hours=every), zone)
        case "Day" | "Week" | "Month" | "Year" as unit:
            calendar = _calendar(unit, every, recurrence)
            return _Days(calendar, zone, _told(unit, recurrence))
        case _:
            raise ValueError(EXAMPLES)


def _calendar(unit: str, every: int, recurrence: Recurrence) -> Calendar:
    names = tuple(DAYS.index(day.lower()) for day in recurrence.on if isinstance(day, str))
    numbers = tuple(day for day in recurrence.on if isinstance(day, int))
    times: tuple[time, ...] = tuple(parse_time_of_day(at) for at in recurrence.at) or (time(0),)
    if numbers and unit != "Month":
        raise ValueError(f'numbers under "on" are days of a month; with {unit} write names of days')
    match unit:
        case "Week":
            return Calendar("week", every, days=names or (0,), times=times)
        case "Day" if not names:
            return Calendar("day", every, times=times)
        case "Month" if not names:
            return Calendar("month", every, month_days=numbers or (1,), times=times)
        case "Year" if not names:
            return Calendar("year", every, month=1, month_days=(1,), times=times)
    raise ValueError(f'names of days under "on" go with Week, not with {unit}')


def _told(unit: str, recurrence: Recurrence) -> str:
    every = f"every {unit.lower()}" if recurrence.interval == 1 else f"every {recurrence.interval} {unit.lower()}s"
    on = f" on {', '.join(str(day) for day in recurrence.on)}" if recurrence.on else ""
    return f"{every}{on} at {', '.join(recurrence.at) or '00:00'}"
