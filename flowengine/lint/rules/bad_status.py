"""bad-status: an answer with a status that HTTP does not have."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.reading import describe, has_template


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        if not isinstance(action, records.Respond) or has_template(action.status):
            continue
        written = str(action.status)
        if isinstance(action.status, bool) or not (written.isdecimal() and 100 <= int(written[:6]) <= 599):
            loc = (*action.loc, "respond", "status")
            yield context.at(
                loc,
                RULE.id,
                f"{describe(action.status)} is not an HTTP status",
                "write a number from 100 to 599, such as 200",
            )


RULE = Rule(
    id="bad-status",
    meaning="The status of an answer is a number from 100 to 599: 200 says that all is well, 404 that something was not found.",
    wrong="trigger: { webhook: { verify: none } }\nactions:\n  - respond: { status: OK }",
    right="trigger: { webhook: { verify: none } }\nactions:\n  - respond: { status: 200 }",
    check=_check,
)
