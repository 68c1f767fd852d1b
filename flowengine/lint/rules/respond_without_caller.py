"""respond-without-caller: `respond` in a flow that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.triggers import Manual, Webhook


def _check(context: Context) -> Iterator[Finding]:
    answered = [trigger for trigger in context.flow.triggers if isinstance(trigger, Webhook | Manual)]
    splits = [trigger for trigger in answered if trigger.split is not None]
    for action in context.actions:
        if not isinstance(action, records.Respond) or not context.flow.triggers:
            continue
        loc = (*action.loc, "respond")
        if not answered:
            hint = 'only a "webhook" or "manual" trigger has a caller; remove this action'
            yield context.at_key(loc, RULE.id, "nobody waits for an answer here", hint)
        elif splits:
            line = splits[0].span.line
            told = (
                f'the trigger on line {line} has "split": one call starts several runs, and none of them can answer it'
            )
            yield context.at_key(
                loc, RULE.id, told, 'remove "respond", or go through the list with for_each instead of "split"'
            )


RULE = Rule(
    id="respond-without-caller",
    meaning="`respond` answers the caller of a webhook or manual run. Other triggers have no caller, and after `split` there is no one run.",
    wrong="trigger: { schedule: every day at 09:00 }\nactions:\n  - respond: { status: 200 }",
    right="trigger: { webhook: { verify: none } }\nactions:\n  - respond: { status: 200 }",
    check=_check,
)
