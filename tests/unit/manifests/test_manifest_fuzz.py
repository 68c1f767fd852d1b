"""Whatever a folder's files hold, reading them ends in a connector or in findings, never in a traceback."""

import copy
import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flowengine.manifests.definition import read_connector

DEFINITION = {
    "swagger": "2.0",
    "info": {"title": "Tiny", "version": "1", "description": "x"},
    "host": "api.example.com",
    "basePath": "/v1",
    "schemes": ["https"],
    "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    "security": [{"key": []}],
    "parameters": {"P": {"name": "p", "in": "query", "type": "string"}},
    "paths": {
        "/things/{id}": {
            "parameters": [{"$ref": "#/parameters/P"}],
            "post": {
                "operationId": "Make",
                "x-ms-trigger": "single",
                "parameters": [{"name": "b", "in": "body", "schema": {"$ref": "#/definitions/Thing"}}],
                "responses": {"200": {"schema": {"$ref": "#/definitions/Thing"}}},
                "x-flowengine-webhook": {"secret": {"path": "a"}, "dedupe": ["a"], "unregister": {"operation": "X"}},
                "x-flowengine-pagination": {"parameter": "p"},
            },
            "x-ms-notification-content": {"schema": {"type": "object"}},
        }
    },
    "definitions": {
        "Thing": {
            "allOf": [{"$ref": "#/definitions/Base"}],
            "required": ["url"],
            "properties": {"url": {"type": "string", "x-ms-notification-url": True}, "all": {"items": {"$ref": "#/definitions/Thing"}}},
        },
        "Base": {"properties": {"id": {"type": "string", "enum": ["a"], "default": "a"}}},
    },
    "x-flowengine-limits": [{"calls": 1, "period_seconds": 1}],
    "x-ms-capabilities": {"testConnection": {"operationId": "Make"}},
}  # fmt: skip
PROPERTIES = {
    "properties": {
        "connectionParameters": {"a": {"type": "securestring", "uiDefinition": {"constraints": {"required": "true"}}}},
        "connectionParameterSets": {
            "values": [{"name": "s", "parameters": {"b": {"oAuthSettings": {"scopes": ["x"]}}}}]
        },
        "policyTemplateInstances": [{"templateId": "t", "parameters": {"x-ms-apimTemplate-operationName": ["Make"]}}],
    }
}
STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
) | st.sampled_from(
    [{"$ref": "#/definitions/Thing"}, {"$ref": "#"}, {"$ref": "#/paths"}, {"$ref": 7}, {"allOf": [{"$ref": "#"}]}]
)


def places(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(document, path, value):
    if not path:
        return value
    changed = copy.deepcopy(document)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def read(definition: bytes, properties: bytes, name: str = "apiDefinition.swagger.json"):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(definition)
        (Path(folder) / "apiProperties.json").write_bytes(properties)
        connector, findings = read_connector(Path(folder))
    assert connector is not None or findings
    if connector is not None:
        json.dumps(connector.to_json())
        connector.connection.missing(())
    return connector


@given(st.sampled_from(sorted(places(DEFINITION), key=str)), STRANGE)
def test_any_value_anywhere_in_a_definition(path, value):
    read(json.dumps(replaced(DEFINITION, path, value)).encode(), json.dumps(PROPERTIES).encode())


@given(st.sampled_from(sorted(places(PROPERTIES), key=str)), STRANGE)
def test_any_value_anywhere_in_properties(path, value):
    assert read(json.dumps(DEFINITION).encode(), json.dumps(replaced(PROPERTIES, path, value)).encode())


@given(st.binary(max_size=60), st.integers(0, 400), st.sampled_from(["json", "yaml"]))
def test_any_bytes(noise, at, kind):
    text = json.dumps(DEFINITION, indent=1).encode()
    read(text[:at] + noise + text[at + 3 :], noise, f"apiDefinition.swagger.{kind}")
