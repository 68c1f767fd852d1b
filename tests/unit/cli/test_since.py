from datetime import UTC, datetime, timedelta

import pytest

from flowengine.cli.errors import WrongUsage
from flowengine.cli.since import parse_before, parse_since

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("30m", timedelta(minutes=30)),
        ("2w", timedelta(weeks=2)),
        ("90 minutes", timedelta(minutes=90)),
    ],
)
def test_a_length_of_time_counts_back_from_now(text, back):
    assert parse_since(text, NOW) == NOW - back


def test_a_moment_is_taken_as_it_is():
    assert parse_since("2026-01-31T09:00:00Z", NOW) == datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
    assert parse_since(None) is None


def test_an_endless_time_is_the_beginning():
    assert parse_since("99999999999d", NOW) == datetime.min.replace(tzinfo=UTC)


def test_anything_else_is_told_how_to_write_it():
    with pytest.raises(WrongUsage, match="write 24h, 7d"):
        parse_since("yesterday", NOW)


@pytest.mark.parametrize("text", ["nonsense", "@last", "", "01m8 x", "--"])
def test_what_can_be_no_id(text):
    with pytest.raises(WrongUsage, match="is not an id"):
        parse_before(text)


def test_an_id_or_the_beginning_of_one():
    assert parse_before("01M812KPBSG0") == "01m812kpbsg0"
    assert parse_before(None) is None
