"""Dates and times. Moments are RFC 3339 text; results use Power Automate's round-trip format unless told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jinja2 import pass_context
from jinja2.runtime import Context

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.draw import drawn
from flowengine.expressions.functions.moments import ROUND_TRIP, format_moment, parse_moment, shift, zone
from flowengine.expressions.functions.table import Table
from flowengine.findings import did_you_mean
from flowengine.types import Json

TABLE = Table("dates")
add = TABLE.add

_M = "2026-03-15T13:27:36Z"
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


@add("now(zone?)", "This moment, to the second, in UTC or in a zone.", "{{ now() }}", _M, is_filter=False, drawn=True)
@pass_context
def now(context: Context, zone_name: str | None = None) -> str:
    moment = drawn(context).now.replace(microsecond=0)
    if zone_name is None:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.astimezone(zone(zone_name)).isoformat()


@add("today(zone?)", "Today's date, in UTC or in a zone.", "{{ today() }}", "2026-03-15", is_filter=False, drawn=True)
@pass_context
def today(context: Context, zone_name: str = "UTC") -> str:
    return drawn(context).now.astimezone(zone(zone_name)).date().isoformat()


@add(
    "utcNow(format?)",
    "This moment in UTC, in Power Automate's form.",
    "{{ utcNow('yyyy-MM-dd') }}",
    "2026-03-15",
    is_filter=False,
    drawn=True,
)
@pass_context
def utc_now(context: Context, pattern: str = ROUND_TRIP) -> str:
    return format_moment(drawn(context).now.astimezone(UTC), pattern)


@add(
    "formatDateTime(moment, format?)",
    "A moment in another form: yyyy year, MM month, dd day, HH hour, mm minute, ss second, dddd weekday, MMMM month's name.",
    "{{ formatDateTime('2026-03-15T13:27:36Z', 'dd.MM.yyyy HH:mm') }}",
    "15.03.2026 13:27",
)
def format_date_time(moment: str, pattern: str = ROUND_TRIP, locale: str = "en-US") -> str:
    if not locale.lower().startswith("en"):
        raise ExpressionError(f'the names of days and months are English only; the locale "{locale}" is not known')
    return format_moment(parse_moment(moment), pattern)


@add(
    "addDays(moment, days, format?)",
    "A moment some days later, or earlier when negative.",
    "{{ addDays('2026-03-15', 10, 'yyyy-MM-dd') }}",
    "2026-03-25",
)
def add_days(moment: str, days: float, pattern: str = ROUND_TRIP) -> str:
    return _moved(moment, days, "day", pattern)


@add(
    "addHours(moment, hours, format?)",
    "A moment some hours later.",
    "{{ addHours('2026-03-15T13:27:36Z', 12, 's') }}",
    "2026-03-16T01:27:36",
)
def add_hours(moment: str, hours: float, pattern: str = ROUND_TRIP) -> str:
    return _moved(moment, hours, "hour", pattern)


@add(
    "addMinutes(moment, minutes, format?)",
    "A moment some minutes later.",
    "{{ addMinutes('2026-03-15T13:27:36Z', -27, 'HH:mm') }}",
    "13:00",
)
def add_minutes(moment: str, minutes: float, pattern: str = ROUND_TRIP) -> str:
    return _moved(moment, minutes, "minute", pattern)


@add(
    "addSeconds(moment, seconds, format?)",
    "A moment some seconds later.",
    "{{ addSeconds('2026-03-15T13:27:36Z', 24) }}",
    "2026-03-15T13:28:00.0000000Z",
)
def add_seconds(moment: str, seconds: float, pattern: str = ROUND_TRIP) -> str:
    return _moved(moment, seconds, "second", pattern)


@add(
    "addToTime(moment, count, unit, format?)",
    "A moment later by some units: Second, Minute, Hour, Day, Week, Month or Year.",
    "{{ addToTime('2026-01-31', 1, 'Month', 'yyyy-MM-dd') }}",
    "2026-02-28",
)
def add_to_time(moment: str, amount: float, unit: str, pattern: str = ROUND_TRIP) -> str:
    return _moved(moment, amount, unit, pattern)


@add(
    "subtractFromTime(moment, count, unit, format?)",
    "A moment earlier by some units.",
    "{{ subtractFromTime('2026-03-15', 1, 'Year', 'yyyy-MM-dd') }}",
    "2025-03-15",
)
def subtract_from_time(moment: str, amount: float, unit: str, pattern: str = ROUND_TRIP) -> str:
    return _moved(moment, -amount, unit, pattern)


@add(
    "getFutureTime(count, unit, format?)",
    "This moment plus some units.",
    "{{ getFutureTime(5, 'Day', 'yyyy-MM-dd') }}",
    "2026-03-20",
    is_filter=False,
    drawn=True,
)
@pass_context
def get_future_time(context: Context, amount: float, unit: str, pattern: str = ROUND_TRIP) -> str:
    return format_moment(_later(drawn(context).now, amount, unit), pattern)


@add(
    "getPastTime(count, unit, format?)",
    "This moment minus some units.",
    "{{ getPastTime(5, 'Day', 'yyyy-MM-dd') }}",
    "2026-03-10",
    is_filter=False,
    drawn=True,
)
@pass_context
def get_past_time(context: Context, amount: float, unit: str, pattern: str = ROUND_TRIP) -> str:
    return format_moment(_later(drawn(context).now, -amount, unit), pattern)


@add(
    "convertTimeZone(moment, from, to, format?)",
    "A local time of one zone in another; zones by IANA or Windows name.",
    "{{ convertTimeZone('2026-07-01T09:00:00', 'Europe/Berlin', 'America/New_York', 's') }}",
    "2026-07-01T03:00:00",
)
def convert_time_zone(moment: str, source: str, target: str, pattern: str = ROUND_TRIP) -> str:
    local = parse_moment(moment, local=True).replace(tzinfo=zone(source))
    return format_moment(local.astimezone(zone(target)).replace(tzinfo=None), pattern)


@add(
    "convertFromUtc(moment, zone, format?)",
    "A UTC moment as the clocks of a zone show it.",
    "{{ convertFromUtc('2026-07-01T09:00:00Z', 'W. Europe Standard Time', 'HH:mm') }}",
    "11:00",
)
def convert_from_utc(moment: str, target: str, pattern: str = ROUND_TRIP) -> str:
    return format_moment(parse_moment(moment).astimezone(zone(target)).replace(tzinfo=None), pattern)


@add(
    "convertToUtc(moment, zone, format?)",
    "A local time of a zone in UTC.",
    "{{ convertToUtc('2026-01-01T09:00:00', 'Europe/Berlin') }}",
    "2026-01-01T08:00:00.0000000Z",
)
def convert_to_utc(moment: str, source: str, pattern: str = ROUND_TRIP) -> str:
    local = parse_moment(moment, local=True).replace(tzinfo=zone(source))
    return format_moment(local.astimezone(UTC), pattern)


@add(
    "parseDateTime(text, zone?)",
    "Text read as a moment, in Power Automate's round-trip form.",
    "{{ parseDateTime('2026-03-15') }}",
    "2026-03-15T00:00:00.0000000Z",
)
def parse_date_time(text: str, zone_name: str = "UTC") -> str:
    moment = parse_moment(text)
    if zone_name != "UTC" and "Z" not in text and "+" not in text:
        moment = moment.replace(tzinfo=zone(zone_name))
    return format_moment(moment.astimezone(UTC))


@add(
    "startOfDay(moment, format?)",
    "The midnight that began the day.",
    "{{ startOfDay('2026-03-15T13:27:36Z') }}",
    "2026-03-15T00:00:00.0000000Z",
)
def start_of_day(moment: str, pattern: str = ROUND_TRIP) -> str:
    return format_moment(parse_moment(moment).replace(hour=0, minute=0, second=0, microsecond=0), pattern)


@add(
    "startOfHour(moment, format?)",
    "The full hour before.",
    "{{ startOfHour('2026-03-15T13:27:36Z', 'HH:mm') }}",
    "13:00",
)
def start_of_hour(moment: str, pattern: str = ROUND_TRIP) -> str:
    return format_moment(parse_moment(moment).replace(minute=0, second=0, microsecond=0), pattern)


@add(
    "startOfMonth(moment, format?)",
    "The first moment of the month.",
    "{{ startOfMonth('2026-03-15', 'yyyy-MM-dd') }}",
    "2026-03-01",
)
def start_of_month(moment: str, pattern: str = ROUND_TRIP) -> str:
    first = parse_moment(moment).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return format_moment(first, pattern)


@add("dayOfWeek(moment)", "The weekday's number: Sunday is 0.", "{{ dayOfWeek('2026-03-15') }}", 0)
def day_of_week(moment: str) -> int:
    return parse_moment(moment).isoweekday() % 7


@add("dayOfMonth(moment)", "The day's number in its month.", "{{ dayOfMonth('2026-03-15') }}", 15)
def day_of_month(moment: str) -> int:
    return parse_moment(moment).day


@add("dayOfYear(moment)", "The day's number in its year.", "{{ dayOfYear('2026-03-15') }}", 74)
def day_of_year(moment: str) -> int:
    return parse_moment(moment).timetuple().tm_yday


@add(
    "dateDifference(start, end)",
    "The time between two moments, as days.hours:minutes:seconds.",
    "{{ dateDifference('2026-03-01', '2026-03-15T12:30:00Z') }}",
    "14.12:30:00",
)
def date_difference(start: str, end: str) -> str:
    seconds = int((parse_moment(end) - parse_moment(start)).total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{sign}{days}.{clock}" if days else f"{sign}{clock}"


@add(
    "secondsBetween(start, end)",
    "How many seconds after the first moment the second one is.",
    "{{ secondsBetween('2026-03-15T13:00:00Z', '2026-03-15T14:00:00+00:00') }}",
    3600,
)
def seconds_between(start: str, end: str) -> float:
    seconds = (parse_moment(end) - parse_moment(start)).total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


@add(
    "ticks(moment)",
    "The hundreds of nanoseconds since the year 1, for comparing and subtracting.",
    "{{ ticks('1970-01-01') }}",
    621355968000000000,
)
def ticks(moment: str) -> int:
    passed = parse_moment(moment) - datetime(1, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 10_000_000 + passed.microseconds * 10


@add("toEpoch(moment)", "Seconds since 1970.", "{{ '2026-03-15T13:27:36Z' | toEpoch }}", 1773581256)
def to_epoch(moment: str) -> int:
    return int(parse_moment(moment).timestamp())


@add("fromEpoch(seconds)", "A moment from seconds since 1970.", "{{ 1773581256 | fromEpoch }}", _M)
def from_epoch(seconds: float) -> str:
    return shift(datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=float(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moved(moment: str, amount: Json, unit: str, pattern: str) -> str:
    return format_moment(_later(parse_moment(moment), amount, unit), pattern)


def _later(moment: datetime, amount: Json, unit: str) -> datetime:
    if not isinstance(amount, int | float) or abs(amount) > 1e12:
        raise ExpressionError(f'a number of units is expected, not "{amount}"')
    name = unit.lower().removesuffix("s")
    if name in _UNITS:
        return shift(moment, float(amount) * _UNITS[name])
    if name in ("month", "year"):
        from dateutil.relativedelta import relativedelta

        months = int(amount) * (12 if name == "year" else 1)
        try:
            return moment + relativedelta(months=months)
        except (OverflowError, ValueError):
            raise ExpressionError("the moment would be outside the years 1 to 9999") from None
    raise ExpressionError(f'there is no unit "{unit}"; {did_you_mean(unit, [*_UNITS, "month", "year"])}')
