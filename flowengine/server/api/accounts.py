"""`/api/v1/connections`: the accounts at services; adding, trying, signing in and removing them. Values go in and never come out."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app.connection_file import is_private
from flowengine.app.new_connection import add, made_of, remove, way_of
from flowengine.errors import InvalidInputs
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, Nothing, read
from flowengine.server.api.schemas import OBJECT, TEXT, YES, list_of, or_null, record, ref
from flowengine.server.context import Document, app_of
from flowengine.types import JsonObject


class NewConnection(Body):
    """A connection and its values; those that are secrets are kept encrypted, the others stand in connections.yaml."""

    name: str = Field(max_length=200, description="What flows call it.")
    connector: str = Field(description="Which service it is for.")
    authentication: str | None = Field(
        default=None, description="Which way to sign in, where the connector offers several."
    )
    base_url: str | None = Field(default=None, max_length=2_000, description="Another address than the service's own.")
    allow_private_network: bool = Field(
        default=False,
        description="Whether it may call addresses that are not public; needed for a `base_url` that is none.",
    )
    values: dict[str, str] = Field(
        default={}, description="What the connector asks for, by name.", json_schema_extra={"writeOnly": True}
    )


class SignIn(Body):
    """What the sign-in page sent back; nothing for a connection that signs in by itself."""

    code: str = ""
    redirect_url: str = ""
    verifier: str = ""


class SignInAddress(Body):
    """What a person's sign-in begins with."""

    redirect_url: str = Field(
        min_length=1, max_length=2_000, description="Where the service sends the browser back to."
    )
    state: str = Field(min_length=1, max_length=200, description="Comes back with the browser.")
    verifier: str = Field(min_length=1, max_length=200, description="PKCE; the address holds its digest only.")


async def list_connections(request: Request) -> Response:
    """Every connection and whether it can be used; no values."""
    return Document({"connections": [one.to_json() for one in app_of(request).accounts.all()]})


async def add_connection(request: Request) -> Response:
    """Add a connection at the end of connections.yaml: 201. It can be used at once."""
    app, body = app_of(request), await read(request, NewConnection)
    connector = app.catalog.get(body.connector)
    for key, value in {**body.values, "base_url": body.base_url or ""}.items():
        if "{{" in value or "{%" in value:
            # A template would read what this server keeps from its callers: its environment and other secrets.
            raise InvalidInputs(f"{key:.80} must be the value itself, not a template", parameter=key)
    if is_private(body.base_url) and not body.allow_private_network:
        told = "base_url is no public address: it needs allow_private_network"
        raise InvalidInputs(told, parameter="base_url")
    way = way_of(connector, body.authentication)
    made = made_of(connector, body.name, way, body.values, base_url=body.base_url, private=body.allow_private_network)
    request.scope["flowengine.audit"] = {"target": body.name, "connector": connector.name}
    await add(app, made)
    return Document({"connection": app.accounts.get(body.name).to_json()}, 201)


async def remove_connection(request: Request) -> Response:
    """Take a connection out of connections.yaml and forget its tokens; the secrets that it used stay, and are named."""
    name = request.path_params["connection"]
    used = await remove(app_of(request), name)
    return Document({"connection": {"name": name, "deleted": True}, "secrets": used})


async def try_connection(request: Request) -> Response:
    """Call something harmless with a connection."""
    app = app_of(request)
    await read(request, Nothing)
    app.read_connections()
    trial = await app.accounts.test(request.path_params["connection"])
    return Document({"connection": trial.to_json()})


async def sign_in_address(request: Request) -> Response:
    """Where a person signs in at the service; null for a connection that signs in by itself."""
    app, body = app_of(request), await read(request, SignInAddress)
    app.read_connections()
    name = request.path_params["connection"]
    address = app.accounts.sign_in_address(
        name, redirect_url=body.redirect_url, state=body.state, verifier=body.verifier
    )
    return Document({"address": address})


async def sign_in(request: Request) -> Response:
    """Finish a person's sign-in; an empty body signs an application in by itself."""
    app, body, name = app_of(request), await read(request, SignIn), request.path_params["connection"]
    app.read_connections()
    given: JsonObject = body.model_dump()
    if not any(given.values()):
        return Document({"connection": (await app.accounts.sign_in_by_itself(name)).to_json()})
    if not all(given.values()):
        raise InvalidInputs("code, redirect_url and verifier go together: all of them, or none")
    return Document({"connection": (await app.accounts.redeem(name, **given)).to_json()})


async def sign_out(request: Request) -> Response:
    """Forget a connection's tokens."""
    app, name = app_of(request), request.path_params["connection"]
    await app.accounts.sign_out(name)
    return Document({"connection": {"name": name}})


_CONNECTION: Final = {"connection": ref("Connection")}
_ONE: Final = "/connections/{connection}"
ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/connections",
        handler=list_connections,
        role=Role.VIEWER,
        gives={"connections": list_of(ref("Connection"))},
    ),
    Endpoint(
        method="POST",
        path="/connections",
        handler=add_connection,
        role=Role.ADMIN,
        body=NewConnection,
        gives=_CONNECTION,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        handler=remove_connection,
        role=Role.ADMIN,
        gives={"connection": record(name=TEXT, deleted=YES), "secrets": list_of(TEXT)},
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/test",
        handler=try_connection,
        role=Role.OPERATOR,
        body=Nothing,
        gives={"connection": OBJECT},
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/sign-in/address",
        handler=sign_in_address,
        role=Role.ADMIN,
        body=SignInAddress,
        gives={"address": or_null(TEXT)},
    ),
    Endpoint(method="POST", path=f"{_ONE}/sign-in", handler=sign_in, role=Role.ADMIN, body=SignIn, gives=_CONNECTION),
    Endpoint(
        method="DELETE",
        path=f"{_ONE}/sign-in",
        handler=sign_out,
        role=Role.ADMIN,
        gives={"connection": record(name=TEXT)},
    ),
)
