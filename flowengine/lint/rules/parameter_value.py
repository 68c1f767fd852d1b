"""parameter-value: a parameter's value that has the wrong type or is not allowed."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for problem in context.input_problems:
        if problem.kind == "value":
            place = context.at_key if problem.at_key else context.at
            yield place(problem.loc, RULE.id, problem.message, problem.hint)


RULE = Rule(
    id="parameter-value",
    meaning="The manifest says of which type a parameter is, and for some which values there are.",
    wrong="use: http.request\nwith: { method: FETCH, url: https://example.com }",
    right="use: http.request\nwith: { method: GET, url: https://example.com }",
    check=_check,
)
