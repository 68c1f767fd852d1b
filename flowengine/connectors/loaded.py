"""Connectors for Python programs: an operation that makes its own requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Request
from flowengine.connectors.request import build_request
from flowengine.manifests import definition
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.types import Json


@dataclass(frozen=True, slots=True)
class LoadedOperation:
    """An operation together with its connector."""

    connector: Connector
    record: Operation

    def request(self, inputs: Mapping[str, Json], connection: Connection | Mapping[str, Json] | None = None) -> Request:
        """The request that would be sent; a connection may be given as its parameters. Pure: nothing is sent.

        Raises `InvalidInputs` and `Unauthorized`.
        """
        if connection is not None and not isinstance(connection, Connection):
            connection = Connection(connector=self.connector.name, parameters=connection)
        return build_request(self.connector, self.record, inputs, connection)


@dataclass(frozen=True, slots=True)
class LoadedConnector:
    """What `flowengine.load_connector` gives."""

    record: Connector

    @property
    def name(self) -> str:
        return self.record.name

    def operation(self, id_: str) -> LoadedOperation:
        """Raises `NotFound` with the nearest one."""
        return LoadedOperation(self.record, self.record.operation(id_))


def load_connector(path_or_name: str | Path) -> LoadedConnector:
    """The connector in a folder with Microsoft's two files, or a shipped one by its name.

    Raises `InvalidFile` and `NotFound`.
    """
    path = Path(path_or_name)
    if path.exists():
        return LoadedConnector(definition.load_connector(path))
    return LoadedConnector(Catalog([shipped_connectors()]).get(str(path_or_name)))
