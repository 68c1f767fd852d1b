"""Whether conditions hold, and why: each comparison that was made, with both values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowengine.errors import ExpressionError
from flowengine.expressions.compare import compare, may_run_long
from flowengine.expressions.evaluate import Evaluator
from flowengine.expressions.values import shown
from flowengine.record import record
from flowengine.spec.conditions import UNARY_OPERATORS, AllOf, AnyOf, Comparison, Condition, Not, Truth
from flowengine.spec.source import Location
from flowengine.types import Json, JsonObject


@record(frozen=True, slots=True)
class Verdict:
    """The answer, and the comparisons that led to it, in order: `{"operator", "left", "right", "held"}` each."""

    held: bool
    reasons: list[JsonObject]

    @property
    def because(self) -> str:
        """In words, what decided it: for histories."""
        decisive = [_told(reason) for reason in self.reasons if (reason["held"] != ("negated" in reason)) == self.held]
        return "; ".join(decisive) or ("it holds" if self.held else "it does not hold")


async def evaluate(condition: Condition, scope: Mapping[str, Any], evaluator: Evaluator) -> Verdict:
    """Decide a condition; parts that cannot change the answer any more are not looked at.

    Raises `ExpressionError`, its `at` being the place in the flow's file.
    """
    match condition:
        case Truth():
            return await _truth(condition, scope, evaluator)
        case Comparison():
            return await _comparison(condition, scope, evaluator)
        case AllOf():
            return await _several(condition.conditions, scope, evaluator, until=False)
        case AnyOf():
            return await _several(condition.conditions, scope, evaluator, until=True)
        case Not():
            inner = await evaluate(condition.condition, scope, evaluator)
            return Verdict(not inner.held, [_negated(reason) for reason in inner.reasons])


def templates_of(condition: Condition) -> Iterator[Json]:
    """Every value in a condition that may hold templates."""
    match condition:
        case Truth():
            yield condition.template
        case Comparison():
            yield condition.value
            yield condition.operand
        case AllOf() | AnyOf():
            for inner in condition.conditions:
                yield from templates_of(inner)
        case Not():
            yield from templates_of(condition.condition)


async def _several(
    conditions: tuple[Condition, ...], scope: Mapping[str, Any], evaluator: Evaluator, *, until: bool
) -> Verdict:
    reasons: list[JsonObject] = []
    for condition in conditions:
        verdict = await evaluate(condition, scope, evaluator)
        reasons += verdict.reasons
        if verdict.held is until:
            return Verdict(until, reasons)
    return Verdict(not until, reasons)


async def _truth(condition: Truth, scope: Mapping[str, Any], evaluator: Evaluator) -> Verdict:
    value = await _rendered(condition.template, condition.loc, scope, evaluator)
    held = _as_boolean(value)
    if held is None:
        error = ExpressionError(
            f"a condition gives true or false, but this one gave {shown(value)}; compare it with something",
            template=str(condition.template),
        )
        error.at = condition.loc
        raise error
    return Verdict(held, [{"operator": "is_true", "left": condition.template, "right": True, "held": held}])


async def _comparison(condition: Comparison, scope: Mapping[str, Any], evaluator: Evaluator) -> Verdict:
    asks_presence = condition.operator in UNARY_OPERATORS
    left = await _rendered(condition.value, (*condition.loc, "value"), scope, evaluator, lenient=asks_presence)
    right = await _rendered(condition.operand, (*condition.loc, condition.operator), scope, evaluator)
    try:
        held = await _compared(condition, left, right, evaluator)
    except ExpressionError as error:
        error.at = condition.loc
        raise
    return Verdict(held, [{"operator": condition.operator, "left": left, "right": right, "held": held}])


async def _compared(condition: Comparison, left: Json, right: Json, evaluator: Evaluator) -> bool:
    if may_run_long(condition.operator, right) and isinstance(left, str | int | float):
        names = {"text": left, "pattern": right, "match_case": condition.match_case}
        return bool(await evaluator.render("{{ isMatch(text, pattern, match_case) }}", names))
    return compare(condition.operator, left, right, condition.match_case)


async def _rendered(
    value: Json, loc: Location, scope: Mapping[str, Any], evaluator: Evaluator, *, lenient: bool = False
) -> Json:
    try:
        return await evaluator.render(value, scope, lenient=lenient)
    except ExpressionError as error:
        error.at = (*loc, *error.at)
        raise


def _negated(reason: JsonObject) -> JsonObject:
    if "negated" in reason:
        return {name: value for name, value in reason.items() if name != "negated"}
    return {**reason, "negated": True}


def _as_boolean(value: Json) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _told(reason: JsonObject) -> str:
    if reason["operator"] == "is_true":
        return f"{reason['left']} is {'true' if reason['held'] else 'false'}"
    words = reason["operator"].replace("_", " ")
    return f"{shown(reason['left'])} {words} {shown(reason['right'])}: {'yes' if reason['held'] else 'no'}"
