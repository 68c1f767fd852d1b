"""The JSON Schema of a flow, for editors: from the language's table and the project's connectors.

Each kind of action and trigger is an `if`/`then`, not a `oneOf`: the VS Code YAML server then lists the words that are valid at
a place and says what is wrong with the one action that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable

from flowengine.errors import InvalidFile, NotFound
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.operation import Operation, Parameter
from flowengine.spec.language import (
    ACTIONS,
    COMMON,
    COMPARISON,
    CONDITION_GROUPS,
    FLOW,
    TRIGGER_COMMON,
    TRIGGERS,
    VERIFY,
    Construct,
    Form,
    Key,
)
from flowengine.types import Json, JsonObject

_TEMPLATE = {"type": "string", "pattern": r"\{\{|\{%"}
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_JSON_TYPES = {"string", "integer", "number", "boolean", "array", "object"}


def flow_schema(catalog: Catalog) -> JsonObject:
    """JSON Schema (draft 7) of a flow that may use these connectors."""
    connectors = list(_operations(catalog))
    calls = [operation for operation in connectors if operation.kind == "action"]
    starts = [operation for operation in connectors if operation.kind == "trigger"]
    polled = [operation for operation in calls if operation.reads]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A flow",
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in FLOW if key.required],
        "properties": _properties(FLOW),
        "definitions": {
            "actions": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/action"}},
            "action": _kinds(ACTIONS.values(), COMMON, {"use": calls}),
            "trigger": _kinds(TRIGGERS.values(), TRIGGER_COMMON, {"use": starts, "poll": polled}),
            "condition": _condition(),
            "conditions": {"type": "array", "items": {"$ref": "#/definitions/condition"}},
            "with": {_name(operation): _inputs(operation) for operation in connectors},
        },
    }


def _operations(catalog: Catalog) -> Iterable[Operation]:
    for name in catalog.names():
        try:
            connector = catalog.get(name)
        except (NotFound, InvalidFile):
            continue  # `flowengine connectors check` says what is wrong with it
        yield from (connector.operations[operation] for operation in connector.operations)


def _name(operation: Operation) -> str:
    return f"{operation.connector}.{operation.id}"


def _kinds(kinds: Iterable[Construct], common: Iterable[Key], uses: dict[str, list[Operation]]) -> JsonObject:
    """An object that is one of several constructs, told apart by the key it has."""
    constructs, shared = list(kinds), list(common)
    every: JsonObject = {key.name: {} for construct in constructs for key in construct.keys}
    described = {
        construct.key: {"description": construct.doc, "markdownDescription": _markdown(construct)}
        for construct in constructs
    }
    return {
        "type": "object",
        "properties": {**every, **described, **_properties(shared)},
        "anyOf": [{"required": [construct.key]} for construct in constructs],
        "allOf": [_kind(construct, shared, uses.get(construct.key)) for construct in constructs],
    }


def _markdown(construct: Construct) -> str:
    return f"{construct.doc}\n\n```yaml\n{construct.example}\n```"


def _kind(construct: Construct, shared: list[Key], operations: list[Operation] | None) -> JsonObject:
    properties = _properties((*construct.keys, *shared))
    then: JsonObject = {
        "required": [key.name for key in construct.keys if key.required],
        "additionalProperties": False,
        "properties": properties,
    }
    if operations is not None:
        properties[construct.key] = {
            "type": "string",
            "enum": [_name(operation) for operation in operations],
            "markdownEnumDescriptions": [operation.summary or operation.description for operation in operations],
        }
        then["allOf"] = [_with(construct.key, operation) for operation in operations]
    return {"if": {"required": [construct.key]}, "then": then}


def _with(key: str, operation: Operation) -> JsonObject:
    reference = {"$ref": f"#/definitions/with/{_name(operation)}"}
    return {
        "if": {"properties": {key: {"const": _name(operation)}}, "required": [key]},
        "then": {"properties": {"with": reference}},
    }


def _properties(keys: Iterable[Key]) -> JsonObject:
    return {key.name: {"description": key.doc, **_form(key)} for key in keys}


def _form(key: Key) -> JsonObject:
    match key.form:
        case Form.TEXT | Form.OPERATION | Form.FLOW_ID:
            return {"type": ["string", "number"]} if key.form is Form.TEXT else {"type": "string"}
        case Form.TEMPLATE | Form.MOMENT:
            return {"type": ["string", "number", "boolean"]}
        case Form.DURATION | Form.DURATION_OR_TEMPLATE:
            return {"type": "string", "examples": ["10 seconds", "5 minutes", "2 hours", "1 day"]}
        case Form.NAME:
            return {"type": "string", "pattern": _NAME}
        case Form.BOOLEAN:
            return {"type": "boolean"}
        case Form.TRUE:
            return {"const": True}
        case Form.COUNT:
            return {"type": "integer", "minimum": key.minimum, "maximum": key.maximum}
        case Form.CHOICE:
            return {"enum": list(key.choices)}
        case Form.CHOICES:
            words = {"enum": list(key.choices)}
            return {"anyOf": [words, {"type": "array", "items": words}]}
        case _:
            return _composed(key)


def _composed(key: Key) -> JsonObject:
    match key.form:
        case Form.LIST_OR_TEMPLATE:
            return {"anyOf": [{"type": "array"}, _TEMPLATE]}
        case Form.CONDITION:
            return {"anyOf": [{"$ref": "#/definitions/condition"}, {"$ref": "#/definitions/conditions"}]}
        case Form.CONDITIONS:
            return {"$ref": "#/definitions/conditions"}
        case Form.ACTIONS:
            return {"$ref": "#/definitions/actions"}
        case Form.BRANCHES:
            return {"type": "array", "items": {"$ref": "#/definitions/actions"}}
        case Form.CASES:
            return {"type": "object", "additionalProperties": {"$ref": "#/definitions/actions"}}
        case Form.VARIABLES:
            return {"type": "object", "propertyNames": {"pattern": _NAME}}
        case Form.VALUES:
            return {"type": "object"}
        case Form.INPUTS:
            return {"type": "object", "propertyNames": {"pattern": _NAME}, "additionalProperties": _object(key.inside)}
        case Form.DURATIONS:
            return {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {"type": "string"} for name in key.choices},
            }
        case Form.RETRY:
            return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 100}, _object(key.inside)]}
        case Form.RETRY_ON:
            return {
                "type": "array",
                "items": {"type": ["string", "integer"], "examples": [429, "5xx", "timeout", "unreachable"]},
            }
        case Form.TEXTS:
            return {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}
        case Form.TRIGGERS:
            one = {"$ref": "#/definitions/trigger"}
            return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}
        case Form.KEYS:
            return _object(key.inside)
        case Form.SCHEDULE:
            return {
                "anyOf": [
                    {"type": "string", "examples": ["every weekday at 09:00", "every 15 minutes"]},
                    _object(key.inside),
                ]
            }
        case Form.VERIFY:
            return _verify()
        case _:
            return {}


def _object(keys: Iterable[Key]) -> JsonObject:
    listed = list(keys)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in listed if key.required],
        "properties": _properties(listed),
    }


def _verify() -> JsonObject:
    ways = {name: _object(keys) for name, keys in VERIFY.items()}
    one = {"type": "object", "additionalProperties": False, "minProperties": 1, "maxProperties": 1, "properties": ways}
    return {"anyOf": [{"const": "none"}, one]}


def _condition() -> JsonObject:
    keys = _properties((*CONDITION_GROUPS, *COMPARISON))
    group = {"type": "object", "additionalProperties": False, "properties": keys}
    return {"anyOf": [{"type": "boolean"}, _TEMPLATE, group]}


def _inputs(operation: Operation) -> JsonObject:
    """What stands under `with`: the dotted parameters as objects within each other."""
    schema: JsonObject = {"type": "object", "description": operation.description or operation.summary, "properties": {}}
    for parameter in operation.parameters:
        if not parameter.internal:
            _place(schema, parameter.path.split(".") if parameter.location == "body" else [parameter.path], parameter)
    return schema


def _place(schema: JsonObject, path: list[str], parameter: Parameter) -> None:
    for name in path[:-1]:
        schema = schema["properties"].setdefault(name, {"type": ["object", "array", "string"]})
        schema.setdefault("properties", {})
        if "array" in _types(schema):
            schema = schema.setdefault("items", {"type": ["object", "string"], "properties": {}})
            schema.setdefault("properties", {})
    shown = {"description": parameter.description or parameter.title, **_type(parameter)}
    schema["properties"][path[-1]] = {**schema["properties"].get(path[-1], {}), **shown}


def _types(schema: JsonObject) -> list[str]:
    return ["array"] if schema.get("type") == "array" or "array" in str(schema.get("anyOf", "")) else []


def _type(parameter: Parameter) -> JsonObject:
    """A parameter's type; a template may stand for anything."""
    shown: JsonObject = {}
    if parameter.has_default:
        shown["default"] = parameter.default
    if parameter.enum:
        return {**shown, "anyOf": [{"enum": list(parameter.enum)}, _TEMPLATE]}
    if parameter.type == "object":
        return {**shown, "type": ["object", "string"]}
    if parameter.type == "array":
        return {**shown, "anyOf": [{"type": "array"}, _TEMPLATE]}
    if parameter.type in _JSON_TYPES:
        kinds: Json = ["string", "number", "boolean"] if parameter.type == "string" else [parameter.type, "string"]
        return {**shown, "type": kinds}
    return shown
