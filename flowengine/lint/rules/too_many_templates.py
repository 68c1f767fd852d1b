"""too-many-templates: so many that not all of them are looked at."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    if context.unread is not None:
        told = "the templates from here on were not checked: there are too many in this file"
        yield context.at(context.unread.loc, RULE.id, told, "split the flow", Severity.WARNING)


RULE = Rule(
    id="too-many-templates",
    severity=Severity.WARNING,
    meaning=(
        "A file with several hundred templates that compute something is checked up to a point only, so that a check always "
        "answers quickly. Parts of a flow can be moved to flows of their own and called."
    ),
    wrong="Several hundred templates with filters in one file.",
    right="A few flows that call each other.",
    check=_check,
)
