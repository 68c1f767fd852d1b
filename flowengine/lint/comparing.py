"""Comparisons inside templates that cannot work, or never hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from flowengine.expressions.references import Place
from flowengine.findings import Severity, did_you_mean, nearest
from flowengine.lint.shapes import Shape

_RULE = "not-comparable"
_ORDERED = frozenset({"lt", "lteq", "gt", "gteq"})
_NUMBERS = ("number", "integer")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in a template that cannot work, at its place in the template's text."""

    rule: str
    place: Place
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


def compared(
    operator: str, place: Place, one: tuple[Shape, nodes.Node], other: tuple[Shape, nodes.Node]
) -> Iterator[Mistake]:
    """What is wrong with `one operator other`; `place` is where the operator stands."""
    left, right = one[0], other[0]
    if operator in _ORDERED:
        yield from _ordered(left, right, place)
    elif operator in ("eq", "ne"):
        for shape, node in ((left, other[1]), (right, one[1])):
            if shape.choices and isinstance(node, nodes.Const) and isinstance(node.value, str):
                yield from _chosen(shape.choices, node)
        if left.type and right.type and _differ(left.type, right.type):
            told = f"{left.words} is never equal to {right.words}"
            yield Mistake(_RULE, place, told, _equal_hint(left, right), Severity.WARNING)


def added(place: Place, left: Shape, right: Shape) -> Iterator[Mistake]:
    """What is wrong with `left + right`: a text grows by texts only, a list by lists."""
    types = {left.type, right.type}
    if types in ({"string", "number"}, {"string", "integer"}):
        told = f"{left.words} and {right.words} cannot be added"
        yield Mistake(
            "wrong-value", place, told, "join them with ~, or make a number of the text with | int or | float"
        )


def _ordered(left: Shape, right: Shape, place: Place) -> Iterator[Mistake]:
    if left.moment or right.moment:
        told = "moments are compared as text here, which goes wrong when they are written differently"
        hint = 'compare toEpoch(...) with toEpoch(...), or use a condition with "before:" or "after:"'
        yield Mistake(_RULE, place, told, hint, Severity.WARNING)
    elif left.type and right.type and (_differ(left.type, right.type) or left.type in ("object", "boolean")):
        hint = "make a number of a text with | int or | float" if "string" in (left.type, right.type) else ""
        yield Mistake(_RULE, place, f"{left.words} and {right.words} cannot be compared", hint)


def _chosen(choices: tuple[str, ...], node: nodes.Const) -> Iterator[Mistake]:
    if node.value and node.value not in choices:
        place = (node.lineno + 1, node.lineno + 1 + len(node.value))
        severity = Severity.ERROR if nearest(node.value, choices) else Severity.WARNING
        yield Mistake(_RULE, place, f'it is never "{node.value}"', did_you_mean(node.value, choices), severity)


def _differ(one: str, other: str) -> bool:
    return one != other and not (one in _NUMBERS and other in _NUMBERS)


def _equal_hint(left: Shape, right: Shape) -> str:
    types = {left.type, right.type}
    if "string" in types and types & set(_NUMBERS):
        return 'leave out the quotes around the number, or use a condition with "is:"'
    return "compare it with something of its own kind"
