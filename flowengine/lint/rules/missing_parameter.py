"""missing-parameter: a required parameter that `with` leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for problem in context.input_problems:
        if problem.kind == "missing":
            place = context.at_key if problem.at_key else context.at
            yield place(problem.loc, RULE.id, problem.message, problem.hint)


RULE = Rule(
    id="missing-parameter",
    meaning="The service refuses the call without this parameter.",
    wrong="use: http.post\nwith: { body: Hello }",
    right="use: http.post\nwith: { url: https://example.com/hook, body: Hello }",
    check=_check,
)
