"""unknown-parameter: a name under `with` that the operation does not know."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for problem in context.input_problems:
        if problem.kind == "unknown":
            place = context.at_key if problem.at_key else context.at
            yield place(problem.loc, RULE.id, problem.message, problem.hint)


RULE = Rule(
    id="unknown-parameter",
    meaning="Under `with` stand the operation's parameters, and the properties of its body beside them. A name that is none of them would not be sent.",
    wrong="use: http.get\nwith: { adress: https://example.com }",
    right="use: http.get\nwith: { url: https://example.com }",
    check=_check,
)
