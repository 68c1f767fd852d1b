"""What the run page makes of an action: its requests, its lines, and lists as tables."""

from datetime import UTC, datetime

import pytest

from flowengine.server.pages.detail import calls_of, written
from flowengine.server.pages.grid import COLUMNS, ROWS, grid
from flowengine.spec.load import parse_flow
from flowengine.store.records import ActionRecord, Attempt
from flowengine.types import Sent, Status

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def attempt(number, sent):
    return Attempt(number=number, started_at=NOW, duration_ms=1.0, request=sent)


def action(*attempts):
    return ActionRecord(
        run_id="r", path=("one",), number=1, name="One", kind="use", status=Status.FAILED, started_at=NOW, attempts=attempts
    )  # fmt: skip


def test_requests_that_were_the_same_are_told_once_with_their_attempts():
    one, other = Sent("POST", "http://a.example/", body='{"a": 1}'), Sent("POST", "http://a.example/", body="[oops")
    calls = calls_of(action(attempt(1, one), attempt(2, one), attempt(3, None), attempt(4, other)))
    assert [(call.attempts, call.body) for call in calls] == [("1, 2", {"a": 1}), ("4", "[oops")]
    assert calls_of(None) == []


@pytest.mark.parametrize(
    ("value", "name", "columns", "total"),
    [
        ([{"id": 1}, {"id": 2, "name": "b"}], "", ("id", "name"), 2),
        ({"status": 200, "body": [{"id": 1}]}, "body", ("id",), 1),
        ({"body": {"tickets": [{"id": 1}], "agents": [{"n": 1}, {"n": 2}]}}, "body.agents", ("n",), 2),
    ],
)
def test_the_longest_list_of_objects_is_a_table(value, name, columns, total):
    found = grid(value)
    assert (found.name, found.columns, found.total) == (name, columns, total)


@pytest.mark.parametrize(
    "value", [None, "a", 3, [], [1, 2], [{}], {"a": [1, {"b": 2}]}, {"a": {"b": {"c": [{"d": 1}]}}}]
)
def test_other_values_are_no_table(value):
    assert grid(value) is None


def test_a_table_keeps_to_its_size_and_says_what_it_leaves_out():
    found = grid([{f"c{number}": "x" * 500 for number in range(20)} for _ in range(300)])
    assert (len(found.columns), found.left_out, len(found.rows), found.total) == (COLUMNS, 8, ROWS, 300)
    assert all(len(cell) <= 80 for row in found.rows for cell in row)


def test_an_action_is_shown_with_its_own_lines():
    text = "flow: A\ntrigger: {manual: true}\nactions:\n  - name: One\n    log: a\n\n  - name: Two\n    log: b\n"
    flow, _ = parse_flow(text, "a.yaml", "a")
    shown = written(text, flow.actions[0])
    assert (shown.first, shown.lines[-1].strip()) == (4, "log: a")
    assert written(text, None) is None
