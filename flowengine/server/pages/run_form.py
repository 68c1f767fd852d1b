"""The form that starts a run: a field an input, and the event as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from flowengine.server.pages.shown import pretty
from flowengine.spec.flow import Flow, Input
from flowengine.types import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the flow."""

    name: str
    declared: Input
    value: str


def fields_of(flow: Flow, given: Mapping[str, str]) -> list[Field]:
    """The flow's inputs, filled with what was given or with their defaults."""
    return [
        Field(name, declared, given.get(name, "" if declared.default is None else pretty(declared.default)))
        for name, declared in flow.inputs.items()
    ]


def read_fields(flow: Flow | None, given: Mapping[str, str], event: str) -> tuple[JsonObject, Json]:
    """The inputs and the event as a run takes them; empty fields are left to their defaults. Raises `ValueError`."""
    inputs = {name: _value(flow, name, text) for name, text in given.items() if text.strip()}
    if not event.strip():
        return inputs, None
    try:
        return inputs, orjson.loads(event)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the event is not JSON: {error}") from None


def _value(flow: Flow | None, name: str, text: str) -> Json:
    declared = flow.inputs.get(name) if flow else None
    if declared is None or declared.type not in ("list", "object"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f'the input "{name}" is not JSON: {error}') from None
