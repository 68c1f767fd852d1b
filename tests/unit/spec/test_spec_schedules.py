"""Schedules: words, cron and the Logic Apps form, and what a change of the clock does to them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.spec.schedules import coming, read_schedule, read_zone
from flowengine.spec.triggers import Recurrence

SPRING = datetime(2026, 3, 28, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 20, tzinfo=UTC)


def times(recurrence: Recurrence, after: datetime = SPRING, number: int = 3) -> list[str]:
    schedule = read_schedule(recurrence, "Europe/Berlin")
    return [moment.strftime("%a %d.%m.%y %H:%M %z") for moment in coming(schedule, after, number)]


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        ("every weekday at 09:00", "Mon 30.03.26 09:00 +0200", "Tue 31.03.26 09:00 +0200"),
        ("every weekend at 10:00", "Sat 28.03.26 10:00 +0100", "Sun 29.03.26 10:00 +0200"),
        ("every day at 9 am", "Sat 28.03.26 09:00 +0100", "Sun 29.03.26 09:00 +0200"),
        ("daily at noon", "Sat 28.03.26 12:00 +0100", "Sun 29.03.26 12:00 +0200"),
        ("every other day at 08:00", "Sun 29.03.26 08:00 +0200", "Tue 31.03.26 08:00 +0200"),
        ("every 15 minutes", "Sat 28.03.26 01:15 +0100", "Sat 28.03.26 01:30 +0100"),
        ("every 2 hours", "Sat 28.03.26 02:00 +0100", "Sat 28.03.26 04:00 +0100"),
        ("every 7 minutes", "Sat 28.03.26 01:03 +0100", "Sat 28.03.26 01:10 +0100"),
        ("hourly", "Sat 28.03.26 02:00 +0100", "Sat 28.03.26 03:00 +0100"),
        ("every 24 hours", "Sun 29.03.26 00:00 +0100", "Mon 30.03.26 00:00 +0200"),
        (
            "every monday, wednesday and friday at 09:00 and 17:00",
            "Mon 30.03.26 09:00 +0200",
            "Mon 30.03.26 17:00 +0200",
        ),
        ("mondays at 10:00", "Mon 30.03.26 10:00 +0200", "Mon 06.04.26 10:00 +0200"),
        ("every 2 weeks on monday at 9 am", "Mon 06.04.26 09:00 +0200", "Mon 20.04.26 09:00 +0200"),
        ("weekly at 09:00", "Mon 30.03.26 09:00 +0200", "Mon 06.04.26 09:00 +0200"),
        ("on day 1 of every month at 06:00", "Wed 01.04.26 06:00 +0200", "Fri 01.05.26 06:00 +0200"),
        ("on the 1st and 15th of each month at 06:00", "Wed 01.04.26 06:00 +0200", "Wed 15.04.26 06:00 +0200"),
        ("every 2 months on day 31 at 01:00", "Tue 31.03.26 01:00 +0200", "Sun 31.05.26 01:00 +0200"),
        ("on the last day of every month at 18:00", "Tue 31.03.26 18:00 +0200", "Thu 30.04.26 18:00 +0200"),
        ("on the first monday of every month at 09:00", "Mon 06.04.26 09:00 +0200", "Mon 04.05.26 09:00 +0200"),
        ("every year on 24 december at 08:00", "Thu 24.12.26 08:00 +0100", "Fri 24.12.27 08:00 +0100"),
        ("on march 31 every year", "Tue 31.03.26 00:00 +0200", "Wed 31.03.27 00:00 +0200"),
        ("every month at 06:00", "Wed 01.04.26 06:00 +0200", "Fri 01.05.26 06:00 +0200"),
        ("every year", "Fri 01.01.27 00:00 +0100", "Sat 01.01.28 00:00 +0100"),
    ],
)
def test_words(words, first, second):
    assert times(Recurrence(words=words), number=2) == [first, second]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("every weekdy at 09:00", 'did you mean "weekday"'),
        ("every day at 25:00", "there is no time"),
        ("every day at 9", 'write it like "09:00"'),
        ("every 15 minutes at 09:00", "have no time of day"),
        ("every 0 minutes", "from 1 to 1000"),
        ("on day 32 of every month", "no month has a day 32"),
        ("on the third moonday of every month", 'did you mean "monday"'),
        ("every year on 31 november", "November has no day 31"),
        ("every year on 1 septembre", "is not a month"),
        ("in the morning", "every weekday at 09:00"),
        ("0 9 * * 1-5", "this is a cron expression"),
    ],
)
def test_words_that_are_not_understood(words, hint):
    with pytest.raises(ValueError, match=hint):
        read_schedule(Recurrence(words=words))


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 9 * * 1-5", "Mon 30.03.26 09:00 +0200"),
        ("0 9 * * 0", "Sun 29.03.26 09:00 +0200"),
        ("0 9 * * 7", "Sun 29.03.26 09:00 +0200"),
        ("0 9 * * MON", "Mon 30.03.26 09:00 +0200"),
        ("@daily", "Sun 29.03.26 00:00 +0100"),
        ("@weekly", "Sun 29.03.26 00:00 +0100"),
    ],
)
def test_cron_counts_days_from_sunday(cron, first):
    assert times(Recurrence(cron=cron), number=1) == [first]


@pytest.mark.parametrize(
    ("cron", "hint"),
    [
        ("61 * * * *", '"61" is not right for the minute'),
        ("0 25 * * *", '"25" is not right for the hour'),
        ("0 0 32 * *", '"32" is not right for the day of the month'),
        ("0 0 * 13 *", '"13" is not right for the month'),
        ("0 0 * * 8", '"8" is not right for the day of the week'),
        ("0 0 31 2 *", "it would never happen"),
        ("* *", "5 fields"),
        ("0 0 9 * * *", "5 fields"),
        ("@dayly", "@daily"),
    ],
)
def test_a_cron_expression_that_cannot_be_read(cron, hint):
    with pytest.raises(ValueError, match=hint):
        read_schedule(Recurrence(cron=cron))


@pytest.mark.parametrize("recurrence", [Recurrence(words="every day at 02:30"), Recurrence(cron="30 2 * * *")])
def test_a_skipped_local_time_runs_at_the_next_valid_minute_and_a_doubled_one_once(recurrence):
    assert times(recurrence) == ["Sat 28.03.26 02:30 +0100", "Sun 29.03.26 03:00 +0200", "Mon 30.03.26 02:30 +0200"]
    assert times(recurrence, AUTUMN, 2) == ["Sun 25.10.26 02:30 +0200", "Mon 26.10.26 02:30 +0100"]


def test_two_skipped_times_that_meet_run_once():
    found = times(Recurrence(words="every day at 02:15 and 02:45"), number=4)
    assert found[2:] == ["Sun 29.03.26 03:00 +0200", "Mon 30.03.26 02:15 +0200"]


@pytest.mark.parametrize(
    ("recurrence", "first"),
    [
        (Recurrence(frequency="Week", on=("Monday", "Friday"), at=("09:00",)), "Mon 30.03.26 09:00 +0200"),
        (Recurrence(frequency="Day", at=("09:00", "17:00")), "Sat 28.03.26 09:00 +0100"),
        (Recurrence(frequency="Month", on=(15,)), "Wed 15.04.26 00:00 +0200"),
        (Recurrence(frequency="Year"), "Fri 01.01.27 00:00 +0100"),
        (Recurrence(frequency="Hour", interval=6), "Sat 28.03.26 06:00 +0100"),
        (Recurrence(frequency="Minute", interval=10), "Sat 28.03.26 01:10 +0100"),
    ],
)
def test_the_logic_apps_form(recurrence, first):
    assert times(recurrence, number=1) == [first]
    assert read_schedule(recurrence).describe().startswith("every ")


@pytest.mark.parametrize(
    "recurrence",
    [
        Recurrence(),
        Recurrence(frequency="Hour", at=("09:00",)),
        Recurrence(frequency="Week", on=(3,)),
        Recurrence(frequency="Month", on=("Monday",)),
        Recurrence(frequency="Day", on=("Monday",)),
    ],
)
def test_a_logic_apps_form_that_makes_no_sense(recurrence):
    with pytest.raises(ValueError, match=r"write|go with"):
        read_schedule(recurrence)


def test_a_schedule_says_itself_in_words():
    assert read_schedule(Recurrence(words="every 15 minutes")).describe() == "every 15 minutes"
    assert read_schedule(Recurrence(words="every day at 09:00"), "UTC").describe() == "every day at 09:00 (UTC)"
    assert read_schedule(Recurrence(cron="0 9 * * 1-5")).describe() == "At 09:00 on Monday through Friday (UTC)"
    assert read_schedule(Recurrence(words="every 7 minutes")).describe() == "every 7 minutes"


def test_zones_by_their_iana_and_windows_names():
    assert read_zone("W. Europe Standard Time").key == "Europe/Berlin"
    assert read_zone("America/New_York").key == "America/New_York"
    for name, hint in {
        "Berlin": "Europe/Berlin",
        "Europe/Berln": "Europe/Berlin",
        "../etc": "an area and a city",
    }.items():
        with pytest.raises(ValueError, match=hint):
            read_zone(name)


RECURRENCES = st.sampled_from(
    [
        Recurrence(words="every day at 02:30 and 03:00"),
        Recurrence(words="every 3 weeks on sunday at 02:00"),
        Recurrence(words="on the last day of every 2 months at 23:59"),
        Recurrence(words="every 90 minutes"),
        Recurrence(words="every 20 minutes"),
        Recurrence(cron="30 2 * * *"),
    ]
)


@given(RECURRENCES, st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]))  # fmt: skip  # noqa: DTZ001
def test_times_only_ever_go_forward(recurrence, moment, zone):
    start = moment.replace(tzinfo=UTC)
    found = [start, *(one.astimezone(UTC) for one in coming(read_schedule(recurrence, zone), start, 5))]
    assert len(found) == 6
    assert all(before < after for before, after in itertools.pairwise(found))


@given(st.text(st.sampled_from("every day on of the last 0123456789 at : , week month monday*/-"), max_size=60))
def test_any_words_are_a_schedule_or_a_value_error(words):
    for recurrence in (Recurrence(words=words), Recurrence(cron=words)):
        try:
            read_schedule(recurrence).next_after(SPRING)
        except ValueError as error:
            assert str(error)  # noqa: PT017  # most texts raise, some do not
