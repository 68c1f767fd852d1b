"""Which connection an operation is called with, and the calls themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flowengine.app.secrets import Secrets
from flowengine.config import Settings
from flowengine.connectors.announcing import Announcement, Position, announced, following
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection, read_connections
from flowengine.connectors.pagination import at
from flowengine.connectors.response import retry_after
from flowengine.errors import ConnectionMissing, InvalidFile, NotFound
from flowengine.findings import Severity, did_you_mean
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.operation import CALLBACK, Operation
from flowengine.manifests.unsubscribing import unsubscribing
from flowengine.spec.actions import OperationAction
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger
from flowengine.store.ids import new_id
from flowengine.store.records import RunRecord
from flowengine.types import Clock, JsonObject, Outputs, Path

REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Calls:
    """Operations, called with the connection that the project has for them."""

    def __init__(self, settings: Settings, catalog: Catalog, client: Client, clock: Clock) -> None:
        self.settings = settings
        self.catalog = catalog
        self.client = client
        self.clock = clock
        self.connections: Mapping[str, Connection] = {}

    def connection(self, connector: str, name: str | None) -> Connection | None:
        """The named connection, else the connector's only one; None where none is needed. Raises `ConnectionMissing`."""
        if name is not None:
            if name not in self.connections:
                hint = did_you_mean(name, self.connections)
                raise ConnectionMissing(f'there is no connection "{name}" in connections.yaml; {hint}'.rstrip("; "))
            return self.connections[name]
        fitting = [one for one in self.connections.values() if one.connector == connector]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(sorted(one.name for one in fitting))
            raise ConnectionMissing(f"{connector} has several connections: write connection: and one of {names}")
        if self._needs_connection(connector):
            raise ConnectionMissing(
                f"there is no connection for {connector}; add one to connections.yaml: flowengine connections add {connector}"
            )
        return None

    async def invoke(
        self,
        run: RunRecord,
        flow: Flow,
        path: Path,
        action: OperationAction,
        inputs: JsonObject,
        key: str,
        deadline: float | None,
    ) -> Outputs:
        """One attempt of an action."""
        connector = self.catalog.get(action.connector)
        connection = self.connection(action.connector, action.connection)
        operation = connector.operation(action.operation)
        return await self.client.call(
            connector, operation, inputs, connection, idempotency_key=key, paginate=action.paginate, deadline=deadline
        )

    async def ask(self, connector: str, operation: str, connection: str | None, inputs: JsonObject) -> Outputs:
        """One call outside any run: for polls and for registering webhooks."""
        found = self.catalog.get(connector)
        return await self.client.call(
            found,
            found.operation(operation),
            inputs,
            self.connection(connector, connection),
            idempotency_key=new_id(self.clock),
            deadline=self.settings.limits.attempt_seconds,
        )

    async def ask_all(
        self, connector: str, operation: str, connection: str | None, inputs: JsonObject, most: int
    ) -> Outputs:
        """As `ask`, with the items of all pages where the operation has pages; at most so many."""
        found = self.catalog.get(connector)
        asked = found.operation(operation)
        return await self.client.call(
            found,
            asked,
            inputs,
            self.connection(connector, connection),
            paginate=most if asked.pagination or asked.next_link else None,
            deadline=self.settings.limits.attempt_seconds,
        )

    async def announce(self, trigger: OperationTrigger, inputs: JsonObject, position: Position) -> Announcement:
        """One poll of a manifest's trigger, from where the last one ended."""
        found = self.catalog.get(trigger.connector)
        operation = found.operation(trigger.operation)
        outputs = await self.client.call(
            found,
            operation,
            inputs,
            self.connection(trigger.connector, trigger.connection),
            idempotency_key=new_id(self.clock),
            deadline=self.settings.limits.attempt_seconds,
            position=position,
        )
        return Announcement(
            announced(found, operation, outputs),
            following(found, operation, outputs, position),
            retry_after(outputs.headers, self.clock.now()),
        )

    async def delete_at(self, connector: str, operation: str, connection: str | None, url: str) -> None:
        """DELETE at an address that the operation's answer named."""
        found = self.catalog.get(connector)
        account = self.connection(connector, connection)
        await self.client.delete_at(found, found.operation(operation), account, url)

    def subscribes(self, action: OperationAction, inputs: JsonObject) -> bool:
        """Whether an action gives the service an address and is done when something is posted there.

        An author who says where the service shall deliver waits for it in the flow.
        """
        operation = self.operation(action.connector, action.operation)
        if operation is None or operation.webhook is None or operation.kind != "action" or CALLBACK in inputs:
            return False
        return at(inputs, operation.webhook.callback) is None

    def unsubscribing(
        self, connector: str, operation: str, inputs: JsonObject, outputs: Outputs
    ) -> tuple[str, JsonObject] | None:
        """The operation, with its inputs, that ends what `operation` registered; None when the definition has none."""
        found = self.catalog.get(connector)
        location = {name.lower(): value for name, value in outputs.headers.items()}.get("location", "")
        return unsubscribing(found, found.operation(operation), inputs, outputs.body, location)

    def repeatable(self, action: OperationAction, inputs: JsonObject) -> bool:
        """Whether calling twice does what calling once does: reading, PUT and DELETE."""
        return is_repeatable(self.operation(action.connector, action.operation), action, inputs)

    def operation(self, connector: str, operation: str) -> Operation | None:
        """The manifest's operation, or None when connector or operation are gone."""
        return operation_of(self.catalog, connector, operation)

    def address(self, connector: str, connection: str | None) -> str:
        """Where calls with this connection go; empty while there is none."""
        try:
            found = self.connection(connector, connection)
        except ConnectionMissing:
            return ""
        return (found.base_url if found else None) or ""

    def _needs_connection(self, connector: str) -> bool:
        return bool(self.catalog.get(connector).connection.parameters)


def operation_of(catalog: Catalog, connector: str, operation: str) -> Operation | None:
    """The manifest's operation, or None when connector or operation are gone."""
    try:
        return catalog.get(connector).operation(operation)
    except (NotFound, InvalidFile):
        return None


def is_repeatable(operation: Operation | None, action: OperationAction, inputs: JsonObject) -> bool:
    """Whether calling twice does what calling once does: reading, PUT and DELETE."""
    return operation is not None and (operation.reads or method_of(operation, action, inputs) in REPEATABLE)


def method_of(operation: Operation, action: OperationAction, inputs: JsonObject) -> str:
    """The HTTP method of a call."""
    return str(inputs.get("method", "")).upper() if action.use == "http.request" else operation.method


def connections_of(
    settings: Settings, environ: Mapping[str, str], secrets: Secrets, catalog: Catalog
) -> dict[str, Connection]:
    """The project's connections; none when there is no file. Raises `InvalidFile`."""
    if not settings.connections_file.is_file():
        return {}

    def secret_parameters(connector: str) -> frozenset[str]:
        parameters = catalog.get(connector).connection.parameters if connector in catalog else ()
        return frozenset(parameter.name for parameter in parameters if parameter.secret)

    connections, findings = read_connections(settings.connections_file, environ, secrets.get, secret_parameters)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise InvalidFile(errors)
    return connections
