"""A parameter's choices: from the definition, or asked of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from flowengine.cli import place
from flowengine.errors import NotFound
from flowengine.findings import did_you_mean
from flowengine.manifests.choices import Choice, choice_source, choices_in, inputs_of, listed
from flowengine.types import Json, JsonObject, SystemClock

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.connectors.connection import Connection
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation, Parameter


def find_parameter(operation: Operation, path: str) -> Parameter:
    """The parameter that authors write as `path`. Raises `NotFound` with the nearest one."""
    found = operation.parameter(path)
    if found is None:
        known = [each.path for each in operation.parameters if not each.internal]
        raise NotFound(f'{operation.id} has no parameter "{path}"; {did_you_mean(path, known)}')
    return found


async def choices(
    here: Settings, connector: Connector, operation: Operation, path: str, given: JsonObject, connection: str | None
) -> list[Choice]:
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
    answer = await _asked(here, connector, source.operation, inputs, connection)
    return choices_in(source, answer)


def _as_written(operation: Operation, path: str) -> str:
    """A parameter as authors write it: definitions put the body's own name before what is in it."""
    return path if operation.parameter(path) else path.partition(".")[2] or path


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
