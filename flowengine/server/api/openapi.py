"""The OpenAPI 3.1 document, made of what is declared of the endpoints; nothing is said in a second place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flowengine import __version__
from flowengine.server.api.endpoint import Endpoint
from flowengine.server.api.repeating import LENGTH
from flowengine.server.api.schemas import DOCUMENTS, record
from flowengine.types import JsonObject

ABOUT = (
    "What the command line and the pages do, over HTTP. Every answer is one JSON document with `v: 1`; every error is"
    " `{error: {code, message}}`. Lists come in pages by key: give `next` as `before`. Times are RFC 3339 in UTC."
)
PROBLEMS = {
    400: "The request is wrong; the message says how.",
    401: "A token is needed.",
    403: "The token's role is not enough, or another site's page sent it.",
    404: "There is nothing of that name.",
    405: "There is something, but not for this method.",
    408: "The body did not come in time.",
    409: "It is not in a state that allows this.",
    413: "The body is too large.",
    415: "A change must be sent as JSON.",
    422: "It was understood, and cannot be done as it is: a file with mistakes, inputs that do not fit.",
    429: "Too much, too quickly.",
    503: "The database cannot be written now; try again.",
}


def document(endpoints: Sequence[Endpoint], prefix: str) -> JsonObject:
    """The document of these endpoints, which stand below `prefix`."""
    paths: dict[str, JsonObject] = {}
    for endpoint in endpoints:
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    bodies = {one.body.__name__: _schema_of(one.body) for one in endpoints if one.body}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "flowengine",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": {**DOCUMENTS, **bodies},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint) -> JsonObject:
    made: JsonObject = {
        "operationId": endpoint.name,
        "summary": endpoint.doc.split(". ")[0].rstrip("."),
        "description": f"{endpoint.doc}\n\nNeeds the role {endpoint.role}.",
        "tags": [endpoint.path.split("/")[1]],
        "x-role": str(endpoint.role),
        "parameters": [*_in_path(endpoint), *_in_query(endpoint), *_headers(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.body:
        reference = {"$ref": f"#/components/schemas/{endpoint.body.__name__}"}
        required = bool(_schema_of(endpoint.body).get("required"))
        made["requestBody"] = {"required": required, "content": {"application/json": {"schema": reference}}}
    return made


def _in_path(endpoint: Endpoint) -> list[JsonObject]:
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(endpoint: Endpoint) -> list[JsonObject]:
    return [{"name": one.name, "in": "query", "description": one.doc, "schema": one.schema} for one in endpoint.query]


def _headers(endpoint: Endpoint) -> list[JsonObject]:
    if not endpoint.repeatable:
        return []
    told = "A name of your own for this request: sent again with it within a day, it does nothing and is answered the same."
    schema = {"type": "string", "minLength": 1, "maxLength": LENGTH}
    return [{"name": "Idempotency-Key", "in": "header", "description": told, "schema": schema}]


def _responses(endpoint: Endpoint) -> JsonObject:
    answer: JsonObject = record(v={"const": 1}, **endpoint.gives)
    if endpoint.plain:
        answer = {"type": "object"}
    if endpoint.media_type != "application/json":
        answer = {"type": "string"}
    fine = {"description": endpoint.doc, "content": {endpoint.media_type: {"schema": answer}}}
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    problems = {str(status): {"description": told, "content": problem} for status, told in PROBLEMS.items()}
    looked: JsonObject = {}
    if endpoint.looked is not None:
        content = {"application/json": {"schema": record(v={"const": 1}, **endpoint.looked)}}
        looked["200"] = {"description": "What would become of it; nothing was done.", "content": content}
    return {str(endpoint.status): fine, **looked, **problems}


def _schema_of(body: Any) -> JsonObject:
    made: JsonObject = body.model_json_schema(ref_template="#/components/schemas/{model}")
    return made
