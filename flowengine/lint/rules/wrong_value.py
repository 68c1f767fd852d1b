"""wrong-value: a filter or function in a template is given what it cannot work on."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for site, one in context.mistakes(RULE.id):
        yield context.inside(site, one.place, RULE.id, one.message, one.hint, one.severity)


RULE = Rule(
    id="wrong-value",
    meaning=(
        "Each filter and function takes so many values, and of a certain kind. With others the template fails when it is "
        "computed, or gives something else than is meant."
    ),
    wrong="log: \"{{ trigger.ticket.subject | replace('a') }}\"",
    right="log: \"{{ trigger.ticket.subject | replace('a', 'b') }}\"",
    check=_check,
)
