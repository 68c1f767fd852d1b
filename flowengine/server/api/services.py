"""`/api/v1/connectors`, `/connections`, `/secrets`: what flows may call, with which accounts. Secrets go in and never come out."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.server import connections
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, Nothing, read
from flowengine.server.api.schemas import OBJECT, TEXT, WHOLE, YES, list_of, record, ref
from flowengine.server.context import Document, app_of


class SecretValue(Body):
    """What a secret is from now on."""

    value: str = Field(min_length=1, json_schema_extra={"writeOnly": True})


class SignIn(Body):
    """What the sign-in page sent back; nothing for a connection that signs in by itself."""

    code: str = ""
    redirect_url: str = ""
    verifier: str = ""


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


_CONNECTION = {"connection": OBJECT}
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
        method="GET",
        path="/connections",
        handler=connections.list_connections,
        role=Role.VIEWER,
        gives={"connections": list_of(ref("Connection"))},
    ),
    Endpoint(
        method="POST",
        path="/connections/{connection}/test",
        handler=connections.try_connection,
        role=Role.OPERATOR,
        body=Nothing,
        gives=_CONNECTION,
    ),
    Endpoint(
        method="POST",
        path="/connections/{connection}/sign-in",
        handler=connections.sign_in,
        role=Role.ADMIN,
        body=SignIn,
        gives=_CONNECTION,
    ),
    Endpoint(
        method="DELETE",
        path="/connections/{connection}/sign-in",
        handler=connections.sign_out,
        role=Role.ADMIN,
        gives=_CONNECTION,
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
        handler=connections.rotate_key,
        role=Role.ADMIN,
        body=Nothing,
        gives={"secrets": WHOLE},
    ),
)
