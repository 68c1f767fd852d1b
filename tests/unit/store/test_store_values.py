"""How values are kept: JSON as text, times as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.store import action_rows
from flowengine.store.codec import from_moment, from_text, to_moment, to_text
from flowengine.store.documents import error_document, readable, timestamp
from flowengine.store.ids import first_id_at, new_id
from flowengine.store.records import Attempt
from flowengine.store.seal import Seal
from flowengine.types import Sent
from tests.fakes.records import START, a_run, an_action
from tests.fakes.standing_clock import StandingClock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_comes_back_as_it_was(value):
    text = to_text(value)
    assert from_text(text) == value
    assert text is None or "\x00" not in text


@pytest.mark.parametrize("value", [2**70, "half \ud83d", {"deep": [2**64]}])
def test_what_the_quick_writer_cannot_say_comes_back_too(value):
    assert from_text(to_text(value)) == value
    to_text(value).encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_become_nothing(value):
    assert from_text(to_text([value])) == [None]


@given(st.integers(min_value=0, max_value=7_258_118_400_000_000))
def test_times_come_back_to_the_microsecond(microseconds):
    assert to_moment(from_moment(microseconds)) == microseconds


def test_times_are_shown_in_utc():
    assert timestamp(datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=1)))) == "2026-03-02T08:30:00.000Z"
    assert timestamp(None) is None
    assert (to_moment(None), from_moment(None)) == (None, None)


def test_bodies_are_shown_as_json_else_as_text():
    assert readable(b'{"a": 1}') == {"a": 1}
    assert readable(b"\xff no json") == "\ufffd no json"
    assert readable(b"") is None


def test_errors_have_every_field():
    assert error_document({"code": "x", "message": "y"}) == {
        "action": None, "code": "x", "message": "y", "status_code": None, "body": None, "line": None, "column": None,
    }  # fmt: skip


def test_ids_sort_by_time_even_when_the_clock_is_set_back():
    clock = StandingClock(datetime(2031, 1, 1, tzinfo=UTC))
    first = new_id(clock)
    clock.pass_(days=-1)
    assert new_id(clock) > first >= first_id_at(datetime(2031, 1, 1, tzinfo=UTC))


POST = Sent("POST", "https://api.example.com/tickets", {"Accept": "*/*"}, '{"a":1}', None)
CUT = Sent("PUT", "https://api.example.com/files", {}, None, "9 bytes of image/png")


@pytest.mark.parametrize(
    "requests",
    [(POST,), (POST, POST, POST), (None, POST), (POST, None, POST), (None, None), (POST, CUT, CUT), ()],
    ids=lambda given: f"{len(given)} tries",
)
@pytest.mark.parametrize("secure", [frozenset(), frozenset({"inputs"})], ids=["open", "secure"])
def test_requests_come_back_with_their_attempts(requests, secure, tmp_path):
    attempts = tuple(
        Attempt(number=number, started_at=START, duration_ms=1.5, request=request)
        for number, request in enumerate(requests, 1)
    )
    seal = Seal(tmp_path / "key")
    record = an_action(a_run(), attempts=attempts, secure=secure)
    row = action_rows.put(record, 1, seal).row
    assert action_rows.action_of(row, seal.open).attempts == attempts
    if secure and attempts:
        assert "example.com" not in str(row)
        assert action_rows.action_of(row).attempts == ()


def test_a_request_that_is_sent_again_is_written_once():
    attempts = tuple(Attempt(number=one, started_at=START, duration_ms=1, request=POST) for one in range(1, 60))
    row = action_rows.put(an_action(a_run(), attempts=attempts), 1, Seal(None)).row
    assert str(row).count(POST.url) == 1


def test_request_lines_of_the_first_databases_are_read():
    row = list(action_rows.put(an_action(a_run()), 1, Seal(None)).row)
    row[9] = (
        '[{"number":1,"started_at":0,"duration_ms":1,"status_code":200,"error":null,"request":"GET https://a.example.com/b c"}]'
    )
    assert action_rows.action_of(row).attempts[0].request == Sent("GET", "https://a.example.com/b c")


def test_what_was_never_stored_hides_what_was_sent():
    action = an_action(
        a_run(),
        secure=frozenset({"inputs"}),
        inputs={"a": 1},
        attempts=(Attempt(number=1, started_at=START, duration_ms=1, request=POST),),
    )
    assert "tickets" not in str(action_rows.hidden(action).attempts)
