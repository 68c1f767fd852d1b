"""undeclared-variable: `set` of a variable that the flow does not declare."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, did_you_mean
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        for name in action.values if isinstance(action, records.Set) else ():
            if name not in context.flow.vars:
                hint = did_you_mean(name, context.flow.vars) or f'declare it at the top: "vars: {{ {name}: ... }}"'
                yield context.at_key(
                    (*action.loc, "set", name), RULE.id, f'the flow declares no variable "{name}"', hint
                )


RULE = Rule(
    id="undeclared-variable",
    meaning="`set` changes variables that stand under `vars` at the top of the flow, each with its first value.",
    wrong="vars: { count: 0 }\nactions:\n  - set: { cuont: 1 }",
    right="vars: { count: 0 }\nactions:\n  - set: { count: 1 }",
    check=_check,
)
