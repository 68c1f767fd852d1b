"""OpenAPI 3.0 and 3.1 rewritten as OpenAPI 2.0, which is what connector definitions are.

What 2.0 cannot say is left out and told: cookies, alternatives of a body (the likeliest content type is taken), `oneOf` and
`anyOf` of different shapes (anything goes there).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from flowengine.manifests.lenient import as_flag, as_list, as_object, as_text
from flowengine.manifests.operation import METHODS
from flowengine.types import Json, JsonObject

JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
URLENCODED: Final = "application/x-www-form-urlencoded"
_SCHEMAS = "#/components/schemas/"
_DEEPEST = 60
_OF_PARAMETERS = (
    "type", "format", "enum", "default", "items", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern",
    "x-nullable", "x-ms-dynamic-values", "x-ms-enum-values",
)  # fmt: skip


@dataclass(slots=True)
class Conversion:
    """One document on its way from 3.x to 2.0."""

    document: JsonObject
    remarks: list[str] = field(default_factory=list)
    """What was left out or changed its meaning, in words."""

    def remark(self, told: str) -> None:
        if told not in self.remarks:
            self.remarks.append(told)

    def follow(self, value: Any) -> JsonObject:
        """What a reference within the document stands for."""
        found = as_object(value)
        for _ in range(_DEEPEST):
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            if not reference.startswith("#/"):
                self.remark(f"{reference} is in another document and was left out")
                return {}
            found = as_object(self._at(reference))
        return {}

    def _at(self, reference: str) -> Json:
        found: Json = self.document
        for part in reference[2:].split("/"):
            found = as_object(found).get(part.replace("~1", "/").replace("~0", "~"))
        return found


def to_swagger(document: JsonObject, source: str = "") -> tuple[JsonObject, list[str]]:
    """The 2.0 document, and what it could not take along. `source` is the URL that relative servers are relative to."""
    found = Conversion(document)
    components = as_object(document.get("components"))
    made: JsonObject = {"swagger": "2.0", "info": as_object(document.get("info")), **_server(found, source)}
    made["paths"] = {
        path: _path_item(found, as_object(item)) for path, item in as_object(document.get("paths")).items()
    }
    made["definitions"] = {
        name: schema_of(found, schema) for name, schema in as_object(components.get("schemas")).items()
    }
    made["securityDefinitions"] = dict(_schemes(found, as_object(components.get("securitySchemes"))))
    if isinstance(document.get("security"), list):
        made["security"] = document["security"]
    made |= {key: value for key, value in document.items() if key.startswith("x-")}
    return made, found.remarks


def _server(found: Conversion, source: str) -> JsonObject:
    servers = [as_object(one) for one in as_list(found.document.get("servers"))]
    url = as_text(servers[0].get("url")) if servers else ""
    for name, variable in (as_object(servers[0].get("variables")) if servers else {}).items():
        url = url.replace(f"{{{name}}}", as_text(as_object(variable).get("default")))
    parts, own = urlsplit(url), urlsplit(source)
    host = parts.netloc or own.netloc
    if not host:
        found.remark("no server is named: every connection needs a `base_url`")
    if len(servers) > 1:
        found.remark(f"of {len(servers)} servers the first was taken; a connection can name another with `base_url`")
    scheme = parts.scheme or own.scheme or "https"
    return {"host": host, "basePath": parts.path.rstrip("/") or "/", "schemes": [scheme]}


def _path_item(found: Conversion, item: JsonObject) -> JsonObject:
    item = found.follow(item)
    shared = as_list(item.get("parameters"))
    return {
        method: _operation(found, as_object(entry), shared)
        for method, entry in item.items()
        if method in METHODS and isinstance(entry, dict)
    }


def _operation(found: Conversion, entry: JsonObject, shared: list[Any]) -> JsonObject:
    dropped = ("requestBody", "responses", "parameters", "servers", "callbacks", "externalDocs")
    made = {key: value for key, value in entry.items() if key not in dropped}
    declared = {}
    for raw in [*shared, *as_list(entry.get("parameters"))]:
        parameter = found.follow(raw)
        declared[as_text(parameter.get("in")), as_text(parameter.get("name"))] = parameter
    made["parameters"] = [one for each in declared.values() for one in _parameter(found, each)]
    consumes, body = _body(found, found.follow(entry.get("requestBody")))
    made["parameters"] += body
    if consumes:
        made["consumes"] = [consumes]
    produces, made["responses"] = _responses(found, as_object(entry.get("responses")))
    if produces:
        made["produces"] = produces
    return made


def _parameter(found: Conversion, entry: JsonObject) -> Iterator[JsonObject]:
    place, name = as_text(entry.get("in")), as_text(entry.get("name"))
    if place not in ("path", "query", "header"):
        found.remark(f'the {place or "nameless"} parameter "{name}" was left out')
        return
    media = next(iter(as_object(entry.get("content")).values()), None)
    schema = _plain(found, as_object(media).get("schema") if media else entry.get("schema"))
    kept = {key: value for key, value in entry.items() if key in ("name", "in", "description") or key.startswith("x-")}
    kept["required"] = place == "path" or as_flag(entry.get("required"))
    yield {**kept, **{key: value for key, value in schema.items() if key in _OF_PARAMETERS}}


def _plain(found: Conversion, schema: Any) -> JsonObject:
    """A schema that can stand outside a body: no references, no objects."""
    made = schema_of(found, found.follow(schema))
    merged: JsonObject = {}
    for part in as_list(made.pop("allOf", [])):
        merged |= schema_of(found, found.follow(_back(part)))
    made = merged | made
    if "items" in made:
        made["items"] = _plain(found, _back(made["items"]))
    if made.get("type") not in ("string", "number", "integer", "boolean", "array"):
        made["type"] = "string"
    return made


def _back(schema: Any) -> JsonObject:
    """A reference that was rewritten already, as it stood."""
    reference = as_object(schema).get("$ref")
    if isinstance(reference, str) and reference.startswith("#/definitions/"):
        return {"$ref": _SCHEMAS + reference.removeprefix("#/definitions/")}
    return as_object(schema)


def _body(found: Conversion, entry: JsonObject) -> tuple[str, list[JsonObject]]:
    """The content type and the parameters of a request's body."""
    content = as_object(entry.get("content"))
    if not content:
        return "", []
    kind = _likeliest(content)
    if len(content) > 1:
        found.remark(f"of several content types of a body {kind} was taken")
    schema = as_object(content[kind]).get("schema")
    if kind in (MULTIPART, URLENCODED):
        return kind, _fields(found, found.follow(schema))
    made = schema_of(found, schema)
    if not _is_json(kind) and not made.get("properties") and "$ref" not in made:
        made = {"type": "string", **({} if kind.startswith("text/") or "xml" in kind else {"format": "binary"}), **made}
    parameter = {"name": "body", "in": "body", "required": as_flag(entry.get("required")), "schema": made}
    if entry.get("description"):
        parameter["description"] = entry["description"]
    return kind, [parameter]


def _fields(found: Conversion, schema: JsonObject) -> list[JsonObject]:
    """A form's fields; files by their binary format."""
    needed = as_list(schema.get("required"))
    fields = []
    for name, each in as_object(schema.get("properties")).items():
        declared = found.follow(each)
        plain = _plain(found, declared)
        if plain.get("format") == "binary" or "contentMediaType" in declared:
            plain = {"type": "file"}
        field_ = {key: value for key, value in plain.items() if key in _OF_PARAMETERS}
        told = {"description": declared["description"]} if declared.get("description") else {}
        fields.append({"name": name, "in": "formData", "required": name in needed, **told, **field_})
    return fields


def _likeliest(content: JsonObject) -> str:
    """The content type that a service surely takes: JSON, then forms, then whatever comes first."""
    kinds = list(content)
    json_ = next((kind for kind in kinds if _is_json(kind)), None)
    return json_ or next((kind for kind in (MULTIPART, URLENCODED) if kind in kinds), kinds[0])


def _is_json(kind: str) -> bool:
    return "json" in kind.split(";", 1)[0]


def _responses(found: Conversion, declared: JsonObject) -> tuple[list[str], JsonObject]:
    produces: list[str] = []
    made: JsonObject = {}
    for status, raw in declared.items():
        answer = found.follow(raw)
        content = as_object(answer.get("content"))
        entry: JsonObject = {"description": as_text(answer.get("description"))}
        if content:
            kind = _likeliest(content)
            produces += [kind] if kind not in produces else []
            schema = schema_of(found, as_object(content[kind]).get("schema"))
            entry["schema"] = schema or ({} if _is_json(kind) else {"type": "string", "format": "binary"})
        made[str(status)] = entry
    return produces, made or {"default": {"description": "whatever the service answers"}}


def schema_of(found: Conversion, schema: Any, depth: int = 0) -> JsonObject:
    """A schema of 3.x as 2.0 writes it."""
    entry = as_object(schema)
    if depth > _DEEPEST:
        return {}
    reference = entry.get("$ref")
    if isinstance(reference, str):
        if reference.startswith(_SCHEMAS):
            return {"$ref": "#/definitions/" + reference.removeprefix(_SCHEMAS)}
        return schema_of(found, found.follow(entry), depth + 1)
    made = _alternatives(found, entry, depth)
    for key in ("properties", "patternProperties"):
        if isinstance(made.get(key), dict):
            made[key] = {name: schema_of(found, each, depth + 1) for name, each in made[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = schema_of(found, made[key], depth + 1)
    if isinstance(made.get("allOf"), list):
        made["allOf"] = [schema_of(found, each, depth + 1) for each in made["allOf"]]
    return _as_of_2(made)


def _alternatives(found: Conversion, entry: JsonObject, depth: int) -> JsonObject:
    """`oneOf` and `anyOf`: the one that is not null when there is just one, else anything of their common type."""
    made = {key: value for key, value in entry.items() if key not in ("oneOf", "anyOf", "not")}
    choices = [each for key in ("oneOf", "anyOf") for each in as_list(entry.get(key))]
    if not choices:
        return made
    real = [each for each in choices if as_object(each).get("type") != "null"]
    if len(real) < len(choices):
        made["x-nullable"] = True
    if len(real) == 1:
        return {**made, **schema_of(found, real[0], depth + 1)}
    found.remark("where a value may have one of several shapes, anything is taken")
    kinds = {as_text(found.follow(each).get("type")) for each in real}
    kind = kinds.pop() if len(kinds) == 1 else ""
    return {**made, "type": kind} if kind and "type" not in made else made


def _as_of_2(made: JsonObject) -> JsonObject:
    """The keys that mean the same and are called otherwise."""
    kind = made.get("type")
    if isinstance(kind, list):
        real = [one for one in kind if one != "null"]
        made |= {"x-nullable": True} if len(real) < len(kind) else {}
        made.pop("type")
        made |= {"type": real[0]} if len(real) == 1 else {}
    if made.pop("nullable", False):
        made["x-nullable"] = True
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if isinstance(made.get("discriminator"), dict):
        made["discriminator"] = as_text(made["discriminator"].get("propertyName"))
    for bound, flag in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        value = made.get(flag)
        if isinstance(value, int | float) and not isinstance(value, bool):
            made |= {bound: value, flag: True}
    if made.get("contentEncoding") == "base64":
        made["format"] = "byte"
    for key in (
        "writeOnly",
        "examples",
        "$schema",
        "$id",
        "$defs",
        "contentEncoding",
        "contentMediaType",
        "deprecated",
    ):
        made.pop(key, None)
    return made


def _schemes(found: Conversion, declared: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    # Where a person can sign in, a bearer token is what that gives.
    signs_in = any(_flow(as_object(found.follow(raw).get("flows"))) for raw in declared.values())
    for name, raw in declared.items():
        entry = found.follow(raw)
        kind, scheme = as_text(entry.get("type")), as_text(entry.get("scheme")).lower()
        if kind == "apiKey" and entry.get("in") in ("header", "query"):
            yield name, {"type": "apiKey", "in": entry["in"], "name": as_text(entry.get("name"))}
        elif kind == "http" and scheme == "basic":
            yield name, {"type": "basic"}
        elif kind == "http" and scheme == "bearer" and not signs_in:
            yield name, {"type": "apiKey", "in": "header", "name": "Authorization", "x-bearer": True}
        elif kind == "oauth2" and (flow := _flow(as_object(entry.get("flows")))):
            yield name, flow
        else:
            found.remark(f'the way to sign in called "{name}" ({kind or "unknown"}) was left out')


def _flow(flows: JsonObject) -> JsonObject:
    for name, called in (("authorizationCode", "accessCode"), ("clientCredentials", "application")):
        flow = as_object(flows.get(name))
        if flow:
            made: JsonObject = {"type": "oauth2", "flow": called, "scopes": as_object(flow.get("scopes"))}
            for key in ("authorizationUrl", "tokenUrl", "refreshUrl"):
                made |= {key: flow[key]} if flow.get(key) else {}
            return made
    return {}
