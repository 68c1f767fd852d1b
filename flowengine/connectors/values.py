"""Values against schemas: the author's mistakes are named before anything is sent, and hidden defaults are filled in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from flowengine.errors import InvalidInputs
from flowengine.findings import did_you_mean, nearest
from flowengine.manifests.schema import Schemas, type_of
from flowengine.types import Json, JsonObject

CONTENT, CONTENT_TYPE = "$content", "$content-type"
_IN_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "file": 'text or {"$content-type", "$content"}',
}


def fit(schemas: Schemas, schema: Any, value: Json, path: str, *, loose: bool = False) -> Json:
    """`value` as it is sent: checked against `schema`, with hidden required defaults filled in at any depth.

    `loose` is for what travels as text anyway (path, query, headers, forms): numbers may come as text and the other way
    round. Raises `InvalidInputs` that names the dotted path.
    """
    declared = schemas.resolve(schema)
    if value is None:
        return value
    allowed = declared.get("enum")
    if not isinstance(allowed, list) or not allowed:
        return _of_type(schemas, declared, value, path, loose=loose)
    # Some definitions give their choices the wrong type: what is listed is allowed.
    if value in allowed and not isinstance(value, list):
        return value
    value = _of_type(schemas, declared, value, path, loose=loose)
    if value not in allowed and not (loose and str(value) in [str(one) for one in allowed]):
        raise _not_allowed(allowed, value, path)
    return value


def _of_type(schemas: Schemas, declared: JsonObject, value: Json, path: str, *, loose: bool) -> Json:
    match type_of(declared), value:
        case "object", dict():
            return _fit_object(schemas, declared, value, path)
        case "array", list():
            items = declared.get("items") or {}
            return [fit(schemas, items, item, f"{path}.{index}", loose=loose) for index, item in enumerate(value)]
        case "string", str():
            return _base64_text(value) if declared.get("format") == "byte" else value
        case "string", dict() if CONTENT in value and declared.get("format") in ("byte", "binary"):
            return value[CONTENT]
        case "file", str() | dict():
            return value
        case "boolean", bool():
            return value
        case "integer" | "number", bool():
            raise _mistyped(declared, value, path)
        case "integer", int():
            return value
        case "integer", float() if value.is_integer():
            return int(value)
        case "number", int() | float():
            return value
        case ((None | "null" | "any"), _):
            return value
        case kind, _ if loose and kind in _IN_WORDS:
            return _loosely(declared, value, path)
        case kind, _ if kind in _IN_WORDS:
            raise _mistyped(declared, value, path)
        case _:
            return value


def _loosely(declared: JsonObject, value: Json, path: str) -> Json:
    match type_of(declared), value:
        case "string", bool() | dict() | list():
            raise _mistyped(declared, value, path)
        case "string", _:
            return str(value)
        case "array", str() | int() | float():
            return value
        case "object", str():
            return value
        case "boolean", str() if value.lower() in ("true", "false"):
            return value.lower() == "true"
        case "integer", str() if _is_number(value) and float(value).is_integer():
            return value
        case "number", str() if _is_number(value):
            return value
        case _:
            raise _mistyped(declared, value, path)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text and text.lower() not in ("nan", "inf", "-inf", "infinity", "-infinity")


def _fit_object(schemas: Schemas, declared: JsonObject, value: JsonObject, path: str) -> JsonObject:
    properties: Mapping[str, Any] = declared.get("properties") or {}
    if not properties and not declared.get("additionalProperties"):
        return value
    fitted: JsonObject = {}
    for name, item in value.items():
        place = _below(path, name)
        if name in properties:
            fitted[name] = fit(schemas, properties[name], item, place)
        elif isinstance(declared.get("additionalProperties"), dict):
            fitted[name] = fit(schemas, declared["additionalProperties"], item, place)
        elif declared.get("additionalProperties") or "discriminator" in declared:
            fitted[name] = item
        else:
            raise unknown(place, [_below(path, known) for known in visible(schemas, properties)])
    return _complete(schemas, declared, fitted, path)


def visible(schemas: Schemas, properties: Mapping[str, Any]) -> list[str]:
    """The names that authors are meant to see."""
    return [name for name, schema in properties.items() if schemas.resolve(schema).get("x-ms-visibility") != "internal"]


def _complete(schemas: Schemas, declared: JsonObject, value: JsonObject, path: str) -> JsonObject:
    """Fill in the hidden defaults that are required, and refuse what lacks anything else that is."""
    needed = declared.get("required")
    properties = declared.get("properties") or {}
    for name in needed if isinstance(needed, list) else ():
        if value.get(name) is not None or name not in properties:
            continue
        schema = schemas.resolve(properties[name])
        if name in value and schema.get("x-nullable"):
            continue
        filled = hidden_default(schemas, schema)
        if filled is not None:
            value[name] = filled
        elif not schema.get("readOnly"):
            raise missing(_below(path, name), _first_missing(schemas, schema, _below(path, name)), schema)
    return value


def hidden_default(schemas: Schemas, schema: Any, *, hidden: bool = False, depth: int = 0) -> Json:
    """What the engine sends for a required value that the author left out: hidden defaults only; None when none.

    What is inside something hidden is hidden.
    """
    declared = schemas.resolve(schema)
    hidden = hidden or declared.get("x-ms-visibility") == "internal"
    if "default" in declared and hidden:
        return declared["default"]
    properties = declared.get("properties")
    if not isinstance(properties, dict) or depth > 8:
        return None
    needed = [name for name in declared.get("required") or () if name in properties]
    if not needed:
        return None
    built = {name: hidden_default(schemas, properties[name], hidden=hidden, depth=depth + 1) for name in needed}
    return None if any(value is None for value in built.values()) else built


def _first_missing(schemas: Schemas, schema: Any, path: str, depth: int = 0) -> str:
    """The deepest required property on the way, which is what the author has to write."""
    declared = schemas.resolve(schema)
    properties = declared.get("properties") or {}
    for name in declared.get("required") or ():
        if depth < 8 and name in properties and hidden_default(schemas, properties[name]) is None:
            return _first_missing(schemas, properties[name], _below(path, name), depth + 1)
    return path


def missing(path: str, deepest: str, schema: Mapping[str, Any]) -> InvalidInputs:
    """The error of inputs without a required parameter."""
    told = f"{deepest} is missing: {_IN_WORDS.get(type_of(schema) or '', 'a value')} is required"
    if deepest != path:
        told = f"{deepest} is missing: it is required"
    elif "default" in schema and schema.get("x-ms-visibility") != "internal":
        told += f", usually {schema['default']!r}"
    return InvalidInputs(told, parameter=deepest)


def unknown(path: str, known: list[str]) -> InvalidInputs:
    """The error of inputs with a parameter that the operation does not have."""
    return InvalidInputs(f'there is no parameter "{path}"; {did_you_mean(path, known)}', parameter=path)


def _mistyped(declared: Mapping[str, Any], value: Json, path: str) -> InvalidInputs:
    wanted = _IN_WORDS[type_of(declared) or ""]
    told = f"{path} must be {wanted}, not {describe(value)}"
    if type_of(declared) == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        told += f'; put quotes around it: "{value}"'
    return InvalidInputs(told, parameter=path)


def _not_allowed(allowed: list[Json], value: Json, path: str) -> InvalidInputs:
    choices = [str(one) for one in allowed]
    near = isinstance(value, str) and nearest(value, choices)
    hint = did_you_mean(str(value), choices) if near else "write one of: " + ", ".join(choices[:12])
    return InvalidInputs(f"{path} cannot be {describe(value)}; {hint}", parameter=path)


def describe(value: Json) -> str:
    """A value in an error: its kind, and itself when it is short and simple."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{value}"' if len(value) <= 40 else f"a text of {len(value)} characters"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "nothing"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _base64_text(text: str) -> str:
    """base64 stays as it is (it is what other operations give); any other text is encoded."""
    if is_base64(text):
        return text
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def is_base64(text: str) -> bool:
    """Whether a text is whole base64."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def file_of(value: Json, path: str) -> tuple[bytes, str | None]:
    """A file's bytes and its content type, from text or from Microsoft's envelope."""
    match value:
        case {"$content": str(content)}:
            if not is_base64(content):
                raise InvalidInputs(f"{path}.$content is not base64", parameter=path)
            kind = value.get(CONTENT_TYPE)
            return base64.b64decode(content), kind if isinstance(kind, str) else None
        case str():
            return value.encode("utf-8"), None
        case _:
            raise InvalidInputs(f"{path} must be {_IN_WORDS['file']}, not {describe(value)}", parameter=path)
