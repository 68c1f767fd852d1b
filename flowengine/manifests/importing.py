"""From any OpenAPI document to a connector's two files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowengine.manifests.lenient import as_list, as_object, as_text
from flowengine.manifests.openapi3 import to_swagger
from flowengine.manifests.operation import METHODS
from flowengine.types import Json, JsonObject

SWAGGER_2: Final = ("2.0", "2")
_REDIRECT = "https://global.consent.azure-apim.net/redirect"


@dataclass(frozen=True, slots=True)
class Imported:
    """A connector to be written."""

    name: str
    """What its folder may be called, made from the title."""
    definition: JsonObject
    properties: JsonObject
    remarks: tuple[str, ...] = ()
    """What the document says and a connector cannot."""


def import_document(document: Json, source: str = "") -> Imported | None:
    """The two files for an OpenAPI document of version 2.0, 3.0 or 3.1; None for anything else.

    `source` is the URL it came from, which relative servers are relative to.
    """
    document = _text_keys(document)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        return None
    if as_text(document.get("openapi")).startswith("3"):
        definition, remarks = to_swagger(document, source)
    elif as_text(document.get("swagger")) in SWAGGER_2:
        definition, remarks = {**document, "swagger": "2.0"}, []
    else:
        return None
    _name_operations(definition)
    title = as_text(as_object(definition.get("info")).get("title"))
    properties = {"properties": _properties(definition)}
    return Imported(folder_name(title) or "imported", definition, properties, tuple(remarks))


def folder_name(title: str) -> str:
    """A title as the name that flows write before the dot."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]


def _text_keys(value: Any) -> Json:
    """YAML reads `200:` as a number; JSON's names are text."""
    if isinstance(value, dict):
        return {str(key): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value


def _name_operations(definition: JsonObject) -> None:
    """Every operation gets an id of letters, digits, `-` and `_`, for `use: connector.Operation`, and a summary."""
    taken: set[str] = set()
    for path, item in as_object(definition.get("paths")).items():
        for method, entry in as_object(item).items():
            if method not in METHODS or not isinstance(entry, dict):
                continue
            wanted = re.sub(r"[^\w-]+", "_", as_text(entry.get("operationId"))).strip("_")
            wanted = wanted or "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", f"{method} {path}"))
            entry["operationId"] = _free(wanted, taken)
            taken.add(entry["operationId"])
            if not entry.get("summary"):
                entry["summary"] = _words(entry["operationId"])


def _free(name: str, taken: set[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _words(id_: str) -> str:
    return re.sub(r"[_-]+|(?<=[a-z0-9])(?=[A-Z])", " ", id_).strip().capitalize()


def _properties(definition: JsonObject) -> JsonObject:
    """What a connection needs, from the security definitions."""
    parameters: JsonObject = {}
    policies: list[JsonObject] = []
    schemes = as_object(definition.get("securityDefinitions"))
    keys = [name for name, entry in schemes.items() if as_object(entry).get("type") == "apiKey"]
    for name, entry in schemes.items():
        match as_object(entry).get("type"):
            case "apiKey":
                called = "api_key" if len(keys) == 1 else name
                parameters[called] = _asked("securestring", "API key", as_text(entry.get("name")))
                if entry.pop("x-bearer", False):
                    policies.append(_BEARER)
            case "basic":
                parameters["username"] = _asked("string", "User name")
                parameters["password"] = _asked("securestring", "Password")
            case "oauth2" if entry.get("flow") != "implicit":
                parameters["token"] = {"type": "oauthSetting", "oAuthSettings": _oauth(definition, name, entry)}
    made: JsonObject = {"connectionParameters": parameters}
    if policies:
        made["policyTemplateInstances"] = policies
    return {**made, "capabilities": ["actions"], "iconBrandColor": "#4A5568"}


def _asked(type_: str, title: str, key: str = "") -> JsonObject:
    told = f"{title} ({key})" if key else title
    shown = {"displayName": title, "description": told, "tooltip": told}
    return {"type": type_, "uiDefinition": {**shown, "constraints": {"required": "true", "clearText": False}}}


_BEARER: Final[JsonObject] = {
    "templateId": "setheader",
    "title": "Bearer token",
    "parameters": {
        "x-ms-apimTemplateParameter.name": "Authorization",
        "x-ms-apimTemplateParameter.value": "Bearer @headers('Authorization')",
        "x-ms-apimTemplateParameter.existsAction": "override",
        "x-ms-apimTemplate-policySection": "Request",
    },
}


def _oauth(definition: JsonObject, name: str, entry: Mapping[str, Json]) -> JsonObject:
    token = as_text(entry.get("tokenUrl"))
    urls = {
        "authorizationUrl": as_text(entry.get("authorizationUrl")),
        "tokenUrl": token,
        "refreshUrl": as_text(entry.get("refreshUrl")) or token,
    }
    return {
        "identityProvider": "oauth2",
        "clientId": "",
        "scopes": _scopes(definition, name) or list(as_object(entry.get("scopes"))),
        "redirectMode": "Global",
        "redirectUrl": _REDIRECT,
        "customParameters": {key: {"value": value} for key, value in urls.items() if value},
    }


def _scopes(definition: JsonObject, name: str) -> list[str]:
    """The scopes that the document asks for everywhere."""
    ways = (as_object(way) for way in as_list(definition.get("security")))
    return [scope for way in ways for scope in as_list(way.get(name)) if isinstance(scope, str)]
