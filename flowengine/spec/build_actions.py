"""From keys that were read to the action's record: one function a construct.

A required key that could not be read was reported; something harmless stands in for it, so that the rest of the file is still
looked at. Such a flow never runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from flowengine.spec import actions as records
from flowengine.spec.conditions import Truth
from flowengine.spec.places import Location

Read: TypeAlias = Mapping[str, Any]
Common: TypeAlias = Mapping[str, Any]


def build_action(kind: str, read: Read, common: Common) -> records.Action:
    """The record of an action of this kind."""
    return _BUILDERS[kind](read, common)


def _condition(read: Read, key: str, loc: Location) -> Any:
    return read.get(key, Truth(template=True, loc=loc))


def _operation(read: Read, common: Common) -> records.Action:
    connector, operation = read.get("use", ("", ""))
    pages = read.get("paginate", {}).get("max_items")
    return records.OperationAction(
        **common, connector=connector, operation=operation, inputs=read.get("with", {}), paginate=pages
    )


def _if(read: Read, common: Common) -> records.Action:
    condition = _condition(read, "if", common["loc"])
    return records.If(**common, condition=condition, then=read.get("then", ()), otherwise=read.get("else", ()))


def _switch(read: Read, common: Common) -> records.Action:
    cases, default = read.get("cases", ()), read.get("default", ())
    return records.Switch(**common, value=read.get("switch"), cases=cases, default=default)


def _for_each(read: Read, common: Common) -> records.Action:
    return records.ForEach(
        **common,
        items=read.get("for_each", []),
        do=read.get("do", ()),
        item_name=read.get("as", "item"),
        at_once=read.get("at_once", 1),
    )


def _repeat(read: Read, common: Common) -> records.Action:
    inner = read.get("repeat", {})
    return records.Repeat(
        **common,
        until=_condition(inner, "until", common["loc"]),
        do=read.get("do", ()),
        max=inner.get("max", 60),
        within=inner.get("timeout"),
        wait=inner.get("wait"),
    )


def _parallel(read: Read, common: Common) -> records.Action:
    return records.Parallel(**common, branches=read.get("parallel", ()))


def _try(read: Read, common: Common) -> records.Action:
    return records.Try(**common, actions=read.get("try", ()), catch=read.get("catch"), finally_=read.get("finally", ()))


def _wait(read: Read, common: Common) -> records.Action:
    return records.Wait(**common, duration=read.get("wait", ""))


def _wait_until(read: Read, common: Common) -> records.Action:
    return records.WaitUntil(**common, moment=read.get("wait_until", ""))


def _ask(read: Read, common: Common) -> records.Action:
    inner = read.get("ask", {})
    choices = {"choices": inner["choices"]} if inner.get("choices") else {}
    return records.Ask(**common, to=inner.get("to", ""), question=inner.get("question", ""), **choices)


def _wait_for(_: Read, common: Common) -> records.Action:
    return records.WaitFor(**common)


def _set(read: Read, common: Common) -> records.Action:
    return records.Set(**common, values=read.get("set", {}))


def _call(read: Read, common: Common) -> records.Action:
    return records.Call(**common, flow=read.get("call", ""), inputs=read.get("with", {}))


def _respond(read: Read, common: Common) -> records.Action:
    inner = read.get("respond", {})
    return records.Respond(
        **common, status=inner.get("status", 200), headers=inner.get("headers", {}), body=inner.get("body")
    )


def _stop(read: Read, common: Common) -> records.Action:
    inner = read.get("stop", {})
    return records.Stop(**common, status=inner.get("status", "succeeded"), message=inner.get("message", ""))


def _log(read: Read, common: Common) -> records.Action:
    return records.Log(**common, text=read.get("log", ""))


_BUILDERS: dict[str, Callable[[Read, Common], records.Action]] = {
    "use": _operation,
    "if": _if,
    "switch": _switch,
    "for_each": _for_each,
    "repeat": _repeat,
    "parallel": _parallel,
    "try": _try,
    "wait": _wait,
    "wait_until": _wait_until,
    "ask": _ask,
    "wait_for": _wait_for,
    "set": _set,
    "call": _call,
    "respond": _respond,
    "stop": _stop,
    "log": _log,
}
