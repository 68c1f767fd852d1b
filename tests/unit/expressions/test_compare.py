"""The operators of conditions: friendly, and never a silent false."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.errors import ExpressionError
from flowengine.expressions.compare import compare, may_run_long
from flowengine.expressions.values import shown
from flowengine.spec.conditions import OPERATORS

NOON, ONE = "2026-03-15T12:00:00Z", "2026-03-15T14:00:00+01:00"


@pytest.mark.parametrize(
    ("left", "operator", "right", "held"),
    [
        ("Refund", "is", "refund", True),
        ("Straße", "is", "STRASSE", True),
        (3, "is", "3", True),
        ("3.0", "is", 3, True),
        ("abc", "is", 3, False),
        (True, "is", "true", True),
        (True, "is", True, True),
        (None, "is", None, True),
        (None, "is", "x", False),
        ("", "is", None, False),
        (["A"], "is", ["a"], True),
        ({"a": "X"}, "is", {"a": "x"}, True),
        ({"a": 1}, "is", {"b": 1}, False),
        ("a", "is_not", "b", True),
        ("Give me a REFUND", "contains", "refund", True),
        ("order 123", "contains", 123, True),
        (["a", 2, None], "contains", "2", True),
        ([["x"], 1], "contains", "x", False),
        ({"Key": 1}, "contains", "key", True),
        ("abc", "does_not_contain", "z", True),
        ("Refund", "starts_with", "re", True),
        (1234, "ends_with", 34, True),
        ("Order 12", "matches", "^order [0-9]+$", True),
        (12, "matches", "^1", True),
        ("b", "is_one_of", ["A", "B"], True),
        (2, "is_one_of", ["1", "2"], True),
        (None, "is_one_of", ["a"], False),
        ("10", "more_than", 9, True),
        (9.5, "less_than", "10", True),
        ("1e2", "at_least", 100, True),
        (5, "at_most", 4, False),
        (NOON, "before", ONE, True),
        (ONE, "after", NOON, True),
        ("2026-03-15", "before", NOON, True),
        ("", "is_empty", True, True),
        ([], "is_empty", True, True),
        (None, "is_empty", True, True),
        (0, "is_empty", False, True),
        (None, "exists", False, True),
        ("", "exists", True, True),
    ],
)
def test_it_holds_or_not(left: Any, operator: str, right: Any, held: bool) -> None:
    assert compare(operator, left, right) is held


def test_letter_case_counts_when_asked() -> None:
    assert not compare("is", "Refund", "refund", True)
    assert not compare("contains", "Refund", "refund", True)
    assert not compare("matches", "Refund", "refund", True)
    assert compare("is_one_of", "A", ["a", "A"], True)


@pytest.mark.parametrize(
    ("left", "operator", "right"),
    [
        ("large", "more_than", 10),
        (True, "less_than", 2),
        (None, "at_least", 1),
        ("soon", "before", NOON),
        (1773581256, "after", NOON),
        (None, "contains", "x"),
        (7, "contains", "x"),
        ("x", "contains", ["x"]),
        ([1], "starts_with", "x"),
        (["a"], "is", "a"),
        ({"a": 1}, "is", 1),
        (True, "is", 1),
        (None, "matches", "x"),
        ("x", "matches", 3),
    ],
)
def test_what_cannot_be_compared_shows_both_values(left: Any, operator: str, right: Any) -> None:
    with pytest.raises(ExpressionError) as caught:
        compare(operator, left, right)
    assert shown(left) in caught.value.message
    assert shown(right) in caught.value.message
    assert "cannot be compared" in caught.value.message


@pytest.mark.parametrize(
    ("operator", "right", "message"),
    [
        ("is_one_of", "a, b", "needs a list"),
        ("is_empty", "yes", "takes true or false"),
        ("matches", "(", "not a regular expression"),
        ("contain", "x", 'did you mean "contains"'),
    ],
)
def test_an_operator_is_used_rightly(operator: str, right: Any, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        compare(operator, "a", right)


def test_patterns_that_repeat_are_made_in_the_child_process() -> None:
    assert may_run_long("matches", "(a+)+$")
    assert may_run_long("matches", r"(a)\1")
    assert not may_run_long("matches", "^[ab]c$")
    assert not may_run_long("contains", "a+")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(OPERATORS), VALUES, VALUES, st.booleans())
def test_any_two_values_give_an_answer_or_an_error_in_words(
    operator: str, left: Any, right: Any, match_case: bool
) -> None:
    try:
        assert isinstance(compare(operator, left, right, match_case), bool)
    except ExpressionError as error:
        assert error.message  # noqa: PT017
