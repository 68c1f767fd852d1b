"""Reading conditions."""

from __future__ import annotations

import re
from typing import Any

from flowengine.findings import nearest
from flowengine.spec.conditions import OPERATORS, UNARY_OPERATORS, AllOf, AnyOf, Comparison, Condition, Not, Truth
from flowengine.spec.document import MISTAKES
from flowengine.spec.language import Key
from flowengine.spec.places import Location
from flowengine.spec.read_keys import suggest_key
from flowengine.spec.reading import Reading, describe, has_template, one_of
from flowengine.types import Json

_GROUPS = ("all", "any", "not")
_NEVER_READ = True
"""Stands for a condition that could not be read, so that the rest of the file still can."""


def read_condition(reading: Reading, loc: Location, value: Json, _key: Key | None = None) -> Condition:
    """One condition: a template, a comparison, a group; or a list, all of which must hold."""
    match value:
        case list():
            return AllOf(read_conditions(reading, loc, value), loc)
        case dict():
            return _mapping(reading, loc, value)
        case bool():
            return Truth(value, loc)
        case str() if has_template(value):
            return Truth(value, loc)
        case str():
            quote = "'" if '"' in value and "'" not in value else '"'
            hint = f"write it as a template: {quote}{{{{ {value} }}}}{quote}"
            reading.report(loc, "bad-condition", f'"{value}" is a plain text, which is neither true nor false', hint)
        case _:
            hint = 'write a template, or "value:" with a comparison such as "contains:"'
            reading.report(loc, "bad-condition", f"a condition cannot be {describe(value)}", hint)
    return Truth(_NEVER_READ, loc)


def read_conditions(reading: Reading, loc: Location, value: Json, _key: Key | None = None) -> tuple[Condition, ...]:
    """A list of conditions, each with the place it stands at."""
    if not isinstance(value, list):
        told = f'"{loc[-1]}" must be a list of conditions, not {describe(value)}'
        reading.report(loc, "wrong-type", told, 'begin each condition with "- "')
        return (read_condition(reading, loc, value),) if isinstance(value, dict | str) else ()
    return tuple(read_condition(reading, (*loc, index), item) for index, item in enumerate(value))


def _mapping(reading: Reading, loc: Location, value: dict[str, Json]) -> Condition:
    groups = [name for name in _GROUPS if name in value]
    if not groups:
        return _comparison(reading, loc, value)
    for name in value:
        if name != groups[0]:
            told = f'"{name}" cannot stand beside "{groups[0]}"'
            reading.report((*loc, name), "misplaced-key", told, 'make it a condition of its own with "- "', key=True)
    inner = (*loc, groups[0])
    match groups[0]:
        case "all":
            return AllOf(read_conditions(reading, inner, value["all"]), loc)
        case "any":
            return AnyOf(read_conditions(reading, inner, value["any"]), loc)
        case _:
            return Not(read_condition(reading, inner, value["not"]), loc)


def _comparison(reading: Reading, loc: Location, value: dict[str, Json]) -> Condition:
    known = ("value", "match_case", *OPERATORS)
    unknown = [] if reading.full else [name for name in value if name not in known]
    for name in unknown:
        hint = suggest_key(name, [*known, *_GROUPS])
        reading.report((*loc, name), "unknown-key", f'a condition has no key "{name}"', hint, key=True)
    operators = [name for name in value if name in OPERATORS]
    if "value" not in value and not any(nearest(name, ("value", *_GROUPS)) for name in unknown[:MISTAKES]):
        _no_value(reading, loc, operators)
    if not operators and not unknown and "value" in value:
        hint = f"write one of: {', '.join(OPERATORS)}"
        reading.report(loc, "missing-key", "this condition does not say what to compare the value with", hint)
    for extra in operators[1:]:
        told = f'"{extra}" stands beside "{operators[0]}": a condition compares once'
        reading.report((*loc, extra), "misplaced-key", told, "write a second condition with its own value", key=True)
    if not operators:
        return Truth(_NEVER_READ, loc)
    return _compare(reading, loc, value, operators[0])


def _no_value(reading: Reading, loc: Location, operators: list[str]) -> None:
    if operators:
        hint = 'write "value:" with a template, such as value: "{{ trigger.subject }}"'
        reading.report((*loc, operators[0]), "missing-key", 'this condition needs the key "value"', hint, key=True)
    else:
        reading.report(
            loc,
            "missing-key",
            'this condition needs the key "value" and a comparison',
            f"write {one_of(_GROUPS)}, or value",
        )


def _compare(reading: Reading, loc: Location, value: dict[str, Json], operator: str) -> Comparison:
    operand = value[operator]
    _check_operand(reading, (*loc, operator), operator, operand)
    match_case: Any = value.get("match_case", False)
    if not isinstance(match_case, bool):
        reading.wrong_type((*loc, "match_case"), "true or false", match_case)
        match_case = False
    return Comparison(value.get("value"), operator, operand, match_case, loc)


def _check_operand(reading: Reading, loc: Location, operator: str, operand: Json) -> None:
    if has_template(operand):
        return
    if operator in UNARY_OPERATORS and not isinstance(operand, bool):
        reading.wrong_type(loc, "true or false", operand)
    elif operator == "is_one_of" and not isinstance(operand, list):
        hint = f"write it in brackets: [{operand}]" if isinstance(operand, str | int | float) else ""
        reading.wrong_type(loc, "a list", operand, hint)
    elif operator in ("more_than", "less_than", "at_least", "at_most") and not _is_ordered(operand):
        reading.wrong_type(loc, "a number, a date or a template", operand)
    elif operator == "matches":
        _check_pattern(reading, loc, operand)


def _is_ordered(operand: Json) -> bool:
    if isinstance(operand, str):
        return bool(re.search(r"\d", operand))
    return isinstance(operand, int | float) and not isinstance(operand, bool)


def _check_pattern(reading: Reading, loc: Location, operand: Json) -> None:
    if not isinstance(operand, str):
        reading.wrong_type(loc, "a pattern (a regular expression)", operand)
        return
    try:
        re.compile(operand)
    except (re.error, OverflowError, RecursionError) as error:
        reading.report(
            loc, "not-allowed", f"this pattern cannot be read: {error}", "look at its brackets and backslashes"
        )
