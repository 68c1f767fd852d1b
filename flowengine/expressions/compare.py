"""The operators of conditions: flow-friendly comparisons that never give a silent false.

Text is compared without regard to letter case unless asked; a number and a text that says one are the same to all operators;
`before` and `after` take moments. What cannot be compared raises `ExpressionError` with both values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.moments import read_moment
from flowengine.expressions.functions.numbers import number_of
from flowengine.expressions.functions.text import compiled_pattern
from flowengine.expressions.values import kind_of, shown, text_of
from flowengine.findings import did_you_mean
from flowengine.types import Json


def compare(operator: str, left: Json, right: Json, match_case: bool = False) -> bool:
    """Whether `left operator right` holds. A missing value is given as None, which `exists` and `is_empty` answer."""
    if operator not in _OPERATORS:
        raise ExpressionError(f'there is no operator "{operator}"; {did_you_mean(operator, _OPERATORS)}')
    return _OPERATORS[operator](left, right, match_case)


def same(left: Json, right: Json, match_case: bool) -> bool:
    """`is`: equal, taking `3` and `"3"`, or `true` and `"true"`, for the same."""
    match left, right:
        case (None, _) | (_, None):
            return left is right
        case bool(), bool():
            return left == right
        case (bool(), str()) | (str(), bool()):
            return text_of(left).strip().lower() == text_of(right).strip().lower()
        case str(), str():
            return _folded(left, match_case) == _folded(right, match_case)
        case (int() | float() | str(), int() | float() | str()) if not isinstance(left, bool) and not isinstance(
            right, bool
        ):
            return number_of(left) == number_of(right) is not None
        case list(), list():
            return len(left) == len(right) and all(
                same(one, other, match_case) for one, other in zip(left, right, strict=True)
            )
        case dict(), dict():
            return left.keys() == right.keys() and all(same(left[key], right[key], match_case) for key in left)
    raise _not_comparable("is", left, right)


def _contains(left: Json, right: Json, match_case: bool) -> bool:
    match left:
        case str() if _is_scalar(right):
            return _folded(text_of(right), match_case) in _folded(left, match_case)
        case list():
            return any(_same_kind(item, right) and same(item, right, match_case) for item in left)
        case dict() if isinstance(right, str):
            return any(_folded(key, match_case) == _folded(right, match_case) for key in left)
    raise _not_comparable("contains", left, right)


def _starts_with(left: Json, right: Json, match_case: bool) -> bool:
    one, other = _texts("starts_with", left, right, match_case)
    return one.startswith(other)


def _ends_with(left: Json, right: Json, match_case: bool) -> bool:
    one, other = _texts("ends_with", left, right, match_case)
    return one.endswith(other)


def _matches(left: Json, right: Json, match_case: bool) -> bool:
    if not _is_scalar(left) or not isinstance(right, str):
        raise _not_comparable("matches", left, right)
    return compiled_pattern(right, match_case=match_case).search(text_of(left)) is not None


def _is_one_of(left: Json, right: Json, match_case: bool) -> bool:
    if not isinstance(right, list):
        raise ExpressionError(f"is_one_of needs a list, not {shown(right)} (the value is {shown(left)})")
    return any(_same_kind(left, item) and same(left, item, match_case) for item in right)


def _by_size(operator: str, holds: Callable[[float, float], bool]) -> Callable[[Json, Json, bool], bool]:
    def run(left: Json, right: Json, _: bool) -> bool:
        one, other = number_of(left), number_of(right)
        if one is None or other is None:
            raise _not_comparable(operator, left, right, "both must be numbers")
        return holds(one, other)

    return run


def _by_time(operator: str, sign: int) -> Callable[[Json, Json, bool], bool]:
    def run(left: Json, right: Json, _: bool) -> bool:
        one, other = read_moment(left), read_moment(right)
        if one is None or other is None:
            raise _not_comparable(operator, left, right, "both must be moments such as 2026-11-22T09:30:00Z")
        one, other = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (one, other))
        return one < other if sign < 0 else one > other

    return run


def _unary(operator: str, asked: Callable[[Json], bool]) -> Callable[[Json, Json, bool], bool]:
    def run(left: Json, right: Json, _: bool) -> bool:
        if not isinstance(right, bool):
            raise ExpressionError(f"{operator} takes true or false, not {shown(right)}")
        return asked(left) == right

    return run


def _empty(value: Json) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _negated(positive: Callable[[Json, Json, bool], bool]) -> Callable[[Json, Json, bool], bool]:
    return lambda left, right, match_case: not positive(left, right, match_case)


_OPERATORS: dict[str, Callable[[Json, Json, bool], bool]] = {
    "is": same,
    "is_not": _negated(same),
    "contains": _contains,
    "does_not_contain": _negated(_contains),
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "matches": _matches,
    "is_one_of": _is_one_of,
    "more_than": _by_size("more_than", lambda one, other: one > other),
    "less_than": _by_size("less_than", lambda one, other: one < other),
    "at_least": _by_size("at_least", lambda one, other: one >= other),
    "at_most": _by_size("at_most", lambda one, other: one <= other),
    "before": _by_time("before", -1),
    "after": _by_time("after", 1),
    "is_empty": _unary("is_empty", _empty),
    "exists": _unary("exists", lambda value: value is not None),
}

_RISKY = re.compile(r"[*+?{]|\\[1-9]|\(\?P=")


def may_run_long(operator: str, right: Json) -> bool:
    """Whether a comparison should be made in the child process: a pattern that repeats can take for ever."""
    return operator == "matches" and isinstance(right, str) and _RISKY.search(right) is not None


def _texts(operator: str, left: Json, right: Json, match_case: bool) -> tuple[str, str]:
    if not _is_scalar(left) or not _is_scalar(right):
        raise _not_comparable(operator, left, right)
    return _folded(text_of(left), match_case), _folded(text_of(right), match_case)


def _folded(text: str, match_case: bool) -> str:
    return text if match_case else text.casefold()


def _is_scalar(value: Json) -> bool:
    return isinstance(value, str | int | float)


def _same_kind(left: Json, right: Json) -> bool:
    return (
        left is None
        or right is None
        or (
            isinstance(left, list) == isinstance(right, list)
            and (isinstance(left, Mapping) == isinstance(right, Mapping))
        )
    )


def _not_comparable(operator: str, left: Json, right: Json, why: str = "") -> ExpressionError:
    told = f"{operator}: {shown(left)} ({kind_of(left)}) and {shown(right)} ({kind_of(right)}) cannot be compared"
    if left is None:
        why = "where it may be null, write coalesce(..., '') or ask is_empty first"
    return ExpressionError(f"{told}; {why}" if why else told)
