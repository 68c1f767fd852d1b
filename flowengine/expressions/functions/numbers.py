"""Numbers: Power Automate's math functions and .NET's number formats. Text that is a number counts as one."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

from jinja2 import pass_context
from jinja2.runtime import Context

from flowengine.errors import ExpressionError
from flowengine.expressions.arithmetic import arithmetic
from flowengine.expressions.functions.draw import drawn
from flowengine.expressions.functions.table import Table
from flowengine.expressions.values import shown
from flowengine.types import Json

TABLE = Table("numbers")
add = TABLE.add

Number: TypeAlias = int | float

_GROUPED = re.compile(r"\s*[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*", re.ASCII)


def number_of(value: Json) -> Number | None:
    """The number that a value is or says; None when it is none. Booleans are not numbers."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if (
        isinstance(value, str)
        and len(value) <= 400
        and re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", value)
    ):
        number = float(value)
        return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else number if math.isfinite(number) else None
    return None


def number(value: Json) -> Number:
    """The same, or an error that shows the value."""
    found = number_of(value)
    if found is None:
        raise ExpressionError(f"{shown(value)} is not a number")
    return found


@add("add(a, b)", "The sum.", "{{ add(2, '3') }}", 5)
def plus(left: Json, right: Json) -> Json:
    return arithmetic("+", number(left), number(right))


@add("sub(a, b)", "The difference.", "{{ sub(10, 2.5) }}", 7.5)
def minus(left: Json, right: Json) -> Json:
    return arithmetic("-", number(left), number(right))


@add("mul(a, b)", "The product.", "{{ mul(6, 7) }}", 42)
def times(left: Json, right: Json) -> Json:
    return arithmetic("*", number(left), number(right))


@add("div(a, b)", "The quotient; of whole numbers the whole part.", "{{ div(7, 2) }}", 3)
def divided(left: Json, right: Json) -> Json:
    one, other = number(left), number(right)
    if isinstance(one, int) and isinstance(other, int):
        whole = arithmetic("//", abs(one), abs(other))
        return whole if (one < 0) == (other < 0) else -whole
    return arithmetic("/", one, other)


@add("mod(a, b)", "What is left after dividing.", "{{ mod(7, 3) }}", 1)
def modulo(left: Json, right: Json) -> Json:
    return arithmetic("%", number(left), number(right))


@add("int(value)", "A whole number.", "{{ int('42') }}", 42)
def integer(value: Json, default: Json = None) -> Json:
    found = number_of(value) if not isinstance(value, bool) else int(value)
    return _or_default(value, default, None if found is None else int(found), "a whole number")


@add(
    "float(value)",
    "A number with decimals; a text may group its digits with commas.",
    "{{ float('1,002.50') }}",
    1002.5,
)
def decimal(value: Json, default: Json = None) -> Json:
    grouped = isinstance(value, str) and len(value) <= 400 and _GROUPED.fullmatch(value)
    found = number_of(value.replace(",", "") if grouped else value)
    try:
        return _or_default(value, default, None if found is None else float(found), "a number")
    except OverflowError:
        raise ExpressionError(f"{shown(value)} is too large") from None


@add("isInt(text)", "Whether a text is a whole number.", "{{ isInt('12') }}", True)
def is_int(value: Json) -> bool:
    return isinstance(number_of(value), int)


@add("isFloat(text)", "Whether a text is a number.", "{{ isFloat('12.5') }}", True)
def is_float(value: Json) -> bool:
    return number_of(value) is not None


@add("min(a, b, ...)", "The smallest of some numbers, or of a list.", "{{ min(3, 1, 2) }}", 1, is_filter=False)
def smallest(*values: Json) -> Number:
    return min(_numbers(values))


@add("max(a, b, ...)", "The largest of some numbers, or of a list.", "{{ max([3, 1, 2]) }}", 3, is_filter=False)
def largest(*values: Json) -> Number:
    return max(_numbers(values))


@add("rand(from, to)", "A whole number by chance, `to` excluded.", "{{ rand(5, 6) }}", 5, is_filter=False, drawn=True)
@pass_context
def rand(context: Context, start: int, end: int) -> int:
    if end <= start:
        raise ExpressionError(f"rand: {end} must be more than {start}")
    return start + drawn(context).below(end - start)


@add(
    "formatNumber(number, format)",
    "A number as text: N2 with thousands, F2 without, P0 percent, C2 dollars, D5 padded, or a pattern such as #,##0.00.",
    "{{ formatNumber(1234567.891, 'N2') }}",
    "1,234,567.89",
)
def format_number(value: Json, pattern: str, locale: str = "en-US") -> str:
    if not locale.lower().startswith("en"):
        raise ExpressionError(f'numbers are formatted the English way only; the locale "{locale}" is not known')
    amount = Decimal(str(number(value)))
    standard = re.fullmatch(r"([CDEFGNPXcdefgnpx])(\d{0,2})", pattern)
    return _standard(amount, standard[1], standard[2]) if standard else _custom(amount, pattern)


def _standard(amount: Decimal, letter: str, digits: str) -> str:
    places = int(digits) if digits else 2
    sign = "-" if amount < 0 else ""
    match letter.upper():
        case "C":
            return f"{sign}${_rounded(abs(amount), places):,f}"
        case "D":
            return sign + str(int(abs(amount))).zfill(int(digits or 0))
        case "E":
            return f"{amount:.{int(digits) if digits else 6}{letter}}"
        case "F":
            return f"{_rounded(amount, places):f}"
        case "N":
            return f"{_rounded(amount, places):,f}"
        case "P":
            return f"{_rounded(amount * 100, places):,f}%"
        case "X":
            return f"{int(amount):0{int(digits or 0)}{letter}}"
        case _:
            return f"{amount.normalize():f}"


def _custom(amount: Decimal, pattern: str) -> str:
    found = re.search(r"[#0,]*[#0](?:\.[#0]+)?", pattern)
    if not found:
        raise ExpressionError(f'"{pattern}" is not a number format; write one such as N2 or #,##0.00')
    whole, _, decimals = found[0].partition(".")
    if pattern[found.end() :].startswith("%"):
        amount *= 100
    text = f"{_rounded(abs(amount), len(decimals)):{',' if ',' in whole else ''}f}"
    head, _, tail = text.partition(".")
    head = head.zfill(whole.count("0")) if head != "0" or "0" in whole else ""
    while tail.endswith("0") and decimals[len(tail) - 1] == "#":
        tail = tail[:-1]
    written = head + (f".{tail}" if tail else "")
    return ("-" if amount < 0 else "") + pattern[: found.start()] + written + pattern[found.end() :]


def _rounded(amount: Decimal, places: int) -> Decimal:
    try:
        return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    except ArithmeticError:
        raise ExpressionError("the number is too large for this format") from None


def _numbers(values: tuple[Json, ...]) -> list[Number]:
    listed = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    if not listed:
        raise ExpressionError("there is nothing to choose from: the list is empty")
    return [number(value) for value in listed]


def _or_default(value: Json, default: Json, found: Json, wanted: str) -> Json:
    if found is not None:
        return found
    if default is None:
        raise ExpressionError(f"{shown(value)} is not {wanted}")
    return default
