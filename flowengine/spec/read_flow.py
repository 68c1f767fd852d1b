"""Reading a flow's top level."""

from __future__ import annotations

import hashlib
from typing import Any

from flowengine.spec.flow import Flow, Input
from flowengine.spec.language import ACTIONS, FLOW, TRIGGERS, Form, Key
from flowengine.spec.names import given_names
from flowengine.spec.places import Location
from flowengine.spec.read_actions import ActionReader
from flowengine.spec.read_conditions import read_condition, read_conditions
from flowengine.spec.read_keys import read_keys
from flowengine.spec.read_triggers import read_triggers
from flowengine.spec.reading import NAME, REFUSED, Reader, Reading, describe
from flowengine.spec.source import Source
from flowengine.types import Json

_ON_FAILURE = "on_failure"
_ELSEWHERE = {
    **{kind: f'it belongs under "actions": write "- {kind}: ..." there' for kind in ACTIONS},
    **{kind: 'it belongs under "trigger"' for kind in TRIGGERS if kind != "use"},
    "timezone": 'it belongs under "trigger", beside "schedule"',
    "save_as": "it belongs to an action",
}


def read_flow(source: Source, flow_id: str) -> tuple[Flow | None, Reading]:
    """Read as much of a flow as can be read; None when the file is not one at all.

    A flow with findings of severity `error` holds stand-ins and must not run; it lets the linter look at the rest.
    """
    reading = Reading(source)
    if not isinstance(source.data, dict) or not source.data:
        _not_a_flow(reading, source.data)
        return None, reading
    actions = ActionReader(reading, given_names(source.data))
    readers: dict[Form, Reader] = {
        Form.TRIGGERS: read_triggers,
        Form.CONDITION: read_condition,
        Form.CONDITIONS: read_conditions,
        Form.INPUTS: _inputs,
        Form.ACTIONS: lambda _, loc, value, __: _top_actions(actions, loc, value),
    }
    read = read_keys(reading, (), source.data, FLOW, readers, belongs="a flow", elsewhere=_ELSEWHERE)
    return _flow(source, flow_id, read), reading


def _not_a_flow(reading: Reading, data: Json) -> None:
    if data is None or data == {}:
        told, hint = "the file is empty", 'a flow begins with its name: "flow: My first flow"'
    else:
        told = f"a flow is written as keys with values; this file is {describe(data)}"
        hint = 'begin with "flow: " and its name, then "trigger:" and "actions:"'
    reading.report((), "not-a-flow", told, hint)


def _top_actions(actions: ActionReader, loc: Location, value: Json) -> Any:
    # A top action with the key on_failure would share its paths with the list of that name.
    return actions.read_top(loc, value, set() if loc[-1] == _ON_FAILURE else {_ON_FAILURE})


def _flow(source: Source, flow_id: str, read: dict[str, Any]) -> Flow:
    given = {
        name: read[name]
        for name in (
            "description",
            "enabled",
            "conditions",
            "inputs",
            "vars",
            "mode",
            "max",
            "per",
            "timeout",
            "output",
            "keep",
        )
        if name in read
    }
    return Flow(
        id=flow_id,
        name=read.get("flow", flow_id),
        version=hashlib.sha256(source.text.encode()).hexdigest()[:12],
        source=source,
        triggers=read.get("trigger", ()),
        actions=read.get("actions", ()),
        on_failure=read.get(_ON_FAILURE, ()),
        **given,
    )


def _inputs(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not isinstance(value, dict):
        return reading.wrong_type(loc, "names with their types", value, "write each as name: { type: text }")
    read = {name: _input(reading, (*loc, name), item, key) for name, item in value.items()}
    return {name: item for name, item in read.items() if item is not REFUSED}


def _input(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not NAME.fullmatch(str(loc[-1])):
        reading.report(
            loc, "bad-name", f'"{loc[-1]}" cannot be used as a name in templates', "use letters, digits and _", key=True
        )
    if not isinstance(value, dict):
        hint = f"write {{ type: {value} }}" if isinstance(value, str) else "write { type: text }"
        return reading.wrong_type(loc, "an input with its keys", value, hint)
    read = read_keys(reading, loc, value, key.inside, {}, belongs="an input")
    choices = read.pop("choices", ())
    if not isinstance(choices, list | tuple):
        choices = reading.wrong_type((*loc, "choices"), "a list", choices)
        choices = ()
    return Input(**read, choices=tuple(choices))
