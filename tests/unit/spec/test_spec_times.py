"""Times as authors write them."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.spec.times import format_duration, parse_duration, parse_time_of_day


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10 seconds", 10),
        ("1 second", 1),
        ("5 min", 300),
        ("2 hours", 7200),
        ("1 day", 86_400),
        ("2 weeks", 1_209_600),
        ("1.5 hours", 5400),
        ("1 hour 30 minutes", 5400),
        ("1 hour and 30 minutes", 5400),
        ("an hour", 3600),
        ("90s", 90),
        ("PT10M", 600),
        ("P1DT2H", 93_600),
        ("P2W", 1_209_600),
        ("pt0.5s", 0.5),
        ("0 seconds", 0),
    ],
)
def test_a_time_is_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a number and a unit"),
        ("10", 'say the unit: "10 seconds"'),
        ("soon", "a number and a unit"),
        ("-5 minutes", "cannot be negative"),
        ("5 minuts", 'did you mean "minutes"?'),
        ("5 parsecs", "is not a unit of time"),
        ("1 month", "has no fixed length"),
        ("P1M", "without months and years"),
        ("P", "PT10M"),
        ("99999 days", "longer than 10 years"),
        ("99999999999999999999999999 weeks", "longer than 10 years"),
        ("10 seconds ago", "a number and a unit"),
    ],
)
def test_what_is_not_a_time_is_told_what_to_write(text, words):
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        parse_duration(text)


@given(st.integers(0, 300_000_000))
def test_a_time_in_words_reads_back(seconds):
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_value_error(text):
    for parse in (parse_duration, parse_time_of_day):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017  # most texts raise, some do not


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("09:00", time(9)),
        ("9:05", time(9, 5)),
        ("17:30:15", time(17, 30, 15)),
        ("9 am", time(9)),
        ("12 am", time(0)),
        ("12:30 pm", time(12, 30)),
        ("noon", time(12)),
        ("midnight", time(0)),
    ],
)
def test_a_time_of_day(text, clock):
    assert parse_time_of_day(text) == clock


@pytest.mark.parametrize("text", ["9", "25:00", "12:60", "13 pm", "half past nine", "0 am"])
def test_what_is_no_time_of_day(text):
    with pytest.raises(ValueError, match="time"):
        parse_time_of_day(text)
