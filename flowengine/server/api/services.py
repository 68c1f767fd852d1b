"""`/api/v1/connectors` and `/secrets`: what flows may call. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app.choosing import choices
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, Nothing, read
from flowengine.server.api.schemas import ANY, OBJECT, TEXT, WHOLE, YES, list_of, record, ref
from flowengine.server.context import Document, app_of
from flowengine.types import Json


class SecretValue(Body):
    """What a secret is from now on."""

    value: str = Field(min_length=1, json_schema_extra={"writeOnly": True})


class Choose(Body):
    """For which parameter, and what the others are where the choices depend on them."""

    parameter: str = Field(description="By its dotted path, such as `assignee.id`.")
    inputs: dict[str, Any] = Field(default={}, description="What other parameters are.")
    connection: str | None = Field(default=None, description="Whom to ask as, where the connector has several.")


async def list_secrets(request: Request) -> Response:
    """The names of the secrets."""
    return Document({"secrets": [{"name": name} for name in await app_of(request).store.secrets.names()]})


async def set_secret(request: Request) -> Response:
    """Store a secret; connections use it from now on."""
    app, name = app_of(request), request.path_params["secret"]
    if not name.replace("-", "_").isidentifier():
        raise HTTPException(400, f'"{name:.80}" cannot be a secret\'s name; use letters, digits and _')
    body = await read(request, SecretValue)
    await app.set_secret(name, body.value)
    return Document({"secret": {"name": name}})


async def delete_secret(request: Request) -> Response:
    """Forget a secret."""
    app, name = app_of(request), request.path_params["secret"]
    await app.secrets.delete(name)
    return Document({"secret": {"name": name, "deleted": True}})


async def rotate_key(request: Request) -> Response:
    """Put a new key in force and encrypt every secret with it."""
    await read(request, Nothing)
    return Document({"secrets": await app_of(request).store.secrets.rotate()})


async def list_connectors(request: Request) -> Response:
    """Every connector in a line."""
    return Document({"connectors": [summary.to_json() for summary in app_of(request).catalog.summaries()]})


async def show_connector(request: Request) -> Response:
    """Everything that a connector can do."""
    return Document({"connector": app_of(request).catalog.get(request.path_params["connector"]).to_json()})


async def show_connector_files(request: Request) -> Response:
    """A connector's two files, as they stand."""
    folder = app_of(request).catalog.folder(request.path_params["connector"])
    found = [path for path in sorted(folder.iterdir()) if path.name.startswith(("apiDefinition", "apiProperties"))]
    return Document({"files": {path.name: path.read_text(encoding="utf-8", errors="replace") for path in found}})


async def list_choices(request: Request) -> Response:
    """What a parameter can be: from the definition, or asked of the service with one of the connections."""
    app, body = app_of(request), await read(request, Choose)
    connector = app.catalog.get(request.path_params["connector"])
    operation = connector.operation(request.path_params["operation"])

    async def asked(name: str, inputs: Mapping[str, Json]) -> Json:
        return (await app.calls.ask(connector.name, name, body.connection, dict(inputs))).body

    found = await choices(connector, operation, body.parameter, body.inputs, asked)
    return Document({"choices": [one.to_json() for one in found]})


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/connectors",
        handler=list_connectors,
        role=Role.VIEWER,
        gives={"connectors": list_of(ref("Connector"))},
    ),
    Endpoint(
        method="GET",
        path="/connectors/{connector}",
        handler=show_connector,
        role=Role.VIEWER,
        gives={"connector": OBJECT},
    ),
    Endpoint(
        method="GET",
        path="/connectors/{connector}/files",
        handler=show_connector_files,
        role=Role.VIEWER,
        gives={"files": {"type": "object", "additionalProperties": TEXT}},
    ),
    Endpoint(
        method="POST",
        path="/connectors/{connector}/operations/{operation}/choices",
        handler=list_choices,
        role=Role.OPERATOR,
        body=Choose,
        gives={"choices": list_of(record(value=ANY, title=TEXT))},
    ),
    Endpoint(
        method="GET",
        path="/secrets",
        handler=list_secrets,
        role=Role.VIEWER,
        gives={"secrets": list_of(record(name=TEXT))},
    ),
    Endpoint(
        method="PUT",
        path="/secrets/{secret}",
        handler=set_secret,
        role=Role.ADMIN,
        body=SecretValue,
        gives={"secret": record(name=TEXT)},
    ),
    Endpoint(
        method="DELETE",
        path="/secrets/{secret}",
        handler=delete_secret,
        role=Role.ADMIN,
        gives={"secret": record(name=TEXT, deleted=YES)},
    ),
    Endpoint(
        method="POST",
        path="/secrets/rotate-key",
        handler=rotate_key,
        role=Role.ADMIN,
        body=Nothing,
        gives={"secrets": WHOLE},
    ),
)
