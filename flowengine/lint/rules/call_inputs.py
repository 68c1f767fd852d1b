"""call-inputs: `call` with inputs that the other flow does not declare, or without one that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, did_you_mean
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        called = context.project.flows.get(action.flow) if isinstance(action, records.Call) else None
        if called is None or not isinstance(action, records.Call):
            continue
        for name in action.inputs:
            if called.inputs and name not in called.inputs:
                told = f'the flow "{called.id}" has no input "{name}"'
                yield context.at_key((*action.loc, "with", name), RULE.id, told, did_you_mean(name, called.inputs))
        for name, one in called.inputs.items():
            if one.required and one.default is None and name not in action.inputs:
                told = f'the flow "{called.id}" needs the input "{name}"'
                yield context.at((*action.loc, "call"), RULE.id, told, f'add "{name}:" under "with"')


RULE = Rule(
    id="call-inputs",
    meaning="A called flow takes the inputs that it declares under `inputs`.",
    wrong="call: refund\nwith: { tickt: 17 }",
    right="call: refund\nwith: { ticket: 17 }",
    check=_check,
)
