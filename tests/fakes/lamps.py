"""A connector with everything that a reference page shows: choices, ways to sign in, a hook, a definition within itself."""

import json

import pytest

TEXT = {"type": "string"}

COLOURS = {"operationId": "ListColours", "itemsPath": "found", "itemValuePath": "id", "itemTitlePath": "name/en"}

LAMPS = {
    "swagger": "2.0",
    "info": {"title": "Lamps | <Home>", "version": "1.0", "description": "Lamps at *home*."},
    "host": "lamps.example.com",
    "basePath": "/v1",
    "x-flowengine-limits": [{"calls": 10, "period_seconds": 60}],
    "paths": {
        "/rooms/{room}/colours": {
            "get": {
                "operationId": "ListColours",
                "x-ms-visibility": "internal",
                "parameters": [{"name": "room", "in": "path", "type": "string", "required": True}],
                "responses": {"200": {"description": "ok", "schema": {"type": "object"}}},
            }
        },
        "/lamps": {
            "post": {
                "operationId": "SetLamp",
                "summary": "Set: a lamp",
                "description": "Turns a lamp on.",
                "parameters": [
                    {
                        "name": "body",
                        "in": "body",
                        "required": True,
                        "schema": {
                            "type": "object",
                            "required": ["colour", "lamp type"],
                            "properties": {
                                "room": TEXT,
                                "colour": {
                                    **TEXT,
                                    "x-ms-summary": "Colour",
                                    "x-ms-dynamic-list": {
                                        **COLOURS,
                                        "parameters": {"room": {"parameterReference": "body/room"}},
                                    },
                                },
                                "lamp type": {
                                    **TEXT,
                                    "enum": ["a", "b"],
                                    "x-ms-enum-values": [{"value": "a", "displayName": "Round"}],
                                },
                                "note": {"type": "object", "required": ["text"], "properties": {"text": TEXT}},
                                "secret": {**TEXT, "x-ms-visibility": "internal", "default": "x"},
                            },
                        },
                    }
                ],
                "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/Lamp"}}},
            }
        },
        "/hooks": {
            "x-ms-notification-content": {"schema": {"$ref": "#/definitions/Lamp"}},
            "post": {
                "operationId": "OnLamp",
                "summary": "When a lamp changes",
                "x-ms-trigger": "single",
                "x-ms-trigger-hint": "Turn a lamp on.",
                "parameters": [
                    {
                        "name": "body",
                        "in": "body",
                        "schema": {
                            "type": "object",
                            "required": ["url", "room"],
                            "properties": {"url": {**TEXT, "x-ms-notification-url": True}, "room": TEXT},
                        },
                    }
                ],
                "responses": {"200": {"description": "ok"}},
            },
        },
    },
    "definitions": {"Lamp": {"type": "object", "properties": {"id": TEXT, "again": {"$ref": "#/definitions/Lamp"}}}},
}

PROPERTIES = {
    "properties": {
        "connectionParameterSets": {
            "values": [
                {
                    "name": "key",
                    "uiDefinition": {"displayName": "With a key", "description": "For programs."},
                    "parameters": {"api_key": {"type": "securestring"}},
                },
                {
                    "name": "user",
                    "uiDefinition": {"displayName": "With a password"},
                    "parameters": {"username": {"type": "string"}, "password": {"type": "securestring"}},
                },
            ]
        }
    }
}


@pytest.fixture
def lamps(project):
    folder = project / "connectors" / "lamps"
    folder.mkdir(parents=True)
    (folder / "apiDefinition.swagger.json").write_text(json.dumps(LAMPS))
    (folder / "apiProperties.json").write_text(json.dumps(PROPERTIES))
    return folder
