"""What the changes of the clock do to schedules, in zones that move by an hour and in one that moves by half an hour."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from flowengine.spec.schedules import coming, read_schedule
from flowengine.spec.triggers import Recurrence

WARSAW, NEW_YORK, LORD_HOWE = "Europe/Warsaw", "America/New_York", "Australia/Lord_Howe"
SPRING = {
    WARSAW: datetime(2026, 3, 28, 22, 59, tzinfo=UTC),
    NEW_YORK: datetime(2026, 3, 8, 4, 59, tzinfo=UTC),
    LORD_HOWE: datetime(2026, 10, 3, 13, 29, tzinfo=UTC),
}
AUTUMN = {
    WARSAW: datetime(2026, 10, 24, 21, 59, tzinfo=UTC),
    NEW_YORK: datetime(2026, 11, 1, 3, 59, tzinfo=UTC),
    LORD_HOWE: datetime(2026, 4, 4, 12, 59, tzinfo=UTC),
}
"""The minute before midnight of the day, in each zone."""


def recurrence(text):
    return Recurrence(cron=text) if text[0] in "0123456789*@" else Recurrence(words=text)


def on_the_day(text, zone, start):
    """Local times of that day, with the offset where it matters."""
    schedule = read_schedule(recurrence(text), zone)
    day = (start + timedelta(minutes=1)).astimezone(schedule.zone).date()
    return [f"{one:%H:%M}" for one in coming(schedule, start, 200) if one.date() == day]


@pytest.mark.parametrize(
    ("text", "zone", "found"),
    [
        ("30 2 * * *", WARSAW, ["03:00"]),
        ("every day at 02:30", WARSAW, ["03:00"]),
        ("30 2 * * *", NEW_YORK, ["03:00"]),
        ("every day at 02:30", NEW_YORK, ["03:00"]),
        ("15 2 * * *", LORD_HOWE, ["02:30"]),
        ("every day at 02:15", LORD_HOWE, ["02:30"]),
        ("30 2 * * *", LORD_HOWE, ["02:30"]),
        ("*/15 2 * * *", WARSAW, ["03:00"]),
        ("0 1,2,3 * * *", WARSAW, ["01:00", "03:00"]),
        ("0 */8 * * *", WARSAW, ["00:00", "08:00", "16:00"]),
        ("0 */2 * * *", WARSAW, ["00:00", "03:00", *(f"{hour:02}:00" for hour in range(4, 24, 2))]),
    ],
)
def test_a_skipped_local_time_happens_at_the_next_valid_minute(text, zone, found):
    assert on_the_day(text, zone, SPRING[zone]) == found


@pytest.mark.parametrize(
    ("text", "zone", "found"),
    [
        ("30 2 * * *", WARSAW, ["02:30"]),
        ("every day at 02:30", WARSAW, ["02:30"]),
        ("30 1 * * *", NEW_YORK, ["01:30"]),
        ("every day at 01:30", NEW_YORK, ["01:30"]),
        ("45 1 * * *", LORD_HOWE, ["01:45"]),
        ("every day at 01:45", LORD_HOWE, ["01:45"]),
        ("*/15 2 * * *", WARSAW, ["02:00", "02:15", "02:30", "02:45"]),
        ("every 2 hours", WARSAW, [f"{hour:02}:00" for hour in range(0, 24, 2)]),
    ],
)
def test_a_doubled_local_time_happens_once(text, zone, found):
    assert on_the_day(text, zone, AUTUMN[zone]) == found


@pytest.mark.parametrize("zone", [WARSAW, NEW_YORK])
@pytest.mark.parametrize(
    ("text", "minutes"), [("every 15 minutes", 15), ("*/5 * * * *", 5), ("hourly", 60), ("7 0-23 * * *", 60)]
)
@pytest.mark.parametrize("days", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_what_happens_every_hour_keeps_its_distance(text, minutes, zone, days):
    found = coming(read_schedule(recurrence(text), zone), days[zone], 40)
    moments = [one.astimezone(UTC) for one in found]
    assert {later - sooner for sooner, later in itertools.pairwise(moments)} == {timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    ("text", "days", "found"),
    [
        ("0 * * * *", SPRING, ["00:00", "01:00", "03:00", "04:00"]),
        ("hourly", SPRING, ["00:00", "01:00", "03:00", "04:00"]),
        ("45 * * * *", SPRING, ["00:45", "01:45", "02:45", "03:45"]),
        ("*/30 * * * *", SPRING, ["00:00", "00:30", "01:00", "01:30", "02:30", "03:00"]),
        ("0 * * * *", AUTUMN, ["00:00", "01:00", "02:00", "03:00"]),
        ("45 * * * *", AUTUMN, ["00:45", "01:45", "01:45", "02:45"]),
        ("*/30 * * * *", AUTUMN, ["00:00", "00:30", "01:00", "01:30", "01:30", "02:00"]),
    ],
)
def test_hourly_times_keep_their_minute_where_the_clock_moves_by_half_an_hour(text, days, found):
    start = days[LORD_HOWE]
    times = [f"{one:%H:%M}" for one in coming(read_schedule(recurrence(text), LORD_HOWE), start, len(found))]
    assert times == found


@pytest.mark.parametrize(
    "zone", [WARSAW, NEW_YORK, LORD_HOWE, "Pacific/Chatham", "Antarctica/Troll", "Africa/Casablanca"]
)
@pytest.mark.parametrize(
    "text", ["0 * * * *", "*/20 * * * *", "17,50 * * * *", "5 * * * 0", "10 * 29 3 *", "40 * * 2-4 *"]
)
def test_hourly_times_are_what_the_clock_on_the_wall_reads(text, zone):
    """Against every minute of some days around each change of the clock in a year."""
    schedule = read_schedule(recurrence(text), zone)
    minute = timedelta(minutes=1)
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24)]
    offsets = [hour.astimezone(schedule.zone).utcoffset() for hour in hours]
    for hour, before, after in zip(hours, offsets, offsets[1:], strict=False):
        if before == after:
            continue
        minutes = [hour + number * minute for number in range(-3 * 60, 6 * 60)]
        read = [(one, one.astimezone(schedule.zone)) for one in minutes]
        expected = [one for one, wall in read if fits(text, wall)]
        found = itertools.takewhile(minutes[-1].__ge__, times_after(schedule, minutes[0] - minute))
        assert [one.astimezone(UTC) for one in found] == expected


def times_after(schedule, moment):
    while (moment := schedule.next_after(moment)) is not None:
        yield moment


def fits(text, wall):
    """The fields of cron that these tests use, read anew."""
    minute, _, day, month, weekday = text.split()
    step = int(minute[2:]) if minute.startswith("*/") else 0
    minutes = range(0, 60, step) if step else [int(one) for one in minute.split(",")]
    first, _, last = month.partition("-")
    return (
        wall.minute in minutes
        and day in ("*", str(wall.day))
        and (month == "*" or int(first) <= wall.month <= int(last or first))
        and weekday in ("*", str(wall.isoweekday() % 7))
    )


@pytest.mark.parametrize("zone", [WARSAW, NEW_YORK, LORD_HOWE])
@pytest.mark.parametrize("days", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize(
    "text", ["30 2 * * *", "30 1 * * *", "*/15 2 * * *", "every 2 hours", "every day at 02:15", "every day at 01:45"]
)
def test_from_wherever_one_looks_the_times_are_the_same(text, zone, days):
    schedule = read_schedule(recurrence(text), zone)
    start = days[zone] - timedelta(hours=1)
    moments = [one.astimezone(UTC) for one in coming(schedule, start, 12)]
    for minute in range(0, 6 * 60, 7):
        look = start + timedelta(minutes=minute)
        assert schedule.next_after(look).astimezone(UTC) == next(one for one in moments if one > look)


MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0 9 * * 1-5", ["03.03.26", "04.03.26", "05.03.26", "06.03.26", "09.03.26"]),
        ("0 9 * * 0", ["08.03.26", "15.03.26"]),
        ("0 9 * * 7", ["08.03.26", "15.03.26"]),
        ("0 9 13 * 5", ["06.03.26", "13.03.26", "20.03.26", "27.03.26", "03.04.26", "10.04.26", "13.04.26"]),
        ("0 9 29 2 *", ["29.02.28", "29.02.32"]),
        ("@daily", ["03.03.26", "04.03.26"]),
    ],
)
def test_cron_s_corners(text, found):
    assert [f"{one:%d.%m.%y}" for one in coming(read_schedule(recurrence(text)), MONDAY, len(found))] == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (
            {"frequency": "Month", "interval": 2, "on": (31,), "at": ("09:00",)},
            ["31.03.26", "31.05.26", "31.07.26", "31.01.27"],
        ),
        (
            {"frequency": "Week", "interval": 2, "on": ("Monday", "Friday"), "at": ("09:30",)},
            ["09.03.26", "13.03.26", "23.03.26", "27.03.26"],
        ),
        ({"frequency": "Day", "interval": 3}, ["03.03.26", "06.03.26", "09.03.26"]),
    ],
)
def test_recurrences_with_an_interval(given, found):
    assert [f"{one:%d.%m.%y}" for one in coming(read_schedule(Recurrence(**given)), MONDAY, len(found))] == found
