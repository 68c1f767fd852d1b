"""Connectors as pages of reference: what each operation takes, what it gives, and YAML to copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flowengine.connectors.snippet import snippet
from flowengine.errors import InvalidFile, NotFound
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation, Parameter

FIELDS: Final = 60


@dataclass(frozen=True, slots=True)
class Help:
    """An operation for its readers."""

    connector: str
    operation: Operation
    parameters: tuple[Parameter, ...]
    fields: tuple[str, ...]
    """What comes back, at the top."""
    snippet: str


def help_of(catalog: Catalog, use: str) -> Help | None:
    """The help for `connector.Operation`; None when there is none of that name."""
    name, _, operation = use.partition(".")
    try:
        connector = catalog.get(name)
        return helped(connector, connector.operation(operation))
    except (NotFound, InvalidFile):
        return None


def helped(connector: Connector, operation: Operation) -> Help:
    """The help for one operation; internal parameters are left out, required ones come first."""
    visible = [one for one in operation.parameters if not one.internal]
    visible.sort(key=lambda one: not one.required_always)
    return Help(
        connector.name,
        operation,
        tuple(visible),
        tuple(_fields(connector, operation))[:FIELDS],
        snippet(connector, operation),
    )


def _fields(connector: Connector, operation: Operation) -> list[str]:
    schema = connector.resolve(operation.returns)
    for _ in range(5):
        if schema.get("type") != "array":
            break
        schema = connector.resolve(schema.get("items") or {})
    return list(schema.get("properties") or {})
