"""Where a poll goes on, and how long it pauses."""

from datetime import timedelta

import pytest

from flowengine.connectors.announcing import Position
from flowengine.triggers.polling import Polled


@pytest.mark.parametrize(
    ("wait", "every", "pause"),
    [(None, None, 60), (None, 5, 5), (15, None, 15), (15, 60, 60), (90, 60, 90), (0, None, 1), (99999, 60, 3600)],
)
def test_how_long_a_poll_pauses(wait, every, pause):
    assert Polled(0, wait).pause(every and timedelta(seconds=every)).total_seconds() == pause


def test_a_position_takes_the_place_of_the_operation_s_own_query():
    position = Position({"since": "a b", "top": "1"})
    assert position.applied("https://x.example/r?since=0&k=%20") == "https://x.example/r?k=%20&since=a%20b&top=1"
    assert Position.from_json(position.to_json()) == position
    assert Position.from_json("2026-01-01") == Position()
