"""The operators of templates, with their results measured before they are made.

`{{ 7**6000000 % 3 }}` would hold every thread of the process for seconds, and no sandbox stops that: so it is refused here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from flowengine.errors import ExpressionError
from flowengine.expressions.values import kind_of, shown, sized
from flowengine.types import Json

MAX_BITS = 4096
"""Of a whole number: some 1,200 digits."""

OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "**"})

_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def arithmetic(sign: str, left: Json, right: Json) -> Json:
    """`left sign right` for numbers; `+` also joins two texts or two lists, `*` also repeats a text or list."""
    if _is_number(left) and _is_number(right):
        return _numbers(sign, left, right)
    match sign, left, right:
        case "+", str(), str():
            sized(len(left) + len(right))
            return str(left) + str(right)
        case "+", list() | tuple(), list() | tuple():
            sized(len(left) + len(right))
            return [*left, *right]
        case "*", str() | list(), int() if _is_number(right):
            sized(len(left) * right)
            return left * right
    raise ExpressionError(_not_possible(sign, left, right))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(sign: str, left: float, right: float) -> Json:
    result: Any
    try:
        match sign:
            case "*":
                _bits(_size(left) + _size(right))
                result = left * right
            case "**":
                _bits(_size(left) * abs(right))
                result = left**right
            case _:
                result = _PLAIN[sign](left, right)
    except ZeroDivisionError:
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)}: a division by zero") from None
    except OverflowError:
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)}: the result is too large") from None
    if isinstance(result, complex) or (isinstance(result, float) and not math.isfinite(result)):
        raise ExpressionError(f"{shown(left)} {sign} {shown(right)}: the result is not a number")
    return result


def _size(number: float) -> int:
    return number.bit_length() if isinstance(number, int) else 64


def _bits(bits: float) -> None:
    if bits > MAX_BITS:
        raise ExpressionError("the number would have more than 1,000 digits")


def _not_possible(sign: str, left: Json, right: Json) -> str:
    told = f"{shown(left)} {sign} {shown(right)}: {kind_of(left)} and {kind_of(right)} do not go together"
    if sign == "+" and isinstance(left, str) != isinstance(right, str):
        return told + "; write ~ to join text with something else, or | int to count with it"
    if sign == "%" and isinstance(left, str):
        return told + "; write ~ to join text"
    return told
