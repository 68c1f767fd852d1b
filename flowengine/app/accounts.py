"""The project's connections as their owners see them: how each stands, signing in, trying."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from flowengine.app.calls import Calls, connections_of
from flowengine.app.secrets import KeptTokens, Secrets
from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.connectors.oauth import authorization_url
from flowengine.connectors.sign_in import SignIn, sign_in_of
from flowengine.connectors.tokens import Standing, standing
from flowengine.connectors.trial import Trial, try_connection
from flowengine.errors import Conflict, FlowEngineError, NotFound
from flowengine.findings import did_you_mean
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.store import Store
from flowengine.types import Clock, JsonObject, SystemClock


@dataclass(frozen=True, slots=True)
class Account:
    """One connection and how it stands."""

    connection: Connection
    standing: Standing

    def to_json(self) -> JsonObject:
        """For lists: names only, no values."""
        one = self.connection
        return {
            "name": one.name,
            "connector": one.connector,
            "base_url": one.shown_url or None,
            "parameters": sorted(one.parameters),
            "limits": [{"calls": calls, "period_seconds": seconds} for calls, seconds in one.limits],
            **self.standing.to_json(),
        }


class Accounts:
    """The connections of an open project."""

    def __init__(self, calls: Calls, tokens: KeptTokens) -> None:
        self._calls = calls
        self._tokens = tokens

    def all(self) -> list[Account]:
        """Every connection, by name."""
        return [self.get(name) for name in sorted(self._calls.connections)]

    def get(self, name: str) -> Account:
        """Raises `NotFound` with the nearest one."""
        connection = find_connection(self._calls.connections, name)
        return Account(
            connection, how_it_stands(self._calls.catalog, connection, self._tokens.record(name), self._calls.clock)
        )

    async def test(self, name: str) -> Trial:
        """Call something harmless with a connection. Raises `NotFound`."""
        connection = find_connection(self._calls.connections, name)
        return await try_connection(self._calls.client, self._calls.catalog, connection)

    async def redeem(self, name: str, *, code: str, redirect_url: str, verifier: str) -> Account:
        """A person has signed in and the service has given a code. Raises `NotFound` and `Unauthorized`."""
        connection = find_connection(self._calls.connections, name)
        sign_in = self._sign_in(connection)
        send = self._calls.client.sender(connection)
        await self._calls.client.tokens.redeem(sign_in, send, code=code, redirect_url=redirect_url, verifier=verifier)
        return self.get(name)

    async def sign_in_by_itself(self, name: str) -> Account:
        """Get an application's token now. Raises `NotFound` and `Unauthorized`."""
        connection = find_connection(self._calls.connections, name)
        await self._calls.client.tokens.sign_in_by_itself(
            self._sign_in(connection), self._calls.client.sender(connection)
        )
        return self.get(name)

    def sign_in_address(self, name: str, *, redirect_url: str, state: str, verifier: str) -> str | None:
        """Where a person signs in; None for a connection that signs in by itself. Raises `NotFound` and `Conflict`."""
        way = self._sign_in(find_connection(self._calls.connections, name))
        refuse_nameless(name, way, redirect_url)
        if way.by_itself:
            return None
        return authorization_url(way, redirect_url=redirect_url, state=state, verifier=verifier)

    async def sign_out(self, name: str) -> None:
        """Forget a connection's tokens; the connection itself may be gone already."""
        await self._tokens.forget(name)

    def _sign_in(self, connection: Connection) -> SignIn:
        return way_to_sign_in(self._calls.catalog, connection)


@asynccontextmanager
async def open_accounts(settings: Settings, environ: Mapping[str, str] = os.environ) -> AsyncIterator[Accounts]:
    """The connections of a project that no engine has open; runs nothing.

    Raises `Conflict` when an engine has it, `InvalidFile` for connections.yaml.
    """
    clock = SystemClock()
    async with Store.open(settings.database, write=True, key_file=settings.key) as store:
        secrets = Secrets(store, environ)
        await secrets.load()
        catalog = Catalog([settings.connectors, shipped_connectors()])
        tokens = KeptTokens(secrets)
        async with Client(settings, clock, tokens) as client:
            calls = Calls(settings, catalog, client, clock)
            calls.connections = connections_of(settings, environ, secrets, catalog)
            yield Accounts(calls, tokens)


def find_connection(connections: Mapping[str, Connection], name: str) -> Connection:
    """Raises `NotFound` with the nearest one."""
    if name not in connections:
        hint = did_you_mean(name, connections)
        raise NotFound(f'there is no connection "{name}" in connections.yaml; {hint}'.rstrip("; "))
    return connections[name]


def how_it_stands(catalog: Catalog, connection: Connection, record: JsonObject | None, clock: Clock) -> Standing:
    """How a connection stands, with what is kept of its tokens. Never raises."""
    try:
        connector = catalog.get(connection.connector)
    except FlowEngineError as error:
        return Standing("incomplete", error.message.splitlines()[0])
    return standing(connector, connection, record, clock.now())


def way_to_sign_in(catalog: Catalog, connection: Connection) -> SignIn:
    """How a connection signs in by OAuth. Raises `Conflict` when it does not, `NotFound` without its connector."""
    found = sign_in_of(catalog.get(connection.connector), connection)
    if found is None:
        raise Conflict(
            f'the connection "{connection.name}" does not sign in by OAuth: its values stand in connections.yaml'
        )
    return found


def refuse_nameless(name: str, way: SignIn, redirect_url: str) -> None:
    """Services let people in through an application that was registered there; without one nothing can begin.

    Raises `Conflict`.
    """
    if not way.client_id:
        raise Conflict(
            f'the connection "{name}" names no application: register one at the service with the redirect address'
            f" {redirect_url}, and write its client_id (and client_secret) under parameters:"
        )
    if way.by_itself and not way.client_secret:
        raise Conflict(f'the connection "{name}" signs in by itself and needs a client_secret under parameters:')
