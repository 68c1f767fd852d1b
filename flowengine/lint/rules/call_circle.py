"""call-circle: flows that call each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec import actions as records
from flowengine.spec.flow import Flow


def _check(context: Context) -> Iterator[Finding]:
    for action in context.actions:
        if not isinstance(action, records.Call):
            continue
        way = _way_back(context, action.flow)
        if way:
            told = f"this call leads back to this flow: {' → '.join([context.flow.id, *way])}"
            yield context.at((*action.loc, "call"), RULE.id, told, "end the circle: a run would call without end")


def _way_back(context: Context, start: str) -> list[str]:
    """The ids from a called flow back to the one that is looked at; empty when there is no such way."""
    waiting, seen = [[start]], {start}
    while waiting:
        way = waiting.pop()
        if way[-1] == context.flow.id:
            return way
        flow = context.project.flows.get(way[-1])
        for called in _called(flow) if flow else ():
            if called not in seen:
                seen.add(called)
                waiting.append([*way, called])
    return []


def _called(flow: Flow) -> list[str]:
    return [action.flow for _, action in flow.walk() if isinstance(action, records.Call)]


RULE = Rule(
    id="call-circle",
    meaning="A flow that calls itself, directly or through others, would never end.",
    wrong="# flows/a.yaml\nactions:\n  - call: a",
    right="# flows/a.yaml\nactions:\n  - call: b",
    check=_check,
)
