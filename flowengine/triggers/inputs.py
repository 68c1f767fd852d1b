"""The inputs of a manual run: what was given, held against what the flow declares under `inputs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

import orjson

from flowengine.errors import InvalidInputs
from flowengine.findings import did_you_mean
from flowengine.spec.flow import Flow, Input
from flowengine.types import Json, JsonObject


def settle_inputs(flow: Flow, given: Mapping[str, Json]) -> JsonObject:
    """The values that templates see as `inputs`: defaults filled in, texts such as `"3"` read as the declared type.

    Raises `InvalidInputs` that names the input and says what to give.
    """
    for name in given:
        if name not in flow.inputs:
            raise InvalidInputs(
                f'the flow "{flow.id}" has no input "{name}"; {did_you_mean(name, flow.inputs)}'.rstrip("; "),
                parameter=name,
            )
    return {name: _settle(flow, name, declared, given) for name, declared in flow.inputs.items()}


def _settle(flow: Flow, name: str, declared: Input, given: Mapping[str, Json]) -> Json:
    if given.get(name) is None:
        if declared.required and declared.default is None:
            told = f": {declared.description}" if declared.description else ""
            raise InvalidInputs(f'the input "{name}" ({declared.type}) of "{flow.id}" is missing{told}', parameter=name)
        return declared.default
    try:
        value = READERS[declared.type](given[name])
    except (ValueError, TypeError):
        raise InvalidInputs(
            f'the input "{name}" must be {WORDS[declared.type]}, not {given[name]!r:.80}', parameter=name
        ) from None
    if declared.choices and value not in declared.choices:
        choices = ", ".join(str(choice) for choice in declared.choices)
        raise InvalidInputs(f'the input "{name}" must be one of: {choices}; not {value!r:.80}', parameter=name)
    return value


def _text(value: Json) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Json) -> int | float:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, (int, float)):
        return value
    number = float(value)
    if number in (float("inf"), float("-inf")) or number != number:  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError
    return int(value) if value.strip().lstrip("+-").isdecimal() else number


def _boolean(value: Json) -> bool:
    found = {"true": True, "false": False}.get(str(value).strip().lower())
    if found is None:
        raise ValueError
    return found


def _date(value: Json) -> str:
    text = str(value)
    try:
        date.fromisoformat(text)
    except ValueError:
        datetime.fromisoformat(text)
    return text


def _container(kind: type) -> Callable[[Json], Json]:
    def read(value: Json) -> Json:
        found = orjson.loads(value) if isinstance(value, str) else value
        if not isinstance(found, kind):
            raise TypeError
        return found

    return read


READERS: Final[dict[str, Callable[[Json], Json]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "list": _container(list),
    "object": _container(dict),
}

WORDS: Final = {
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date such as 2026-03-01 or 2026-03-01T09:00:00Z",
    "list": "a list (in JSON on the command line)",
    "object": "an object (in JSON on the command line)",
}
