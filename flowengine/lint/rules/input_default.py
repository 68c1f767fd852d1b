"""input-default: an input whose default or choices do not fit its type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec.reading import describe
from flowengine.types import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?")


def _check(context: Context) -> Iterator[Finding]:
    for name, one in context.flow.inputs.items():
        loc = ("inputs", name)
        if one.default is not None and not _fits(one.type, one.default):
            told = f'the default of "{name}" must be {_words(one.type)}, not {describe(one.default)}'
            yield context.at((*loc, "default"), RULE.id, told)
        elif one.default is not None and one.choices and one.default not in one.choices:
            told = f'the default of "{name}" is not among its choices'
            yield context.at(
                (*loc, "default"), RULE.id, told, f"write one of: {', '.join(str(each) for each in one.choices)}"
            )
        for index, choice in enumerate(one.choices):
            if not _fits(one.type, choice):
                told = f'the choices of "{name}" must each be {_words(one.type)}, not {describe(choice)}'
                yield context.at((*loc, "choices", index), RULE.id, told)


def _words(kind: str) -> str:
    return {"boolean": "true or false", "object": "a group of keys"}.get(kind, f"a {kind}")


def _fits(kind: str, value: Json) -> bool:
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "date":
            return isinstance(value, str) and ("{{" in value or _DATE.fullmatch(value) is not None)
        case _:
            return isinstance(value, str | int | float) and not isinstance(value, bool)


RULE = Rule(
    id="input-default",
    meaning="The default of an input, and each of its choices, must be of the input's own type.",
    wrong="inputs:\n  days: { type: number, default: many }",
    right="inputs:\n  days: { type: number, default: 7 }",
    check=_check,
)
