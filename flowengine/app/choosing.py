"""A parameter's choices: from the definition, or asked of the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from flowengine.errors import NotFound
from flowengine.findings import did_you_mean
from flowengine.manifests.choices import Choice, choice_source, choices_in, inputs_of, listed
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation, Parameter
from flowengine.types import Json, JsonObject

Ask: TypeAlias = Callable[[str, Mapping[str, Json]], Awaitable[Json]]
"""Calls an operation of the connector with inputs and gives the answer's body."""


def find_parameter(operation: Operation, path: str) -> Parameter:
    """The parameter that authors write as `path`. Raises `NotFound` with the nearest one."""
    found = operation.parameter(path)
    if found is None:
        known = [each.path for each in operation.parameters if not each.internal]
        raise NotFound(f'{operation.id} has no parameter "{path}"; {did_you_mean(path, known)}')
    return found


async def choices(connector: Connector, operation: Operation, path: str, given: JsonObject, ask: Ask) -> list[Choice]:
    """What the parameter can be. Raises `NotFound` when nobody can say, and what the call raises."""
    parameter = find_parameter(operation, path)
    source = choice_source(parameter)
    if source is None:
        found = listed(parameter)
        if not found:
            raise NotFound(
                f"any {parameter.type or 'value'} can be given for {path}: {connector.name} lists no choices"
            )
        return found
    inputs, missing = inputs_of(source, given)
    if missing:
        names = [_as_written(operation, each) for each in missing]
        example = ", ".join(f'"{name}": "..."' for name in names)
        raise NotFound(f"the choices depend on {' and '.join(names)}: add --with '{{{example}}}'")
    return choices_in(source, await ask(source.operation, inputs))


def _as_written(operation: Operation, path: str) -> str:
    """A parameter as authors write it: definitions put the body's own name before what is in it."""
    return path if operation.parameter(path) else path.partition(".")[2] or path
