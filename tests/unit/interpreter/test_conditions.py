"""Conditions: decided in order, with both values of each comparison told."""

from __future__ import annotations

from typing import Any

import pytest

from flowengine.errors import ExpressionError
from flowengine.expressions.evaluate import InProcess
from flowengine.interpreter.conditions import evaluate, templates_of
from flowengine.spec.conditions import AllOf, AnyOf, Comparison, Condition, Not, Truth

LOC = ("conditions", 0)
SCOPE = {"trigger": {"subject": "Refund please", "amount": "120", "owner": None}}


def comparison(value: Any, operator: str, operand: Any, match_case: bool = False) -> Comparison:
    return Comparison(value=value, operator=operator, operand=operand, match_case=match_case, loc=LOC)


REFUND = comparison("{{ trigger.subject }}", "contains", "refund")
CHEAP = comparison("{{ trigger.amount }}", "less_than", 100)
BROKEN = comparison("{{ trigger.nope }}", "is", 1)


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        (REFUND, True),
        (CHEAP, False),
        (Not(CHEAP, LOC), True),
        (AllOf((REFUND, CHEAP), LOC), False),
        (AllOf((CHEAP, BROKEN), LOC), False),
        (AnyOf((REFUND, BROKEN), LOC), True),
        (AnyOf((CHEAP, CHEAP), LOC), False),
        (AllOf((), LOC), True),
        (Truth("{{ trigger.amount | int > 100 }}", LOC), True),
        (Truth("{{ trigger.subject is defined }} ", LOC), True),
        (Truth("tr{{ 'ue' }}", LOC), True),
        (Truth(False, LOC), False),
        (comparison("{{ trigger.nope.deeper }}", "exists", True), False),
        (comparison("{{ trigger.nope }}", "is_empty", True), True),
        (comparison("{{ trigger.owner }}", "exists", True), False),
        (comparison("{{ trigger.subject }}", "is_one_of", ["{{ trigger.subject }}"]), True),
        (comparison("{{ trigger.subject }}", "matches", "^refund .+"), True),
        (comparison("{{ trigger.subject }}", "matches", "^refund .+", True), False),
    ],
)
async def test_it_holds_or_not(condition: Condition, held: bool) -> None:
    assert (await evaluate(condition, SCOPE, InProcess())).held is held


async def test_the_reasons_show_what_was_compared() -> None:
    verdict = await evaluate(AllOf((REFUND, Not(CHEAP, LOC), CHEAP, BROKEN), LOC), SCOPE, InProcess())
    assert verdict.reasons == [
        {"operator": "contains", "left": "Refund please", "right": "refund", "held": True},
        {"operator": "less_than", "left": "120", "right": 100, "held": False, "negated": True},
        {"operator": "less_than", "left": "120", "right": 100, "held": False},
    ]
    assert verdict.because == '"120" less than 100: no'


async def test_a_negation_tells_what_held_within() -> None:
    verdict = await evaluate(Not(REFUND, LOC), SCOPE, InProcess())
    assert not verdict.held
    assert verdict.because == '"Refund please" contains "refund": yes'


@pytest.mark.parametrize(
    ("condition", "message", "at"),
    [
        (BROKEN, 'there is no "nope"', (*LOC, "value")),
        (comparison("a", "is_one_of", ["{{ nope }}"]), 'there is no "nope"', (*LOC, "is_one_of", 0)),
        (comparison("a", "more_than", 1), "cannot be compared", LOC),
        (comparison("a", "matches", "(+"), "not a regular expression", LOC),
        (Truth("{{ 1 }}", LOC), "gives true or false", LOC),
        (Truth("{{ nope }}", LOC), 'there is no "nope"', LOC),
    ],
)
async def test_a_mistake_has_its_place_in_the_file(condition: Condition, message: str, at: tuple[Any, ...]) -> None:
    with pytest.raises(ExpressionError) as caught:
        await evaluate(condition, SCOPE, InProcess())
    assert message in caught.value.message
    assert caught.value.at == at


def test_every_template_of_a_condition_is_found() -> None:
    condition = AllOf((AnyOf((REFUND,), LOC), Not(Truth("{{ x }}", LOC), LOC)), LOC)
    assert list(templates_of(condition)) == ["{{ trigger.subject }}", "refund", "{{ x }}"]
