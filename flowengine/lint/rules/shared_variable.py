"""shared-variable: `set` where several branches or iterations run side by side."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.flow import children


def _check(context: Context) -> Iterator[Finding]:
    yield from _walk(context, (*context.flow.actions, *context.flow.on_failure), "")


def _walk(context: Context, actions: tuple[records.Action, ...], beside: str) -> Iterator[Finding]:
    for action in actions:
        if isinstance(action, records.Set) and beside:
            told = f"several {beside} change this variable at the same time; which value stays is chance"
            hint = 'give each an "output:" and put the results together afterwards'
            yield context.at_key((*action.loc, "set"), RULE.id, told, hint, Severity.WARNING)
        inner = beside
        if isinstance(action, records.Parallel):
            inner = "branches"
        elif isinstance(action, records.ForEach) and action.at_once > 1:
            inner = "iterations"
        for branch in children(action):
            yield from _walk(context, branch, inner)


RULE = Rule(
    id="shared-variable",
    severity=Severity.WARNING,
    meaning="Inside `parallel`, and in `for_each` with `at_once` above 1, actions run side by side; their changes of one variable overwrite each other.",
    wrong='for_each: "{{ trigger.tags }}"\nat_once: 5\ndo:\n  - set: { count: "{{ vars.count + 1 }}" }',
    right='for_each: "{{ trigger.tags }}"\ndo:\n  - set: { count: "{{ vars.count + 1 }}" }',
    check=_check,
)
