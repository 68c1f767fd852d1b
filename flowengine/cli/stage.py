"""Stages for rehearsals in a project: offline, or with the services' reading operations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.cli import place
from flowengine.errors import InvalidFile
from flowengine.types import JsonObject

if TYPE_CHECKING:
    from flowengine.app.rehearsal import Stage
    from flowengine.config import Settings
    from flowengine.manifests.catalog import Catalog
    from flowengine.spec.actions import OperationAction
    from flowengine.spec.flow import Flow

FOLDER = Path("tests") / "flows"
"""Where a project's tests stand."""


@asynccontextmanager
async def offline(here: Settings) -> AsyncIterator[Stage]:
    """Nothing answers but the script."""
    from flowengine.app.rehearsal import Offline, Stage
    from flowengine.expressions.evaluate import default

    catalog = place.catalog(here)
    async with default(here.limits) as evaluator:
        yield Stage(
            outside=Offline(),
            flows=lambda name: flow_of(here, name),
            evaluator=evaluator,
            repeatable=lambda action, inputs: repeatable(catalog, action, inputs),
            limits=here.limits,
        )


def flow_of(here: Settings, name: str) -> Flow:
    """The flow of an id as its file says now. Raises `NotFound`, `InvalidFile`."""
    from flowengine.spec.load import parse_flow

    file = place.flow_file(here, name)
    flow, findings = parse_flow(file.read_bytes(), str(file), file.stem)
    if flow is None:
        raise InvalidFile(findings)
    return flow


def repeatable(catalog: Catalog, action: OperationAction, inputs: JsonObject) -> bool:
    """As the engine decides it, by the project's connectors."""
    from flowengine.app.calls import is_repeatable, operation_of

    return is_repeatable(operation_of(catalog, action.connector, action.operation), action, inputs)
