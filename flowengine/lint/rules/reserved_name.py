"""reserved-name: `save_as` or `as` with a name that the engine uses itself."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.known import RESERVED
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records

_WORDS = frozenset({"true", "false", "none", "and", "or", "not", "in", "is", "if", "else", "for"})


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        named = {"save_as": action.save_as, "as": action.item_name if isinstance(action, records.ForEach) else None}
        for key, name in named.items():
            if name in RESERVED or (name or "").lower() in _WORDS:
                told = f'"{name}" has a meaning of its own in templates'
                yield context.at(
                    (*action.loc, key), RULE.id, told, f'choose another name, such as "my_{str(name).lower()}"'
                )


RULE = Rule(
    id="reserved-name",
    meaning="Names such as `trigger`, `vars` or `loop` always mean the same in templates; a result cannot take them.",
    wrong="use: livechat.ListAgents\nsave_as: run",
    right="use: livechat.ListAgents\nsave_as: agents",
    check=_check,
)
