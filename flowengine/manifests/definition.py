"""A connector: Microsoft's `apiDefinition.swagger.json` and `apiProperties.json` of one folder, read into records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowengine.errors import InvalidFile, NotFound
from flowengine.findings import Finding, did_you_mean
from flowengine.manifests.checked import Checked, read_checked
from flowengine.manifests.extensions import Limit, read_limits
from flowengine.manifests.files import connector_name, definition_file, properties_file
from flowengine.manifests.lenient import as_list, as_object, as_text
from flowengine.manifests.operation import METHODS, Operation, read_operation, read_security
from flowengine.manifests.policies import Policy
from flowengine.manifests.properties import ConnectionSpec, Properties, read_properties
from flowengine.manifests.schema import Schemas
from flowengine.types import JsonObject


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """One entry of `securityDefinitions`."""

    name: str
    type: str
    """`apiKey`, `basic` or `oauth2`."""
    location: str = ""
    """For `apiKey`: `header` or `query`."""
    key: str = ""
    """For `apiKey`: the header's or the query parameter's name."""
    flow: str = ""
    authorization_url: str = ""
    token_url: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)


class Operations(Mapping[str, Operation]):
    """The operations by id, each built when it is first asked for: definitions with hundreds stay cheap to open."""

    def __init__(self, connector: str, places: Mapping[str, tuple[str, str]], schemas: Schemas) -> None:
        self._connector = connector
        self._places = places
        self._schemas = schemas
        self._built: dict[str, Operation] = {}

    def __getitem__(self, id_: str) -> Operation:
        if id_ not in self._built:
            place = self._places[id_]
            self._built[id_] = read_operation(self._connector, id_, place, self._schemas, security=self._security)
        return self._built[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    @cached_property
    def _security(self) -> tuple[Mapping[str, tuple[str, ...]], ...]:
        """What holds for operations that say nothing: the root's `security`, else any one of the definitions."""
        document = self._schemas.document
        return read_security(document.get("security")) or tuple(
            {name: ()} for name in as_object(document.get("securityDefinitions"))
        )


@dataclass(frozen=True)
class Connector:
    """What one service can do, and what a connection to it needs."""

    name: str
    """What flows call it: the folder's name."""
    title: str
    version: str
    description: str
    base_url: str
    """Scheme, host and base path, without a slash at the end; empty for the built-in `http`."""
    operations: Mapping[str, Operation]
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Operation id to path and method in `schemas.document`, for what must not build every operation."""
    connection: ConnectionSpec = field(default_factory=ConnectionSpec)
    limits: tuple[Limit, ...] = ()
    policies: tuple[Policy, ...] = ()
    security_schemes: Mapping[str, SecurityScheme] = field(default_factory=dict)
    schemas: Schemas = field(default_factory=lambda: Schemas({}))
    capabilities: tuple[str, ...] = ()
    scripted: frozenset[str] = frozenset()
    test_operation: str | None = None
    """The operation that Microsoft calls to see whether a connection works."""
    test_inputs: JsonObject = field(default_factory=dict)
    """What it is called with."""
    folder: Path | None = None

    @cached_property
    def memory(self) -> dict[int, tuple[Any, Any]]:
        """What readers made of this connector's schemas, for as long as it lives: by the schema's identity, the schema and that."""
        return {}

    @property
    def definitions(self) -> Mapping[str, JsonObject]:
        return as_object(self.schemas.document.get("definitions"))

    def operation(self, id_: str) -> Operation:
        """The operation of that id. Raises `NotFound` with the nearest one."""
        try:
            return self.operations[id_]
        except KeyError:
            raise NotFound(
                f'connector "{self.name}" has no operation "{id_}"; {did_you_mean(id_, self.operations)}'
            ) from None

    def resolve(self, schema: Any) -> JsonObject:
        """A schema with its references followed and `allOf` merged, at its top."""
        return self.schemas.resolve(schema)

    def policies_for(self, operation: str) -> tuple[Policy, ...]:
        """The policies of an operation, in the order in which they apply."""
        return tuple(policy for policy in self.policies if policy.applies_to(operation)) if self.policies else ()

    def to_json(self) -> JsonObject:
        """The document of `connectors show`."""
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "description": self.description,
            "base_url": self.base_url,
            "connection": self.connection.to_json(),
            "limits": [limit.to_json() for limit in self.limits],
            "operations": [operation.to_json() for operation in self.operations.values()],
            "definitions": dict(self.definitions),
        }


def load_connector(folder: Path) -> Connector:
    """The connector in a folder. Raises `InvalidFile` when it cannot be used."""
    connector, findings = read_connector(folder)
    if connector is None:
        raise InvalidFile(findings)
    return connector


def read_connector(folder: Path, name: str | None = None) -> tuple[Connector | None, list[Finding]]:
    """Read a connector's folder (or its definition file); None when it cannot be used.

    The findings say what was mended (warnings) or why it was refused (errors), with line and column.
    """
    path, found = definition_file(folder)
    if path is None:
        return None, found
    checked = read_checked(path)
    if not _is_definition(checked):
        return None, found + checked.findings
    places = _places(checked)
    properties, more = _properties(path.parent)
    connector = _connector(name or connector_name(path.parent), path.parent, checked.data, places, properties)
    return connector, found + checked.findings + more


def _is_definition(checked: Checked) -> bool:
    """Whether the file is OpenAPI 2.0 with paths; says why when it is not."""
    document = checked.data
    if checked.refused:
        return False
    if not isinstance(document, dict):
        checked.refuse(checked.span(), "manifest-shape", "is not an object with `swagger`, `info` and `paths`")
    elif "openapi" in document:
        told = f"is OpenAPI {as_text(document['openapi'])}; connectors are OpenAPI 2.0"
        checked.refuse(
            checked.span("openapi"), "manifest-version", told, "run `flowengine connectors import` on it first"
        )
    elif as_text(document.get("swagger")) not in ("2.0", "2"):
        hint = 'a connector definition begins with `"swagger": "2.0"`'
        checked.refuse(checked.span("swagger"), "manifest-version", "does not say that it is OpenAPI 2.0", hint)
    elif not isinstance(document.get("paths"), dict) and not any(key.startswith("/") for key in document):
        checked.refuse(checked.span("paths"), "manifest-shape", "has no `paths`, so there are no operations")
    return checked.data is not None


def _places(checked: Checked) -> dict[str, tuple[str, str]]:
    """Operation id to path and method, in the file's order."""
    places: dict[str, tuple[str, str]] = {}
    document = checked.data
    for key in [key for key in document if key.startswith("/") and isinstance(document[key], dict)]:
        hint = "move it into `paths`"
        checked.warn(checked.span(key), "manifest-path-outside", f'the path "{key}" stands outside `paths`', hint)
        document["paths"] = {**as_object(document.get("paths")), key: document[key]}
    for path, item in as_object(document.get("paths")).items():
        for method in as_object(item):
            if method.lower() in METHODS and isinstance(item[method], dict):
                places[_id(checked, places, path, method)] = (path, method)
    return places


def _id(checked: Checked, taken: Mapping[str, Any], path: str, method: str) -> str:
    id_ = as_text(checked.data["paths"][path][method].get("operationId")).strip()
    span = ("paths", path, method)
    if not id_:
        id_ = "".join(word.capitalize() for word in [method, *_words(path)])
        checked.warn(
            checked.span(*span), "manifest-operation-id", "the operation has no `operationId`", f'read as "{id_}"'
        )
    if id_ in taken:
        free = next(f"{id_}_{number}" for number in range(2, len(taken) + 3) if f"{id_}_{number}" not in taken)
        told = f'the operationId "{id_}" is used twice'
        checked.warn(checked.span(*span), "manifest-operation-id", told, f'the second is read as "{free}"')
        return free
    return id_


def _words(path: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in path).split()


def _properties(folder: Path) -> tuple[Properties, list[Finding]]:
    path, findings = properties_file(folder)
    if path is None:
        return Properties(), findings
    checked = read_checked(path)
    if checked.data is not None and not isinstance(checked.data, dict):
        checked.warn(checked.span(), "manifest-shape", "is not an object and was left out")
    return read_properties(checked.data), findings + checked.findings


def _connector(
    name: str, folder: Path, document: JsonObject, places: Mapping[str, tuple[str, str]], properties: Properties
) -> Connector:
    schemas = Schemas(document)
    info = as_object(document.get("info"))
    tested = as_object(as_object(document.get("x-ms-capabilities")).get("testConnection"))
    return Connector(
        name=name,
        title=as_text(info.get("title")) or name,
        version=as_text(info.get("version")),
        description=as_text(info.get("description")).strip(),
        base_url=_base_url(document),
        operations=Operations(name, places, schemas),
        places=places,
        connection=properties.connection,
        limits=read_limits(document.get("x-flowengine-limits")),
        policies=properties.policies,
        security_schemes={
            key: _scheme(key, as_object(entry)) for key, entry in as_object(document.get("securityDefinitions")).items()
        },
        schemas=schemas,
        capabilities=properties.capabilities,
        scripted=properties.scripted,
        test_operation=as_text(tested.get("operationId")) or None,
        test_inputs=as_object(tested.get("parameters")),
        folder=folder,
    )


def _base_url(document: JsonObject) -> str:
    """One slash where host and base path meet, none at the end; `https` wherever it is offered."""
    written, _, host = as_text(document.get("host")).strip().rstrip("/").rpartition("://")
    if not host or not _is_host(host):
        return ""
    schemes = [as_text(scheme).lower() for scheme in as_list(document.get("schemes"))] or [written] * bool(written)
    scheme = "https" if "https" in schemes or not schemes else schemes[0]
    base = as_text(document.get("basePath")).strip().strip("/")
    return f"{scheme}://{host}/{base}".rstrip("/")


def _is_host(host: str) -> bool:
    try:
        return bool(urlsplit(f"https://{host}").netloc)
    except ValueError:
        return False


def _scheme(name: str, entry: JsonObject) -> SecurityScheme:
    return SecurityScheme(
        name=name,
        type=as_text(entry.get("type")),
        location=as_text(entry.get("in")).lower(),
        key=as_text(entry.get("name")),
        flow=as_text(entry.get("flow")),
        authorization_url=as_text(entry.get("authorizationUrl")),
        token_url=as_text(entry.get("tokenUrl")),
        scopes={scope: as_text(told) for scope, told in as_object(entry.get("scopes")).items()},
    )
