"""What a parameter can be: listed in the file, or asked of the service by the operation that the definition names.

Three of Microsoft's marks name such an operation: `x-ms-dynamic-values`, `x-ms-dynamic-list` and `x-ms-dynamic-tree`, which
differ in how they call the same things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flowengine.manifests.lenient import as_list, as_object, as_text
from flowengine.manifests.operation import Parameter
from flowengine.types import Json, JsonObject

_LISTS: Final = ("value", "values", "items", "data", "results")


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a parameter can have."""

    value: Json
    title: str

    def to_json(self) -> JsonObject:
        return {"value": self.value, "title": self.title}


@dataclass(frozen=True, slots=True)
class ChoiceSource:
    """The operation that lists a parameter's choices."""

    operation: str
    fixed: Mapping[str, Json] = field(default_factory=dict)
    """Inputs that the definition gives."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Inputs that are what the author gave to another parameter: name to that parameter's dotted path."""
    needed: frozenset[str] = frozenset()
    """Those of `taken` without which the list cannot be asked for."""
    items: str = ""
    value: str = ""
    title: str = ""


def listed(parameter: Parameter) -> list[Choice]:
    """The choices that stand in the file."""
    schema = _innermost(parameter)
    named = [as_object(one) for one in as_list(schema.get("x-ms-enum-values"))]
    if named:
        return [Choice(one.get("value"), as_text(one.get("displayName")) or as_text(one.get("value"))) for one in named]
    return [Choice(value, as_text(value)) for value in as_list(schema.get("enum"))]


def choice_source(parameter: Parameter) -> ChoiceSource | None:
    """Where the choices come from, when the service knows them; `x-ms-dynamic-list` wins, being the newer mark."""
    schema = _innermost(parameter)
    tree = as_object(as_object(schema.get("x-ms-dynamic-tree")).get("open"))
    for mark in (as_object(schema.get("x-ms-dynamic-list")), as_object(schema.get("x-ms-dynamic-values")), tree):
        if as_text(mark.get("operationId")):
            return _source(mark)
    return None


def _innermost(parameter: Parameter) -> JsonObject:
    """The schema whose values are chosen: of a list, its items'."""
    schema = parameter.schema
    while isinstance(schema.get("items"), dict) and not any(key.startswith("x-ms-dynamic") for key in schema):
        schema = schema["items"]
    return schema


def _source(mark: JsonObject) -> ChoiceSource:
    fixed: dict[str, Json] = {}
    taken: dict[str, str] = {}
    needed: set[str] = set()
    for name, given in as_object(mark.get("parameters")).items():
        entry = as_object(given)
        other = as_text(entry.get("parameterReference") or entry.get("parameter"))
        if other:
            taken[name] = other
            needed |= {name} if entry.get("required") is not False else set()
        elif "value" in entry or not isinstance(given, dict):
            fixed[name] = entry.get("value") if isinstance(given, dict) else given
    return ChoiceSource(
        operation=as_text(mark["operationId"]),
        fixed=fixed,
        taken=taken,
        needed=frozenset(needed),
        items=as_text(mark.get("itemsPath") or mark.get("value-collection")),
        value=as_text(mark.get("itemValuePath") or mark.get("value-path")),
        title=as_text(mark.get("itemTitlePath") or mark.get("value-title")),
    )


def inputs_of(source: ChoiceSource, given: Mapping[str, Json]) -> tuple[JsonObject, list[str]]:
    """The inputs of the listing operation, and the parameters that have to be `given` first."""
    inputs = dict(source.fixed)
    missing = []
    for name, path in source.taken.items():
        value = _given(given, path)
        if value is not None:
            inputs[name] = value
        elif name in source.needed:
            missing.append(".".join(_parts(path)))
    return inputs, missing


def _given(given: Mapping[str, Json], path: str) -> Json:
    """What stands at a path; a body's properties stand at the top, whatever the path calls the body."""
    parts = _parts(path)
    found = _at(given, parts)
    return _at(given, parts[1:]) if found is None and len(parts) > 1 else found


def choices_in(source: ChoiceSource, body: Json) -> list[Choice]:
    """The choices in the listing operation's answer."""
    return list(_choices(source, _items(source, body)))


def _items(source: ChoiceSource, body: Json) -> list[Json]:
    found = _at(body, _parts(source.items)) if source.items else body
    if isinstance(found, dict):
        lists = [key for key, value in found.items() if isinstance(value, list)]
        named = next((key for key in _LISTS if key in lists), lists[0] if len(lists) == 1 else None)
        found = found[named] if named else [found]
    return found if isinstance(found, list) else []


def _choices(source: ChoiceSource, items: list[Json]) -> Iterator[Choice]:
    for item in items:
        value = _at(item, _parts(source.value)) if source.value else item
        if value is None and not isinstance(item, dict | list):
            value = item
        title = _at(item, _parts(source.title)) if source.title else None
        if value is not None:
            yield Choice(value, as_text(title) or as_text(value))


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"[./]", path) if part]


def _at(value: Any, parts: list[str]) -> Json:
    for part in parts:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
