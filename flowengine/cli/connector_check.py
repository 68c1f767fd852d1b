"""What `connectors check` looks at: can the files be read, and can each operation be called?

An operation can be called when a request comes out of sample inputs (every required parameter, made up from its schema)
and a sample connection. Nothing is sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.connectors.samples import sample_inputs
from flowengine.errors import ActionError, FlowEngineError, Unauthorized
from flowengine.types import Json, JsonObject

if TYPE_CHECKING:
    from flowengine.connectors.connection import Connection
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.properties import ConnectionParameter

_ANSWERED: Mapping[str, str] = defaultdict(lambda: "sample")
"""What a definition asks the service first is answered by samples."""


def examine(folder: Path) -> JsonObject:
    """One folder's entry of the `connectors check` document."""
    from flowengine.manifests.definition import read_connector

    connector, findings = read_connector(folder)
    problems: list[JsonObject] = [
        {
            "operation": None,
            "rule": each.rule,
            "message": each.message,
            "line": each.span.line,
            "column": each.span.column,
        }
        for each in findings
    ]
    if connector is None:
        return {"name": folder.name, "loaded": False, "operations": 0, "callable": 0, "problems": problems}
    refused: list[JsonObject] = []
    for operation in connector.operations:
        refused += _refusal(connector, operation, problems)
    count = len(connector.operations)
    return {
        "name": connector.name,
        "loaded": True,
        "operations": count,
        "callable": count - len(refused),
        "problems": [*problems, *refused],
    }


def _refusal(connector: Connector, operation_id: str, remarks: list[JsonObject]) -> list[JsonObject]:
    """Why an operation cannot be called; empty when it can. What holds for the whole connector is added to `remarks`."""
    from flowengine.connectors.request import build_request

    try:
        operation = connector.operation(operation_id)
        inputs, connection = sample_inputs(connector, operation), sample_connection(connector)
        try:
            build_request(connector, operation, inputs, connection, asked=_ANSWERED)
        except Unauthorized as error:
            keys = _keys_by_place(connector)
            connection = replace(connection, parameters=keys | dict(connection.parameters))
            build_request(connector, operation, inputs, connection, asked=_ANSWERED)
            remark = _remark(connector, keys, error)
            if remark not in remarks:
                remarks.append(remark)
    except FlowEngineError as error:
        rule = error.code if isinstance(error, ActionError) else "unusable"
        return [{"operation": operation_id, "rule": rule, "message": error.message, "line": None, "column": None}]
    return []


def _keys_by_place(connector: Connector) -> JsonObject:
    """API keys as a connection names them itself, where no file says which of its parameters is which."""
    schemes = (each for each in connector.security_schemes.values() if each.type.lower() == "apikey")
    return {f"{'query' if each.location == 'query' else 'header'} {each.key}": "sample" for each in schemes}


def _remark(connector: Connector, keys: JsonObject, error: Unauthorized) -> JsonObject:
    if not keys:
        raise error
    names = " or ".join(f'"{name}"' for name in keys)
    told = f"no file says which connection parameter is the key: a connection to {connector.name} names it {names}"
    return {"operation": None, "rule": "key-place", "message": told, "line": None, "column": None}


def sample_connection(connector: Connector) -> Connection:
    """A connection with every parameter filled in; of several ways to sign in, the first."""
    from flowengine.connectors.connection import Connection

    spec = connector.connection
    parameters = spec.sets[0].parameters if spec.sets else spec.parameters
    values = {each.name: _connection_value(each) for each in parameters if each.oauth is None}
    return Connection(
        name=connector.name,
        connector=connector.name,
        # What a finished sign-in leaves behind, for definitions with OAuth or Entra.
        parameters={"access_token": "sample", **values},
        base_url="" if connector.base_url else "https://service.example.com",
    )


def _connection_value(parameter: ConnectionParameter) -> Json:
    if parameter.default is not None:
        return parameter.default
    if parameter.allowed:
        return parameter.allowed[0]
    return {"int": 1, "bool": True}.get(parameter.type.lower(), "sample")


def summary(reports: list[JsonObject]) -> dict[str, int]:
    """The counts over all folders."""
    return {
        "connectors": len(reports),
        "loaded": sum(bool(each["loaded"]) for each in reports),
        "operations": sum(each["operations"] for each in reports),
        "callable": sum(each["callable"] for each in reports),
    }
