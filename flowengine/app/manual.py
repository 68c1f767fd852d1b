"""Runs that a person, a program or the API starts: what the event is judged by, and why it may start nothing."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from flowengine.errors import Conflict
from flowengine.findings import Span
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import Manual, Trigger
from flowengine.store.records import EventRecord
from flowengine.types import Json


class NotStarted(Conflict):
    """The event started no run."""

    def __init__(self, event: EventRecord) -> None:
        self.event = event
        super().__init__(f"the event started no run ({event.disposition}): {_in_words(event.reason)}")


def by_hand(flow: Flow, *, with_event: bool) -> Trigger:
    """The trigger of a run that a person starts.

    With an event in hand the flow's first trigger says how events are split and weighed, as it would for a real one.
    """
    manual = next((trigger for trigger in flow.triggers if isinstance(trigger, Manual)), None)
    if manual or not with_event:
        return manual or Manual(key="manual", loc=("trigger",), span=Span(1, 1, 1, 1))
    first = flow.triggers[0]
    return Manual(key="manual", loc=first.loc, span=first.span, split=first.split, conditions=first.conditions)


def _in_words(reason: Json) -> str:
    match reason:
        case {"conditions": list() as conditions}:
            return "; ".join(_condition_in_words(one) for one in conditions)
        case {"message": message}:
            return str(message)
        case _:
            return "no reason was recorded"


def _condition_in_words(condition: Mapping[str, Json]) -> str:
    shown = [orjson.dumps(condition.get(side), default=str).decode()[:120] for side in ("left", "right")]
    return f"{shown[0]} {str(condition.get('operator', '')).replace('_', ' ')} {shown[1]} does not hold"
