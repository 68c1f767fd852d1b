"""Which keys may stand at a place of a flow, from the language's table and the manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowengine.lint.project import Project
from flowengine.manifests.definition import Connector
from flowengine.spec.language import (
    ACTIONS,
    COMMON,
    COMPARISON,
    CONDITION_GROUPS,
    FLOW,
    SCHEDULE,
    TRIGGER_COMMON,
    TRIGGERS,
    VERIFY,
    Construct,
    Form,
    Key,
)
from flowengine.spec.source import Location
from flowengine.types import Json

_CONDITION = (*CONDITION_GROUPS, *COMPARISON)
_VERIFY = tuple(Key(name, Form.KEYS, "A way to verify the sender.", inside=keys) for name, keys in VERIFY.items())


@dataclass(frozen=True, slots=True)
class Property:
    """One key that may stand somewhere: a word of the language, or a parameter of an operation."""

    name: str
    about: str
    required: bool = False
    kind: str = ""
    """What it takes, in words."""
    choices: tuple[str, ...] = ()
    key: Key | None = None
    """Its entry in the language's table; None for parameters."""
    schema: Any = None
    """Of a parameter: what the manifest says of it."""


def properties_at(data: Json, loc: Location, project: Project) -> tuple[list[Property], Connector | None]:
    """The keys that may stand in the mapping at `loc`; and for parameters, the connector they belong to."""
    table = _table(FLOW)
    connector: Connector | None = None
    value = data
    inside_with = False
    for index, part in enumerate(loc):
        value = _entry(value, part)
        if isinstance(part, int):
            continue
        if inside_with:
            table = _below(table.get(part), connector)
            continue
        found = table.get(part)
        if found is None or found.key is None:
            return _free(loc, index, data, table, project)
        if found.key.form is Form.VALUES and part == "with":
            table, connector = _parameters(_at(data, loc[:index]), project)
            inside_with = True
        else:
            table = _inside(found.key, value, loc[index + 1 :])
    if loc and loc[-1] == "inputs":
        return [], None  # the names are the author's own
    return list(table.values()), connector


def _free(
    loc: Location, index: int, data: Json, table: dict[str, Property], project: Project
) -> tuple[list[Property], Connector | None]:
    """A name that the author chose: a case, an input, a variable."""
    owner = loc[index - 1] if index else ""
    if owner == "cases":
        inner = _actions(_at(data, loc)) if len(loc) > index + 1 else {}
        if len(loc) <= index + 2:
            return list(inner.values()), None
        rebuilt = ("actions", *loc[index + 1 :])
        return properties_at({"actions": _at(data, loc[: index + 1])}, rebuilt, project)
    return list(table.values()) if owner == "inputs" else [], None


def _inside(key: Key, value: Json, rest: Location) -> dict[str, Property]:
    """The keys below one key of the language."""
    here = value
    for part in rest:
        if not isinstance(part, int):
            break
        here = _entry(here, part)
    match key.form:
        case Form.ACTIONS | Form.BRANCHES:
            return _actions(here)
        case Form.TRIGGERS:
            return _kinds(TRIGGERS, TRIGGER_COMMON, here)
        case Form.CONDITION | Form.CONDITIONS:
            return _table(_CONDITION)
        case Form.SCHEDULE:
            return _table(SCHEDULE)
        case Form.VERIFY:
            return _table(_VERIFY)
        case Form.DURATIONS:
            return {name: Property(name, "How long these are kept.", kind="a time") for name in key.choices}
        case _:
            return _table(key.inside)


def _actions(value: Json) -> dict[str, Property]:
    return _kinds(ACTIONS, COMMON, value)


def _kinds(kinds: dict[str, Construct], common: tuple[Key, ...], value: Json) -> dict[str, Property]:
    """The keys of an action or trigger: of the kind that it has, or of every kind while it has none."""
    given = [name for name in value if name in kinds] if isinstance(value, dict) else []
    if given:
        return _table((*kinds[given[0]].keys, *common))
    own = {
        name: Property(name, construct.doc, kind=str(construct.keys[0].form), key=construct.keys[0])
        for name, construct in kinds.items()
    }
    return {**own, **_table(common)}


def _table(keys: tuple[Key, ...]) -> dict[str, Property]:
    return {key.name: Property(key.name, key.doc, key.required, str(key.form), _choices(key), key) for key in keys}


def _choices(key: Key) -> tuple[str, ...]:
    if key.form in (Form.BOOLEAN, Form.TRUE):
        return ("true", "false") if key.form is Form.BOOLEAN else ("true",)
    return key.choices if key.form in (Form.CHOICE, Form.CHOICES) else ()


def _parameters(owner: Json, project: Project) -> tuple[dict[str, Property], Connector | None]:
    """The parameters of the operation that an action or trigger names, or the inputs of the flow that it calls."""
    if not isinstance(owner, dict):
        return {}, None
    if "call" in owner:
        called = project.flows.get(str(owner["call"]))
        inputs = called.inputs if called else {}
        return {
            name: Property(name, one.description, one.required, one.type, tuple(str(each) for each in one.choices))
            for name, one in inputs.items()
        }, None
    name, _, operation_id = str(owner.get("use") or owner.get("poll") or "").partition(".")
    connector, operation = project.connector(name), project.operation(name, operation_id)
    if connector is None or operation is None:
        return {}, None
    found = {
        one.name: _property(one.name, one.schema, connector, required=one.required)
        for one in operation.parameters
        if one.location != "body" and not one.internal
    }
    if operation.body is not None:
        body = connector.resolve(operation.body.schema)
        inner = _of_schema(body, connector)
        plain = {operation.body.name: _property(operation.body.name, body, connector, required=operation.body.required)}
        found |= inner or plain
    return found, connector


def _property(name: str, schema: Any, connector: Connector, *, required: bool) -> Property:
    resolved = connector.resolve(schema)
    about = str(resolved.get("description") or resolved.get("x-ms-summary") or "")
    allowed = resolved.get("enum")
    choices = tuple(str(one) for one in allowed) if isinstance(allowed, list) else ()
    kind = str(resolved.get("type") or "")
    if kind == "boolean" and not choices:
        choices = ("true", "false")
    return Property(name, about, required, kind, choices, schema=resolved)


def _of_schema(schema: Any, connector: Connector) -> dict[str, Property]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    required = schema.get("required") or () if isinstance(schema, dict) else ()
    return {
        str(name): _property(str(name), inner, connector, required=name in required)
        for name, inner in (properties.items() if isinstance(properties, dict) else ())
        if connector.resolve(inner).get("x-ms-visibility") != "internal"
    }


def _below(found: Property | None, connector: Connector | None) -> dict[str, Property]:
    if found is None or connector is None:
        return {}
    schema = found.schema
    if isinstance(schema, dict) and schema.get("type") == "array":
        schema = connector.resolve(schema.get("items") or {})
    return _of_schema(schema, connector)


def _entry(value: Json, part: str | int) -> Json:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _at(data: Json, loc: Location) -> Json:
    for part in loc:
        data = _entry(data, part)
    return data
