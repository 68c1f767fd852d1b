"""unknown-flow: `call` names a flow that the project does not have."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, did_you_mean
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records


def _check(context: Context) -> Iterator[Finding]:
    known = {*context.project.flow_ids, *context.project.flows}
    for action in context.actions:
        if isinstance(action, records.Call) and known and action.flow and action.flow not in known | {context.flow.id}:
            hint = did_you_mean(action.flow, known)
            yield context.at((*action.loc, "call"), RULE.id, f'there is no flow "{action.flow}"', hint)


RULE = Rule(
    id="unknown-flow",
    meaning="`call` takes another flow's id: its file's name in flows/ without .yaml.",
    wrong="call: refund-tikets",
    right="call: refund-tickets",
    check=_check,
)
