"""Calendar rules over local times, and what a change of the clock does to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

EPOCH = datetime(2001, 1, 1)  # noqa: DTZ001  # a local time: the Monday from which "every 2 weeks" and its like are counted
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_LONGEST_GAP = 3 * 24 * 60
"""Minutes. The longest skip of local time so far is a day (Samoa, 2011)."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Certain times of certain days: of every n-th day, week, month or year."""

    frequency: Literal["day", "week", "month", "year"]
    interval: int = 1
    days: tuple[int, ...] = ()
    """Days of the week, Monday 0."""
    nth: int = 0
    """Which one of these days in the month; -1 is the last."""
    month_days: tuple[int, ...] = ()
    """Days of the month; -1 is the last."""
    month: int = 0
    times: tuple[time, ...] = (time(0),)

    def after(self, naive: datetime) -> datetime | None:
        """The first local time after a local time."""
        found = [self._rule(at, self._start(naive)).after(naive) for at in self.times]
        return min((one for one in found if one is not None), default=None)

    def _rule(self, at: time, start: datetime) -> Any:
        from dateutil import rrule

        frequency: dict[str, Any] = {
            "day": rrule.DAILY,
            "week": rrule.WEEKLY,
            "month": rrule.MONTHLY,
            "year": rrule.YEARLY,
        }
        week = (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)
        return rrule.rrule(
            frequency[self.frequency],
            interval=self.interval,
            byweekday=[week[day](self.nth) if self.nth else week[day] for day in self.days] or None,
            bymonthday=self.month_days or None,
            bymonth=self.month or None,
            byhour=at.hour,
            byminute=at.minute,
            bysecond=at.second,
            dtstart=start,
        )

    def _start(self, naive: datetime) -> datetime:
        """The last multiple of the interval before a local time, so that no rule is counted through from the epoch."""
        days, years = (naive - EPOCH).days, naive.year - EPOCH.year
        match self.frequency:
            case "day":
                return EPOCH + timedelta(days=days - days % self.interval)
            case "week":
                return EPOCH + timedelta(weeks=days // 7 - days // 7 % self.interval)
            case "month":
                months = years * 12 + naive.month - 1
                first = months - months % self.interval
                return EPOCH.replace(year=EPOCH.year + first // 12, month=first % 12 + 1)
            case "year":
                return EPOCH.replace(year=EPOCH.year + years - years % self.interval)


def next_moment(calendar: Calendar, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first of a calendar's times in a zone after a moment."""
    # A day back: around a change of the clock, local times and moments do not go in step.
    naive: datetime | None = moment.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    while naive is not None:
        naive = calendar.after(naive)
        found = local(naive, zone) if naive is not None else None
        if found is not None and found.astimezone(UTC) > moment.astimezone(UTC):
            return found
    return None


def local(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time as a moment: the first of a doubled one, the next valid minute of a skipped one."""
    tried = naive
    for _ in range(_LONGEST_GAP):
        aware = tried.replace(tzinfo=zone)
        if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == tried:
            return aware
        tried = tried.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return naive.replace(tzinfo=zone)


def on_the_wall(following: Callable[[datetime], datetime | None], zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The next minute at which the clock on the wall reads a time that fits, in the zone.

    `following` gives the next such reading after a local time, as if the clock never changed.
    """
    since = moment.astimezone(UTC)
    offset = _offset(zone, since)
    reading = following((since + offset).replace(tzinfo=None))
    while reading is not None:
        found = (reading - offset).replace(tzinfo=UTC)
        change = _first_change(zone, since, found)
        if change is None:
            return found.astimezone(zone)
        since, offset = change, _offset(zone, change)
        reading = following((change + offset).replace(tzinfo=None) - _MINUTE)
    return None


def _first_change(zone: ZoneInfo, since: datetime, until: datetime) -> datetime | None:
    """The first minute after `since`, up to `until`, at which the zone's clock is set; None when it is not."""
    offset, at = _offset(zone, since), since
    while at < until:
        later = min(at + _DAY, until)
        if _offset(zone, later) != offset:
            break
        at = later
    else:
        return None
    before = at.replace(second=0, microsecond=0)
    low, high = 0, -((before - later) // _MINUTE)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, before + middle * _MINUTE) == offset else (low, middle)
    return before + high * _MINUTE


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    found = moment.astimezone(zone).utcoffset()
    assert found is not None
    return found
