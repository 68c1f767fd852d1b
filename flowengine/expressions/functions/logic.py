"""Choosing and comparing by Power Automate's function names; Jinja's own `if`, `and`, `==` do the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Undefined

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.numbers import number_of
from flowengine.expressions.functions.table import Table
from flowengine.expressions.values import shown, text_of
from flowengine.types import Json

TABLE = Table("logic")
add = TABLE.add


@add(
    "coalesce(a, b, ...)",
    "The first value that is there and not null.",
    "{{ coalesce(none, ticket.owner, 'nobody') }}",
    "nobody",
    scope={"ticket": {}},
    takes_missing=True,
)
def coalesce(*values: Any) -> Json:
    return next((value for value in values if not isinstance(value, Undefined) and value is not None), None)


@add("empty(value)", "Whether it is missing, null, or has nothing in it.", "{{ empty([]) }}", True, takes_missing=True)
def empty(value: Any) -> bool:
    return (
        isinstance(value, Undefined) or value is None or (isinstance(value, str | list | tuple | Mapping) and not value)
    )


@add(
    "if(condition, yes, no)",
    "One of two values.",
    "{{ if(2 > 1, 'more', 'less') }}",
    "more",
    is_filter=False,
    takes_missing=True,
)
def choose(condition: Any, yes: Any, no: Any) -> Any:
    return yes if truth(condition) else no


@add("and(a, b, ...)", "Whether all are true.", "{{ and(true, 1 == 1) }}", True, is_filter=False)
def both(*values: Json) -> bool:
    return all(truth(value) for value in values)


@add("or(a, b, ...)", "Whether any is true.", "{{ or(false, 1 == 1) }}", True, is_filter=False)
def either(*values: Json) -> bool:
    return any(truth(value) for value in values)


@add("equals(a, b)", "Whether both are the same.", "{{ equals('a', 'a') }}", True, is_filter=False)
def equals(left: Json, right: Json) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


@add("greater(a, b)", "Whether the first is more.", "{{ greater(10, 9) }}", True, is_filter=False)
def greater(left: Json, right: Json) -> bool:
    return order(left, right) > 0


@add(
    "greaterOrEquals(a, b)",
    "Whether the first is as much or more.",
    "{{ greaterOrEquals(9, 9) }}",
    True,
    is_filter=False,
)
def greater_or_equals(left: Json, right: Json) -> bool:
    return order(left, right) >= 0


@add("less(a, b)", "Whether the first is less.", "{{ less('a', 'b') }}", True, is_filter=False)
def less(left: Json, right: Json) -> bool:
    return order(left, right) < 0


@add("lessOrEquals(a, b)", "Whether the first is as much or less.", "{{ lessOrEquals(9, 9) }}", True, is_filter=False)
def less_or_equals(left: Json, right: Json) -> bool:
    return order(left, right) <= 0


@add("contains(value, part)", "Whether a text, list or object holds something.", "{{ contains([1, 2], 2) }}", True)
def contains(value: Json, part: Json) -> bool:
    if isinstance(value, str):
        return text_of(part) in value
    if isinstance(value, list | tuple | Mapping):
        return part in value
    raise ExpressionError(f"{shown(value)} cannot hold anything: text, a list or an object is expected")


@add("bool(value)", "true or false, from text or a number.", "{{ bool('true') }}", True)
def boolean(value: Json) -> bool:
    match value:
        case bool() | int() | float():
            return bool(value)
        case str() if value.strip().lower() in ("true", "1", "yes"):
            return True
        case str() if value.strip().lower() in ("false", "0", "no", ""):
            return False
    raise ExpressionError(f"{shown(value)} is neither true nor false")


def truth(value: Any) -> bool:
    """The value as `true` or `false`; anything else is an error, as a missing one is."""
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    if not isinstance(value, bool):
        raise ExpressionError(f"true or false is expected, not {shown(value)}")
    return value


def order(left: Json, right: Json) -> int:
    """-1, 0 or 1: numbers (also as text) by size, texts by letters."""
    one, other = number_of(left), number_of(right)
    if one is not None and other is not None:
        return (one > other) - (one < other)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    raise ExpressionError(f"{shown(left)} and {shown(right)} cannot be compared")
