"""What a flow may use: the project's connectors, connections and other flows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flowengine.errors import InvalidFile, NotFound
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.spec.flow import Flow


class HasConnector(Protocol):
    """All that the linter wants to know of a connection."""

    @property
    def connector(self) -> str:
        """The name of the connector that the connection is for."""
        ...


@dataclass(frozen=True, slots=True)
class Project:
    """What stands around a flow. What is not known (empty) is not checked against."""

    catalog: Catalog
    connections: Mapping[str, HasConnector] = field(default_factory=dict)
    flow_ids: Collection[str] = ()
    """The ids of all flows in the project."""
    flows: Mapping[str, Flow] = field(default_factory=dict)
    """Those flows that were read, for what a call needs to know of them."""

    def connector(self, name: str) -> Connector | None:
        """The connector, or None when there is none or its files cannot be used."""
        try:
            return self.catalog.get(name)
        except (NotFound, InvalidFile):
            return None

    def operation(self, connector: str, operation: str) -> Operation | None:
        """The operation, or None when there is none."""
        found = self.connector(connector)
        if found is None:
            return None
        try:
            return found.operation(operation)
        except NotFound:
            return None
