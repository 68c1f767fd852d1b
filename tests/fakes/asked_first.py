"""A connector with an operation that wants a value asked for first, two triggers, and two keys to sign in with."""

from __future__ import annotations

from typing import Any

from flowengine.connectors.connection import Connection
from flowengine.manifests.definition import Connector
from tests.fakes.definitions import connector

ID = {"name": "id", "in": "path", "type": "string", "required": True}

ASK = {
    "template": "setvaluefromurl",
    "parameterTemplate": "@headers('If-Match')",
    "httpMethod": "GET",
    "parameterValueUrl": "/things/{id}/tag?full=1",
    "parameterValuePathTemplate": "@body().tag.value",
    "operations": ["Change"],
}

SIGNED = {"security": [{"h": [], "q": []}]}

PATHS = {
    "/things/{id}": {
        "put": {
            "operationId": "Change",
            **SIGNED,
            "parameters": [ID],
            "responses": {"409": {"description": "It has changed meanwhile."}, "404": {"description": "Not Found"}},
        }
    },
    "/hooks": {"post": {"operationId": "On", **SIGNED, "x-ms-trigger": "single"}},
    "/rows": {"get": {"operationId": "Rows", **SIGNED, "x-ms-trigger": "batch"}},
}

KEYS = {"h": {"type": "apiKey", "in": "header", "name": "X-Key"}, "q": {"type": "apiKey", "in": "query", "name": "key"}}

PARAMETERS = {"h": {"type": "securestring"}, "q": {"type": "securestring"}}


def made() -> Connector:
    return connector("c", PATHS, security=KEYS, connection=PARAMETERS, policies=[ASK], base="/v1")


def account(url: str = "https://api.example.com/v1", **more: Any) -> Connection:
    return Connection("a", "c", {"h": "k1", "q": "k2"}, base_url=url, allow_private_network=True, **more)
