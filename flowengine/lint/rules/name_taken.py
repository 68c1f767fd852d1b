"""name-taken: two actions of one list save their results under the same name."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    first: dict[tuple[object, ...], int] = {}
    for name, action, _ in context.sites.saved:
        scope = (name, *action.loc[:-1])
        if scope in first:
            told = f'the name "{name}" is taken by the action on line {first[scope]}'
            yield context.at(
                (*action.loc, "save_as"), RULE.id, told, "choose another name, or use a variable and set it"
            )
        first.setdefault(scope, action.span.line)


RULE = Rule(
    id="name-taken",
    meaning="Within one list of actions a name is saved once, so that it is always clear which result a template reads.",
    wrong=(
        "actions:\n  - use: livechat.ListAgents\n    save_as: found\n  - use: livechat.ListTickets\n    save_as: found"
    ),
    right=(
        "actions:\n  - use: livechat.ListAgents\n    save_as: agents\n"
        "  - use: livechat.ListTickets\n    save_as: tickets"
    ),
    check=_check,
)
