"""A parameter's choices, asked by this process or by the server that `--server` names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from flowengine.cli import place
from flowengine.errors import NotFound
from flowengine.findings import did_you_mean
from flowengine.manifests.choices import Choice
from flowengine.types import Json, JsonObject, SystemClock

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.connectors.connection import Connection
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation


async def choices(
    here: Settings, connector: Connector, operation: Operation, path: str, given: JsonObject, connection: str | None
) -> list[Choice]:
    """What the parameter can be. Raises `NotFound` when nobody can say, and what the call raises."""
    from flowengine.app import choosing

    if here.server:
        return await _there(here, connector, operation, path, given, connection)

    async def ask(name: str, inputs: Mapping[str, Json]) -> Json:
        return await _asked(here, connector, name, inputs, connection)

    return await choosing.choices(connector, operation, path, given, ask)


async def _there(
    here: Settings, connector: Connector, operation: Operation, path: str, given: JsonObject, connection: str | None
) -> list[Choice]:
    from flowengine.cli.server_client import running

    server = running(here)
    assert server is not None
    body = {"parameter": path, "inputs": given} | ({"connection": connection} if connection else {})
    place_of = f"/connectors/{quote(connector.name, safe='')}/operations/{quote(operation.id, safe='')}/choices"
    found = await asyncio.to_thread(server.ask, "POST", place_of, body)
    return [Choice(one["value"], one["title"]) for one in found["choices"]]


async def _asked(
    here: Settings, connector: Connector, operation: str, inputs: Mapping[str, Json], name: str | None
) -> Json:
    from flowengine.connectors.client import Client

    account = await _account(here, connector, name)
    async with Client(here, SystemClock()) as client:
        return (await client.call(connector, connector.operation(operation), inputs, account)).body


async def _account(here: Settings, connector: Connector, name: str | None) -> Connection | None:
    """The named connection, else the connector's only one, with the token that it has: nothing is renewed here."""
    from flowengine.app.secrets import read_record, tokens_name
    from flowengine.connectors.auth import TOKEN

    found, _ = await place.connections(here)
    if name is not None and name not in found:
        raise NotFound(f'there is no connection "{name}" in connections.yaml; {did_you_mean(name, found)}')
    fitting = [name] if name else [one.name for one in found.values() if one.connector == connector.name]
    if len(fitting) > 1:
        raise NotFound(f"{connector.name} has several connections: add --connection and one of {', '.join(fitting)}")
    if not fitting:
        return None
    account = found[fitting[0]]
    if not place.has_database(here):
        return account
    async with place.history(here) as store:
        kept = read_record((await store.secrets.all()).get(tokens_name(account.name))) or {}
    token = kept.get("access_token")
    return replace(account, parameters={**account.parameters, TOKEN: token}) if token else account
