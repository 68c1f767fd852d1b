"""unreachable: actions that can never run."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.flow import children


def _check(context: Context) -> Iterator[Finding]:
    lists = [context.flow.actions, context.flow.on_failure]
    for action in context.actions:
        lists.extend(children(action))
    for actions in lists:
        stops = [index for index, action in enumerate(actions) if _always_stops(action)]
        if stops and stops[0] + 1 < len(actions):
            line = actions[stops[0]].span.line
            hint = 'give the "stop" a "when:", or move it to the end'
            yield context.at(
                actions[stops[0] + 1].loc, RULE.id, f"this never runs: the run always ends on line {line}", hint
            )


def _always_stops(action: records.Action) -> bool:
    if action.when is not None:
        return False
    match action:
        case records.Stop():
            return True
        case records.If(then=then, otherwise=otherwise):
            return _ends(then) and _ends(otherwise)
        case records.Switch(cases=cases, default=default):
            return _ends(default) and all(_ends(branch) for _, branch in cases)
        case _:
            return False


def _ends(actions: tuple[records.Action, ...]) -> bool:
    return any(_always_stops(action) for action in actions)


RULE = Rule(
    id="unreachable",
    meaning="`stop` ends the run; what stands behind it in the same list can never run.",
    wrong="actions:\n  - stop: { status: succeeded }\n  - log: done",
    right="actions:\n  - log: done\n  - stop: { status: succeeded }",
    check=_check,
)
