"""Every single condition of a flow, out of the groups and lists that hold it."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.spec import actions as records
from flowengine.spec.conditions import AllOf, AnyOf, Comparison, Condition, Not, Truth
from flowengine.spec.flow import Flow


def conditions_of(flow: Flow) -> Iterator[Truth | Comparison]:
    """The flow's own, its triggers', and those of `when`, `if` and `until`."""
    for condition in flow.conditions:
        yield from _flat(condition)
    for trigger in flow.triggers:
        for condition in trigger.conditions:
            yield from _flat(condition)
    for _, action in flow.walk():
        yield from _of_action(action)


def _of_action(action: records.Action) -> Iterator[Truth | Comparison]:
    if action.when is not None:
        yield from _flat(action.when)
    match action:
        case records.If(condition=condition) | records.Repeat(until=condition):
            yield from _flat(condition)
        case _:
            pass


def _flat(condition: Condition) -> Iterator[Truth | Comparison]:
    match condition:
        case AllOf(conditions=inner) | AnyOf(conditions=inner):
            for one in inner:
                yield from _flat(one)
        case Not(condition=inner):
            yield from _flat(inner)
        case _:
            yield condition
