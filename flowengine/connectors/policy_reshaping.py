"""The policy templates that reshape a body's data (Microsoft's "policy templates" pages, one function a template).

They point into the body with a parent (`@body().a`), a sub-path below it, and where the result goes. A parent that is a
list means each of its items, which `@item()` then stands for. What does not fit is left as it is.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Final, TypeAlias
from urllib.parse import quote

from flowengine.connectors.policy_expressions import Accessors, accessors_of, as_text, pick
from flowengine.types import Json, JsonObject

Parameters: TypeAlias = Mapping[str, Json]
Change: TypeAlias = Callable[[Parameters, Json], Json]


def array_to_object(parameters: Parameters, body: Json) -> Json:
    """`[{Name: a, Age: 1}]` becomes `{a: {Age: 1}}`, keyed by one property of each item."""
    key = _parameter(parameters, "keyWithinCollection", "keyProperty", "keyName", "key").rpartition(".")[2]
    keep = _parameter(parameters, "retainKey").lower() != "false"

    def change(value: Json) -> Json:
        if not isinstance(value, list):
            return value
        items = [item for item in value if isinstance(item, dict) and key in item]
        return {
            as_text(item[key]): dict(item) if keep else {k: v for k, v in item.items() if k != key} for item in items
        }

    return _changed(parameters, body, change)


def object_to_array(parameters: Parameters, body: Json) -> Json:
    """`{a: {Age: 1}}` becomes `[{Name: a, Details: {Age: 1}}]`."""
    key = _parameter(parameters, "keyName", "keyProperty") or "key"
    value_name = _parameter(parameters, "valueName", "valueProperty")
    keep = _parameter(parameters, "retainKey").lower() != "false"

    def entry(name: str, value: Json) -> JsonObject:
        made: JsonObject = {key: name} if keep else {}
        if value_name:
            return {**made, value_name: value}
        return {**made, **value} if isinstance(value, dict) else {**made, "value": value}

    def change(value: Json) -> Json:
        return [entry(name, item) for name, item in value.items()] if isinstance(value, dict) else value

    return _changed(parameters, body, change)


def string_to_array(parameters: Parameters, body: Json) -> Json:
    """`"a;b"` becomes `[{Name: a}, {Name: b}]`; without a name for the property, `[a, b]`."""
    separators = _parameter(parameters, "delimiterList", "delimiter", "separator") or ","
    child = _parameter(parameters, "childPropertyName", "childProperty")

    def change(value: Json) -> Json:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in re.split(f"[{re.escape(separators)}]", value)]
        return [{child: part} for part in parts if part] if child else parts

    return _changed(parameters, body, change)


def string_replace(parameters: Parameters, body: Json) -> Json:
    """One text for another within a property, or in the whole body."""
    old = _parameter(parameters, "oldValue", "originalString", "searchString", "stringToReplace")
    new = _parameter(parameters, "newValue", "newString", "replacementString", "replaceString")

    def change(value: Json) -> Json:
        if isinstance(value, str):
            return value.replace(old, new)
        return json.loads(json.dumps(value, ensure_ascii=False).replace(old, new)) if isinstance(value, dict) else value

    return _changed(parameters, body, change) if old else body


def encode_property(parameters: Parameters, body: Json) -> Json:
    """A property's text, encoded as `encoding` says: for a URL, or for HTML."""
    kind = _parameter(parameters, "encoding", "encodingType", "type").lower()

    def change(value: Json) -> Json:
        if not isinstance(value, str):
            return value
        return html.escape(value) if "html" in kind else quote(value, safe="")

    return _changed(parameters, body, change)


def move_properties(parameters: Parameters, body: Json) -> Json:
    """The properties of one object become properties of another."""
    source = _accessors(parameters, "propertyParentPath", "propertySubPath", "originalPropertyPath")
    target = _accessors(parameters, "newPropertyParentPath", "newPropertySubPath", "newPropertyPath")
    if source is None or target is None:
        return body
    body = deepcopy(body)
    moved = pick(body, source)
    if not isinstance(moved, dict) or source == target:
        return body
    if source:
        holder = pick(body, source[:-1])
        if isinstance(holder, dict):
            holder.pop(str(source[-1]), None)
    inside = pick(body, target)
    return _put(body, target, {**inside, **moved} if isinstance(inside, dict) else dict(moved))


RESHAPING: Final[Mapping[str, Change]] = {
    "convertarraytoobject": array_to_object,
    "convertobjecttoarray": object_to_array,
    "stringtoarray": string_to_array,
    "stringreplace": string_replace,
    "encodepropertyvalue": encode_property,
    "moveproperties": move_properties,
}


def _parameter(parameters: Parameters, *names: str) -> str:
    """The first parameter of these names that there is; Microsoft's files write some with `Template` or `Path` at the end."""
    folded = {key.lower(): value for key, value in parameters.items()}
    for name in names:
        for ending in ("", "template", "path", "pathtemplate"):
            value = folded.get(name.lower() + ending)
            if isinstance(value, str | bool | int):
                return as_text(value)
    return ""


def _accessors(parameters: Parameters, parent: str, sub: str, whole: str) -> Accessors | None:
    text = _parameter(parameters, whole) or _parameter(parameters, parent)
    accessors = accessors_of(text) if text else None
    return None if accessors is None else (*accessors, *_parts(_parameter(parameters, sub)))


def _changed(parameters: Parameters, body: Json, change: Callable[[Json], Json]) -> Json:
    """The body with `change` of what the parent and sub-path point at, at the new place or at the old one."""
    parent = accessors_of(_parameter(parameters, "propertyParentPath", "targetPath", "propertyPath") or "@body()")
    if parent is None:
        return body
    below = _parts(_parameter(parameters, "propertySubPath"))
    target = _parameter(parameters, "newPropertyPath")
    body = deepcopy(body)
    for place in _places(body, parent, below):
        changed = change(pick(body, place))
        body = _put(body, _goal(target, parent, place), changed)
    return body


def _goal(target: str, parent: Accessors, place: Accessors) -> Accessors:
    """Where a result goes: an expression's place, a name below the parent (or below its item), else where it came from."""
    holder = place[: len(parent) + 1] if place[len(parent) : len(parent) + 1] and _is_index(place, parent) else parent
    if not target:
        return place
    if not target.startswith("@"):
        return (*holder, *_parts(target))
    accessors = accessors_of(target)
    if accessors is None:
        return place
    return (*holder, *accessors) if target.lower().startswith("@item") else accessors


def _is_index(place: Accessors, parent: Accessors) -> bool:
    return isinstance(place[len(parent)], int)


def _parts(path: str) -> Accessors:
    return tuple(part for part in path.replace(".", "/").split("/") if part)


def _places(body: Json, parent: Accessors, below: Accessors) -> Iterator[Accessors]:
    """The places meant: one, or one an item when the parent is a list and there is a sub-path."""
    value = pick(body, parent)
    if isinstance(value, list) and below:
        for index in range(len(value)):
            if pick(value[index], below) is not None:
                yield (*parent, index, *below)
    elif pick(body, (*parent, *below)) is not None:
        yield (*parent, *below)


def _put(body: Json, place: Accessors, value: Json) -> Json:
    if not place:
        return value
    holder = body
    for accessor in place[:-1]:
        if isinstance(holder, dict) and isinstance(accessor, str):
            holder = holder.setdefault(accessor, {})
        else:
            holder = pick(holder, (accessor,))
    last = place[-1]
    if isinstance(holder, dict | list):
        holder[last] = value  # type: ignore[index]
    return body
