"""Names and keys of actions: what people see, and the part of the path made from it."""

from __future__ import annotations

import re

from flowengine.types import Json

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_LETTER = re.compile(r"[\W_]+")


def lower_snake(name: str) -> str:
    """`Tell the team!` as a part of a path: `tell_the_team`. Letters and digits of every script are kept."""
    return _NO_LETTER.sub("_", name).strip("_").lower()


def free_key(name: str, kind: str, taken: set[str]) -> str:
    """The key of an action called `name`, numbered when a sibling has it. Digits alone mean iterations, so they get a word."""
    key = lower_snake(name) or kind
    if key.isdecimal():
        key = f"action_{key}"
    numbered = _numbered(key, "_", taken)
    taken.add(numbered)
    return numbered


def free_name(kind: str, operation: str, taken: set[str]) -> str:
    """The name of an unnamed action: its operation's or its kind's, numbered when the flow has it already."""
    name = _numbered(operation or kind, " ", taken)
    taken.add(name)
    return name


def spelled_for_key(name: str, *, generated: bool) -> str:
    """`ListAgents` made by us is read as two words; a name that a person typed is left as it is."""
    return _CAMEL.sub("_", name) if generated else name


def _numbered(name: str, between: str, taken: set[str]) -> str:
    number, tried = 1, name
    while tried in taken:
        number += 1
        tried = f"{name}{between}{number}"
    return tried


def given_names(data: Json) -> set[str]:
    """Every `name` that a flow's author wrote down, anywhere below `actions` and `on_failure`."""
    found: set[str] = set()
    rest = [data.get("actions"), data.get("on_failure")] if isinstance(data, dict) else []
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            name = value.get("name")
            if isinstance(name, str):
                found.add(name.strip())
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)
    return found
