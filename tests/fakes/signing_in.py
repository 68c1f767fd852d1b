"""Definitions that want an OAuth sign-in, and connections that have an application for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flowengine.connectors.connection import Connection
from flowengine.manifests.definition import Connector
from tests.fakes.definitions import connector

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(
    provider: str = "oauth2", scopes: Sequence[str] = ("read",), client_id: str = "", **custom: str
) -> dict[str, Any]:
    """A connection parameter as Microsoft's files write it."""
    settings = {
        "identityProvider": provider,
        "clientId": client_id,
        "scopes": list(scopes),
        "customParameters": {name: {"value": value} for name, value in custom.items()},
    }
    return {"type": "oauthSetting", "oAuthSettings": settings}


def made(provider: str = "oauth2", **custom: str) -> Connector:
    declared = {"token": token(provider, ["read", "write"], **custom)}
    return connector("c", {"/a": {"get": {"operationId": "Op"}}}, connection=declared)


def account(url: str = "", **parameters: str) -> Connection:
    given = {"client_id": "app", "client_secret": "canary-secret", **parameters}
    return Connection("acct", "c", given, base_url=url, allow_private_network=True)
