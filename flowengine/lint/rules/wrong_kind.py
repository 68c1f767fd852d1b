"""wrong-kind: a trigger operation used as an action, the other way round, or a poll of something that changes things."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec.triggers import OperationTrigger, Poll


def _check(context: Context) -> Iterator[Finding]:
    for action in context.operations():
        operation = context.project.operation(action.connector, action.operation)
        if operation is not None and operation.kind == "trigger":
            told = f'"{action.use}" is a trigger: it starts runs and cannot be called'
            yield context.at(
                (*action.loc, "use"), RULE.id, told, 'move it to "trigger:", or call an operation that reads the same'
            )
    for trigger in context.flow.triggers:
        if isinstance(trigger, OperationTrigger):
            yield from _used(context, trigger)
        elif isinstance(trigger, Poll):
            yield from _polled(context, trigger)


def _used(context: Context, trigger: OperationTrigger) -> Iterator[Finding]:
    operation = context.project.operation(trigger.connector, trigger.operation)
    if operation is None:
        return
    if operation.kind == "action":
        hint = "use a trigger of the connector"
        if operation.reads:
            hint = f'to start runs for new items it gives, write "poll: {trigger.name}" and "every: 5 minutes"'
        yield context.at((*trigger.loc, "use"), RULE.id, f'"{trigger.name}" is an action, not a trigger', hint)
    elif operation.trigger_kind == "webhook" and trigger.every is not None:
        told = f'"{trigger.name}" reports events by itself; it is not asked'
        yield context.at_key((*trigger.loc, "every"), RULE.id, told, 'remove "every"')


def _polled(context: Context, trigger: Poll) -> Iterator[Finding]:
    operation = context.project.operation(trigger.connector, trigger.operation)
    if operation is None:
        return
    loc = (*trigger.loc, "poll")
    if operation.kind == "trigger":
        yield context.at(loc, RULE.id, f'"{trigger.name}" is a trigger of its own', f'write "use: {trigger.name}"')
    elif not operation.reads:
        yield context.at(
            loc,
            RULE.id,
            f'"{trigger.name}" changes something each time it is called',
            "poll an operation that only reads",
        )


RULE = Rule(
    id="wrong-kind",
    meaning=(
        "Connectors have operations of two kinds: triggers start runs and stand under `trigger`, actions are called by `use` in "
        "a list of actions. `poll` asks an action that only reads."
    ),
    wrong="actions:\n  - use: livechat.WebhookTicketCreated",
    right="trigger:\n  use: livechat.WebhookTicketCreated",
    check=_check,
)
