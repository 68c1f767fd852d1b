"""Bodies as bytes: JSON, text, XML, files, urlencoded and multipart forms."""

from __future__ import annotations

import hashlib
import json
import math
from urllib.parse import quote_plus

import orjson

from flowengine.connectors.draft import Body, DataBody, FormBody, FormField
from flowengine.connectors.inputs import operation_takes_file, takes_files
from flowengine.connectors.policy_expressions import as_text
from flowengine.connectors.urls import refuse_control_characters
from flowengine.connectors.values import CONTENT, file_of
from flowengine.errors import InvalidInputs
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation, Parameter
from flowengine.types import Json, JsonObject

JSON_TYPE = "application/json"
MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"


def is_json(content_type: str) -> bool:
    """`application/json`, `application/vnd.api+json; charset=utf-8` and their like."""
    kind = content_type.split(";", 1)[0].strip().lower()
    return kind in (JSON_TYPE, "text/json") or kind.endswith("+json")


def body_of(connector: Connector, operation: Operation, value: Json) -> Body:
    """The body that the operation's `consumes` and schema ask for."""
    assert operation.body is not None
    root = connector.resolve(operation.body.schema)
    consumes = [kind for kind in operation.consumes if "*" not in kind]
    if operation_takes_file(root):
        return DataBody(value, _not_json(consumes) or "application/octet-stream", binary=True)
    chosen = next((kind for kind in consumes if is_json(kind)), consumes[0] if consumes else "")
    if isinstance(value, dict) and is_form(chosen):
        return form_of_object(value, chosen)
    if isinstance(value, str):
        return DataBody(value, chosen or "text/plain")
    return DataBody(value, chosen if is_json(chosen) else JSON_TYPE)


def form_of_object(value: JsonObject, content_type: str) -> FormBody:
    """An object sent as a form: its properties are the fields, Microsoft's envelopes are files."""
    fields = (FormField(name, item, file=isinstance(item, dict) and CONTENT in item) for name, item in value.items())
    return FormBody(tuple(fields), multipart=URLENCODED not in content_type.lower())


def form_of(operation: Operation, fields: list[tuple[Parameter, Json]]) -> FormBody:
    """The form of an operation with form parameters: multipart when it has a file or says so."""
    kinds = {kind.lower() for kind in operation.consumes}
    has_file = any(takes_files(parameter) for parameter in operation.parameters if parameter.location == "formData")
    multipart = has_file or (MULTIPART in kinds and URLENCODED not in kinds)
    return FormBody(tuple(field for parameter, value in fields for field in _form_fields(parameter, value)), multipart)


def _form_fields(parameter: Parameter, value: Json) -> list[FormField]:
    """A field of the form; a list of files is a field for each of them."""
    if not takes_files(parameter):
        return [FormField(parameter.name, value)]
    return [FormField(parameter.name, one, file=True) for one in (value if isinstance(value, list) else [value])]


def encode(body: Body) -> tuple[str, bytes]:
    """The content type and the bytes."""
    match body:
        case DataBody(value, content_type, binary=True):
            content, kind = file_of(value, "body")
            return kind or content_type, content
        case DataBody(str() as text, content_type) if not is_json(content_type) or _is_json_text(text):
            return content_type, text.encode("utf-8")
        case DataBody(value, content_type):
            return content_type, encode_json(value)
        case FormBody(fields, multipart=False):
            pairs = (f"{quote_plus(field.name)}={quote_plus(_form_text(field.value))}" for field in fields)
            return URLENCODED, "&".join(pairs).encode("ascii")
        case FormBody(fields):
            return _multipart(fields)


def encode_json(value: Json) -> bytes:
    """Compact JSON. Raises `InvalidInputs` for NaN and infinity, which JSON does not have."""
    try:
        written = orjson.dumps(value)
        if b"null" not in written or not _has_nan(value):
            return written
    except TypeError:
        pass
    try:
        # Whole numbers beyond 64 bits and lone surrogates are nothing orjson can write.
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputs(f"the body cannot be written as JSON: {error}") from None


def _has_nan(value: Json) -> bool:
    """NaN and infinity are written as null by orjson, which would hide the mistake."""
    match value:
        case float():
            return not math.isfinite(value)
        case dict():
            return any(_has_nan(item) for item in value.values())
        case list():
            return any(_has_nan(item) for item in value)
        case _:
            return False


def _not_json(consumes: list[str]) -> str:
    """A file is none of these kinds, whatever the definition's root says for all operations."""
    return next((kind for kind in consumes if not is_json(kind) and not is_form(kind)), "")


def is_form(content_type: str) -> bool:
    """Whether it is one of the two content types of forms."""
    return content_type.split(";", 1)[0].strip().lower() in (MULTIPART, URLENCODED)


def _is_json_text(text: str) -> bool:
    """Whether an author gave JSON as text: an object, a list or a quoted text, ready to be sent."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _form_text(value: Json) -> str:
    if isinstance(value, list) and all(not isinstance(item, dict | list) for item in value):
        return ",".join(as_text(item) for item in value)
    return as_text(value)


def _multipart(fields: tuple[FormField, ...]) -> tuple[str, bytes]:
    parts = [_part(field) for field in fields]
    # Made from the content, so that the same inputs give the same request; 160 bits do not occur in it by accident.
    boundary = "flowengine-" + hashlib.sha256(b"".join(parts)).hexdigest()[:40]
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return f"{MULTIPART}; boundary={boundary}", body + b"--" + boundary.encode() + b"--\r\n"


def _part(field: FormField) -> bytes:
    name = _quoted(field.name, field.name)
    if field.file:
        content, kind = file_of(field.value, field.name)
        given = field.value.get("$filename") if isinstance(field.value, dict) else None
        filename = _quoted(field.name, given if isinstance(given, str) else field.name)
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
        kind = refuse_control_characters(field.name, kind or "application/octet-stream", "content type")
        return f"{head}\r\nContent-Type: {kind}\r\n\r\n".encode() + content
    head = f'Content-Disposition: form-data; name="{name}"'
    if isinstance(field.value, dict) or (isinstance(field.value, list) and any(map(_deep, field.value))):
        return f"{head}\r\nContent-Type: {JSON_TYPE}\r\n\r\n".encode() + encode_json(field.value)
    return f"{head}\r\n\r\n{_form_text(field.value)}".encode()


def _deep(value: Json) -> bool:
    return isinstance(value, dict | list)


def _quoted(parameter: str, text: str) -> str:
    refuse_control_characters(parameter, text, "form field's name")
    return text.replace("\\", "\\\\").replace('"', "%22")
