"""Trying a connection: one call of the operation that the definition names for it, else of one that only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.errors import ActionError, FlowEngineError, NotFound, SignInNeeded
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.types import Json, JsonObject

SECONDS: Final = 20.0
_REFUSED: Final = 401


@dataclass(frozen=True, slots=True)
class Trial:
    """What trying one connection gave."""

    name: str
    connector: str
    works: bool
    operation: str
    """What was called; empty when nothing could be."""
    message: str
    needs_sign_in: bool = False
    """Whether the service does not accept who is calling."""

    def to_json(self) -> JsonObject:
        return asdict(self)


async def try_connection(client: Client, catalog: Catalog, connection: Connection) -> Trial:
    """Call a harmless operation with the connection. Never raises for what the service or a person can get wrong."""
    try:
        connector = catalog.get(connection.connector)
    except FlowEngineError as error:
        return Trial(connection.name, connection.connector, works=False, operation="", message=error.message)
    chosen = harmless(connector)
    if chosen is None:
        told = "no operation reads without inputs: nothing was tried"
        return Trial(connection.name, connector.name, works=False, operation="", message=told)
    operation, inputs = chosen
    called = f"{connector.name}.{operation.id}"
    try:
        answer = await client.call(
            connector, operation, inputs, connection, idempotency_key="connection-test", deadline=SECONDS
        )
    except ActionError as error:
        refused = isinstance(error, SignInNeeded) or error.status_code == _REFUSED
        return Trial(connection.name, connector.name, False, called, error.message, refused)
    return Trial(connection.name, connector.name, True, called, f"answered {answer.status_code}")


def harmless(connector: Connector) -> tuple[Operation, Mapping[str, Json]] | None:
    """The operation to try with, and its inputs: the one of `x-ms-capabilities`, else an action that only reads and wants
    nothing; the shortest path is the likeliest to be cheap and allowed to all.
    """
    if connector.test_operation:
        try:
            return connector.operation(connector.test_operation), connector.test_inputs
        except NotFound:
            # Some definitions name an operation that they do not have.
            pass
    fitting = [
        each
        for each in connector.operations.values()
        if each.kind == "action" and each.reads and not each.deprecated and not _wants_something(each)
    ]
    chosen = min(fitting, key=lambda each: (each.visibility == "internal", len(each.path), each.id), default=None)
    return (chosen, {}) if chosen else None


def _wants_something(operation: Operation) -> bool:
    return any(each.required and each.default is None for each in operation.parameters)
