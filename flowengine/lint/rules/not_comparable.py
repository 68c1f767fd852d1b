"""not-comparable: two values that cannot be compared, or never are what they are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowengine.expressions.functions.numbers import number_of
from flowengine.findings import Finding, Severity, did_you_mean, nearest
from flowengine.lint.conditions import conditions_of
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.shapes import Shape
from flowengine.spec import actions as records
from flowengine.spec.conditions import Comparison
from flowengine.spec.reading import describe, has_template
from flowengine.spec.source import Location
from flowengine.types import Json

_BY_SIZE = ("more_than", "less_than", "at_least", "at_most")
_BY_TEXT = ("starts_with", "ends_with", "matches")
_EQUAL = ("is", "is_not", "is_one_of")
_NUMBERS = ("number", "integer")


def _check(context: Context) -> Iterator[Finding]:
    for site, one in context.mistakes(RULE.id):
        yield context.inside(site, one.place, RULE.id, one.message, one.hint, one.severity)
    for condition in conditions_of(context.flow):
        if isinstance(condition, Comparison):
            yield from _comparison(context, condition)
    for action in context.actions:
        if isinstance(action, records.Switch):
            yield from _cases(context, action)


def _comparison(context: Context, condition: Comparison) -> Iterator[Finding]:
    left = context.shape_of(condition.value, (*condition.loc, "value"))
    operand = (*condition.loc, condition.operator)
    told = _impossible(left, condition.operator)
    if told:
        yield context.at_key(operand, RULE.id, told, _hint(left))
    elif condition.operator in _EQUAL:
        yield from _equal(context, left, condition.operand, operand, match_case=condition.match_case)
    elif condition.operator in _BY_SIZE:
        right = context.shape_of(condition.operand, operand)
        if right.type in ("array", "object", "boolean") or right.moment:
            yield context.at(operand, RULE.id, f"a number is needed here, not {_words(right)}", _hint(right))


def _impossible(left: Shape, operator: str) -> str:
    """Why the left side cannot be compared by this operator at all; empty when it can."""
    kind, words = left.type, operator.replace("_", " ")
    if operator in _BY_SIZE and (kind in ("array", "object", "boolean") or left.moment):
        return f'"{words}" compares numbers, and {_words(left)} stands on the left'
    if operator in ("before", "after") and kind in ("array", "object", "boolean", *_NUMBERS):
        return f'"{words}" compares moments, and {_words(left)} stands on the left'
    if operator in _BY_TEXT and kind in ("array", "object"):
        return f'"{words}" looks at a text, and {_words(left)} stands on the left'
    if operator in ("contains", "does_not_contain") and kind in ("boolean", *_NUMBERS):
        return f'"{words}" looks into a text or a list, and {_words(left)} stands on the left'
    return ""


def _words(shape: Shape) -> str:
    return "a moment" if shape.moment else shape.words


def _hint(shape: Shape) -> str:
    if shape.moment:
        return 'write "before:" or "after:"'
    return 'to compare how many there are, end the template with "| length"' if shape.type == "array" else ""


def _equal(context: Context, left: Shape, operand: Json, loc: Location, *, match_case: bool) -> Iterator[Finding]:
    several = isinstance(operand, list)
    for index, item in enumerate(operand) if several and isinstance(operand, list) else [(0, operand)]:
        place = (*loc, index) if several else loc
        finding = _never(context, left, item, place, match_case=match_case)
        if finding is not None:
            yield finding


def _cases(context: Context, action: records.Switch) -> Iterator[Finding]:
    left = context.shape_of(action.value, (*action.loc, "switch"))
    for name, (value, _) in zip(_case_names(context, action), action.cases, strict=False):
        loc = (*action.loc, "cases", name)
        finding = _never(context, left, value, loc, match_case=False, key=True)
        if finding is not None:
            yield finding


def _case_names(context: Context, action: records.Switch) -> Iterable[str]:
    source, found = context.flow.source, len(action.loc) + 2
    return [str(loc[-1]) for loc in source.keys if len(loc) == found and loc[:-1] == (*action.loc, "cases")]


def _never(
    context: Context, left: Shape, item: Json, loc: Location, *, match_case: bool, key: bool = False
) -> Finding | None:
    """A finding when a value of this shape is never equal to a literal."""
    place = context.at_key if key else context.at
    if has_template(item) or item is None:
        return None
    if left.choices and isinstance(item, str):
        return _not_a_choice(context, left, item, loc, match_case=match_case, key=key)
    fits = {
        "number": number_of(item) is not None,
        "integer": number_of(item) is not None,
        "boolean": isinstance(item, bool) or str(item).lower() in ("true", "false"),
        "string": not isinstance(item, list | dict),
        "array": isinstance(item, list),
        "object": isinstance(item, dict),
    }
    if left.type is None or fits.get(left.type, True):
        return None
    return place(loc, RULE.id, f"{left.words} is never {describe(item)}", _hint(left), Severity.WARNING)


def _not_a_choice(
    context: Context, left: Shape, item: str, loc: Location, *, match_case: bool, key: bool
) -> Finding | None:
    place = context.at_key if key else context.at
    known = left.choices if match_case else [one.casefold() for one in left.choices]
    if not item or (item if match_case else item.casefold()) in known:
        return None
    severity = Severity.ERROR if nearest(item, left.choices) else Severity.WARNING
    return place(loc, RULE.id, f'it is never "{item}"', did_you_mean(item, left.choices), severity)


RULE = Rule(
    id="not-comparable",
    meaning=(
        "Two values of different kinds cannot be compared, or are never equal; a value that has a few words to choose from is "
        "never another one. Moments are compared by `before` and `after`, because as text the same moment can be written in "
        "several ways."
    ),
    wrong='actions:\n  - log: many tickets\n    when: { value: "{{ [1, 2] }}", more_than: 3 }',
    right='actions:\n  - log: many tickets\n    when: { value: "{{ [1, 2] | length }}", more_than: 3 }',
    check=_check,
)
