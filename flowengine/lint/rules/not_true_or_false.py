"""not-true-or-false: a condition whose template gives something that is neither."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.conditions import conditions_of
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec.conditions import Truth

_BRACES = re.compile(r"\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_HINTS = {
    "array": 'to ask whether it has items, write "| length > 0" behind it',
    "number": "compare it, such as {{ ... > 0 }}",
    "integer": "compare it, such as {{ ... > 0 }}",
    "object": "name one of its fields and compare that",
}


def _check(context: Context) -> Iterator[Finding]:
    for condition in conditions_of(context.flow):
        if not isinstance(condition, Truth) or not isinstance(condition.template, str):
            continue
        text = condition.template
        if "{%" not in text and _BRACES.sub("", text).strip():
            hint = "put everything that is to be computed between one {{ and }}"
            told = "text around a template makes it a text, which is neither true nor false"
            yield context.at(condition.loc, RULE.id, told, hint)
            continue
        shape = context.shape_of(text, condition.loc)
        if shape.type in _HINTS or shape.moment:
            told = f"a condition gives true or false, and this gives {shape.words}"
            yield context.at(condition.loc, RULE.id, told, _HINTS.get(shape.type or "", "compare it with something"))


RULE = Rule(
    id="not-true-or-false",
    meaning=(
        "A condition that is a template must give true or false. A list, a number or an object is neither, and is refused "
        "rather than guessed at."
    ),
    wrong='actions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - log: there are some\n    when: "{{ agents }}"',
    right='actions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - log: there are some\n    when: "{{ agents | length > 0 }}"',
    check=_check,
)
