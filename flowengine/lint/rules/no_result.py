"""no-result: `save_as` on an action that gives nothing back."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records

_NEVER = (records.Wait, records.WaitUntil, records.Stop, records.Parallel)
_BY_OUTPUT = (records.If, records.Switch, records.Try, records.ForEach, records.Repeat)


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        if action.save_as is None:
            continue
        loc = (*action.loc, "save_as")
        if isinstance(action, _NEVER):
            told = f'"{action.kind}" gives nothing back, so "{action.save_as}" would be empty'
            yield context.at(loc, RULE.id, told, 'leave "save_as" out', Severity.WARNING)
        elif isinstance(action, _BY_OUTPUT) and not context.flow.source.has((*action.loc, "output")):
            told = f'"{action.kind}" gives nothing back without "output:", so "{action.save_as}" would be empty'
            hint = 'add "output:" with what it gives, or leave "save_as" out'
            yield context.at(loc, RULE.id, told, hint, Severity.WARNING)


RULE = Rule(
    id="no-result",
    severity=Severity.WARNING,
    meaning=(
        "`save_as` names what an action gives back. `wait`, `stop` and `parallel` give nothing; `if`, `switch`, `try` and loops "
        "give what their `output:` says."
    ),
    wrong=(
        "actions:\n  - use: livechat.ListAgents\n    save_as: agents\n"
        '  - for_each: "{{ agents }}"\n    do:\n      - log: "{{ item.name }}"\n    save_as: names'
    ),
    right=(
        "actions:\n  - use: livechat.ListAgents\n    save_as: agents\n"
        '  - for_each: "{{ agents }}"\n    do:\n      - log: "{{ item.name }}"\n    output: "{{ item.name }}"\n    save_as: names'
    ),
    check=_check,
)
