"""`/api/v1/connections` and the secrets' key: how connections stand, signing in, trying."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from flowengine.server.context import Document, Handler, app_of, body_of


async def list_connections(request: Request) -> Document:
    """Every connection and whether it can be used; no values."""
    return Document({"connections": [one.to_json() for one in app_of(request).accounts.all()]})


async def try_connection(request: Request) -> Document:
    """Call something harmless with a connection."""
    app = app_of(request)
    app.read_connections()
    trial = await app.accounts.test(request.path_params["connection"])
    return Document({"connection": trial.to_json()})


async def sign_in(request: Request) -> Document:
    """Finish a person's sign-in: `{"code", "redirect_url", "verifier"}`; an empty body signs an application in by itself."""
    app, body, name = app_of(request), await body_of(request), request.path_params["connection"]
    app.read_connections()
    if not body:
        return Document({"connection": (await app.accounts.sign_in_by_itself(name)).to_json()})
    if set(body) != {"code", "redirect_url", "verifier"} or not all(isinstance(one, str) for one in body.values()):
        raise HTTPException(400, "the fields must be code, redirect_url and verifier, each a text")
    return Document({"connection": (await app.accounts.redeem(name, **body)).to_json()})


async def sign_out(request: Request) -> Document:
    """Forget a connection's tokens."""
    app, name = app_of(request), request.path_params["connection"]
    await app.accounts.sign_out(name)
    return Document({"connection": {"name": name}})


async def rotate_key(request: Request) -> Document:
    """Put a new key in force and encrypt every secret with it."""
    return Document({"secrets": await app_of(request).store.secrets.rotate()})


ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/connections", list_connections),
    ("POST", "/connections/{connection}/test", try_connection),
    ("POST", "/connections/{connection}/sign-in", sign_in),
    ("DELETE", "/connections/{connection}/sign-in", sign_out),
    ("POST", "/secrets/rotate-key", rotate_key),
)
