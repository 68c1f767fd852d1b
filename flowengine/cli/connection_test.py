"""Trying a connection: one call of an operation that only reads and needs no inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flowengine.errors import ActionError, FlowEngineError, Unauthorized
from flowengine.types import SystemClock

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.connectors.client import Client
    from flowengine.connectors.connection import Connection
    from flowengine.manifests.catalog import Catalog
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation

SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Result:
    """What trying one connection gave."""

    name: str
    connector: str
    works: bool
    operation: str
    """What was called; empty when nothing could be."""
    message: str
    needs_sign_in: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def try_all(here: Settings, catalog: Catalog, connections: Sequence[Connection]) -> list[Result]:
    """Try each connection, one after another."""
    from flowengine.connectors.client import Client

    async with Client(here, SystemClock()) as client:
        return [await _try(client, catalog, each) for each in connections]


async def _try(client: Client, catalog: Catalog, connection: Connection) -> Result:
    try:
        connector = catalog.get(connection.connector)
    except FlowEngineError as error:
        return Result(connection.name, connection.connector, False, "", error.message)
    operation = harmless(connector)
    if operation is None:
        return Result(
            connection.name, connector.name, False, "", "no operation reads without inputs: nothing was tried"
        )
    called = f"{connector.name}.{operation.id}"
    try:
        answer = await client.call(
            connector, operation, {}, connection, idempotency_key="connection-test", deadline=SECONDS
        )
    except ActionError as error:
        return Result(connection.name, connector.name, False, called, error.message, isinstance(error, Unauthorized))
    return Result(connection.name, connector.name, True, called, f"answered {answer.status_code}")


def harmless(connector: Connector) -> Operation | None:
    """An action that only reads and wants nothing; the shortest path is the likeliest to be cheap and allowed to all."""
    fitting = [
        each
        for each in connector.operations.values()
        if each.kind == "action" and each.reads and not each.deprecated and not _wants_something(each)
    ]
    return min(fitting, key=lambda each: (each.visibility == "internal", len(each.path), each.id), default=None)


def _wants_something(operation: Operation) -> bool:
    return any(each.required and each.default is None for each in operation.parameters)
