"""An author's inputs, put to their places: path, query, headers, form and body.

Path, query, header and form parameters stand under their names; the properties of an object body beside them, or under the
body parameter's own name, which every other kind of body always uses; the callback URL of a webhook as `$callback_url`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from flowengine.connectors import values
from flowengine.errors import InvalidInputs
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import CALLBACK, Operation, Parameter
from flowengine.manifests.schema import type_of
from flowengine.types import Json, JsonObject

ABSENT: Final = object()
"""No body at all, which differs from a body that is null."""


@dataclass(slots=True)
class Placed:
    """Checked inputs by place. Values outside the body are kept with their parameter."""

    parameters: list[tuple[Parameter, Json]] = field(default_factory=list)
    body: Json = ABSENT

    def at(self, location: str) -> list[tuple[Parameter, Json]]:
        return [(parameter, value) for parameter, value in self.parameters if parameter.location == location]


def place(connector: Connector, operation: Operation, inputs: Mapping[str, Json]) -> Placed:
    """Check and place `inputs`. Raises `InvalidInputs` that names the parameter by its dotted path."""
    outside = [parameter for parameter in operation.parameters if parameter.location != "body"]
    given = _with_callback(operation, inputs)
    names = {parameter.name for parameter in outside}
    body = _body(connector, operation, {name: value for name, value in given.items() if name not in names}, names)
    placed = Placed(body=body)
    for parameter in outside:
        value = _outside(connector, parameter, given.get(parameter.name))
        if value is not None:
            placed.parameters.append((parameter, value))
    return placed


def _with_callback(operation: Operation, inputs: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs with the callback URL at the place that the definition marks, and with what registration always says."""
    given = dict(inputs)
    if operation.webhook is None:
        return given
    for path, value in operation.webhook.register_with.items():
        _put_at(operation, given, path, value, keep=True)
    if CALLBACK in given:
        _put_at(operation, given, operation.webhook.callback, given.pop(CALLBACK))
    return given


def _put_at(operation: Operation, given: JsonObject, path: str, value: Json, *, keep: bool = False) -> None:
    """Set what stands at a parameter's path; where a list is on the way, in each of its objects, or in a first one."""
    names = path.split(".")
    holders = [_holder(operation, given, names[0])]
    for depth, name in enumerate(names[:-1], start=1):
        parameter = operation.parameter(".".join(names[:depth]))
        listed = parameter is not None and parameter.type == "array"
        holders = [item for holder in holders for item in _inside(holder, name, listed=listed)]
    for holder in holders:
        if not (keep and names[-1] in holder):
            holder[names[-1]] = value


def _holder(operation: Operation, given: JsonObject, name: str) -> JsonObject:
    """Where a top-level name belongs: into the body when it was given whole, under its own name."""
    whole = operation.body.name if operation.body else ""
    if isinstance(given.get(whole), dict) and name not in given and name != whole:
        given[whole] = dict(given[whole])
        return given[whole]  # type: ignore[no-any-return]
    return given


def _inside(holder: JsonObject, name: str, *, listed: bool) -> list[JsonObject]:
    """The objects at `name`, as copies that may be changed: inputs belong to the caller."""
    value = holder.get(name)
    items = value if isinstance(value, list) else [value]
    copies = [dict(item) if isinstance(item, dict) else {} for item in items] or [{}]
    holder[name] = copies if listed else copies[0]
    return copies


def keep_at(operation: Operation, inputs: Mapping[str, Json], path: str, value: Json) -> JsonObject:
    """The inputs with `value` at a dotted path, unless something stands there or the object that would hold it does not."""
    given = dict(inputs)
    names = path.split(".")
    holder: Json = _holder(operation, given, names[0])
    for name in names[:-1]:
        holder = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        _put_at(operation, given, path, value, keep=True)
    return given


def _outside(connector: Connector, parameter: Parameter, value: Json) -> Json:
    """The value of a parameter outside the body; None when there is none to send."""
    if value is None:
        if not parameter.required:
            return None
        if parameter.internal and parameter.has_default:
            return parameter.default
        raise values.missing(parameter.name, parameter.name, parameter.schema)
    if parameter.location == "formData" and takes_files(parameter):
        return value
    return values.fit(connector.schemas, parameter.schema, value, parameter.name, loose=True)


def takes_files(parameter: Parameter) -> bool:
    """Whether a form's field is a file, or a list of files."""
    items = parameter.schema.get("items")
    return operation_takes_file(items if isinstance(items, dict) and parameter.type == "array" else parameter.schema)


def _body(connector: Connector, operation: Operation, given: dict[str, Json], names: Iterable[str]) -> Json:
    spec = operation.body
    if spec is None:
        for name in given:
            raise values.unknown(name, _writable(operation))
        return ABSENT
    root = connector.resolve(spec.schema)
    properties = root.get("properties") or {}
    if type_of(root) not in (None, "object") or (type_of(root) is None and spec.name in given):
        return _whole(connector, operation, given, root)
    value: Json = None
    if spec.name in given and _is_whole(spec.name, given, properties):
        value = given.pop(spec.name)
        if value is not None and not isinstance(value, dict):
            return values.fit(connector.schemas, spec.schema, value, spec.name)
    merged = {**(value or {}), **given}
    _refuse_unknown(operation, root, given)
    if value is None and not merged and not spec.required and not _needs(root):
        return ABSENT
    if not merged and "default" in root and _hidden(operation, spec.name):
        return root["default"]
    return _named(connector, root, merged, names)


def _whole(connector: Connector, operation: Operation, given: dict[str, Json], root: JsonObject) -> Json:
    """A body of another kind than an object: it stands under the body parameter's name."""
    spec = operation.body
    assert spec is not None
    for name in given:
        if name != spec.name:
            raise values.unknown(name, _writable(operation))
    if given.get(spec.name) is not None:
        if operation_takes_file(root):
            return given[spec.name]
        return values.fit(connector.schemas, spec.schema, given[spec.name], spec.name)
    if "default" in root and _hidden(operation, spec.name):
        return root["default"]
    if spec.required:
        raise values.missing(spec.name, spec.name, root)
    return ABSENT


def operation_takes_file(root: Mapping[str, Json]) -> bool:
    """Whether a body (or a form's field) is a file: binary text, or the type that only forms have."""
    return root.get("type") == "file" or (root.get("type") == "string" and root.get("format") == "binary")


def _is_whole(name: str, given: Mapping[str, Json], properties: Mapping[str, Json]) -> bool:
    """Whether the body's own name means the body: a property of that name wins unless an object cannot be it."""
    return name not in properties or (isinstance(given[name], dict) and type_of(properties[name]) != "object")


def _hidden(operation: Operation, name: str) -> bool:
    parameter = operation.parameter(name)
    return parameter is not None and parameter.internal


def _needs(root: JsonObject) -> bool:
    return any(name in (root.get("properties") or {}) for name in root.get("required") or ())


def _named(connector: Connector, root: JsonObject, merged: JsonObject, names: Iterable[str]) -> Json:
    """Fit the body; a property that is missing while a parameter outside has its name needs a word on how to write it."""
    try:
        return values.fit(connector.schemas, root, merged, "")
    except InvalidInputs as error:
        if error.parameter in names and "is missing" in error.message:
            raise InvalidInputs(
                f"{error.message}, in the body: write it under the body's own name", parameter=error.parameter
            ) from None
        raise


def _refuse_unknown(operation: Operation, root: JsonObject, given: Mapping[str, Json]) -> None:
    """Names at the top level are told apart from all that may stand there, not from the body's properties alone."""
    properties = root.get("properties") or {}
    if not properties or root.get("additionalProperties") or "discriminator" in root:
        return
    for name in given:
        if name not in properties:
            raise values.unknown(name, _writable(operation))


def _writable(operation: Operation) -> list[str]:
    shown = [parameter.path for parameter in operation.parameters if not parameter.internal]
    return [*shown, CALLBACK] if operation.webhook else shown
