"""try-alone: a `try` without a `catch` or `finally` changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        written = context.flow.source.has((*action.loc, "catch")) or context.flow.source.has((*action.loc, "finally"))
        if isinstance(action, records.Try) and not written:
            told = 'this "try" catches nothing: a failure inside it fails the run all the same'
            hint = 'add "catch:" with what is to be done then, or "finally:" with what is to be done in any case'
            yield context.at_key((*action.loc, "try"), RULE.id, told, hint, Severity.WARNING)


RULE = Rule(
    id="try-alone",
    severity=Severity.WARNING,
    meaning=(
        "A `try` without `catch` and `finally` does the same as the actions inside it alone: when one of them fails, the run "
        "fails. A failure is caught by `catch`."
    ),
    wrong="actions:\n  - try:\n      - use: livechat.ListAgents",
    right='actions:\n  - try:\n      - use: livechat.ListAgents\n    catch:\n      - log: "{{ error.message }}"',
    check=_check,
)
