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
