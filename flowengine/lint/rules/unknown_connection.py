"""unknown-connection: no connection of that name, none for the connector, or one too many to choose from."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, did_you_mean
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.manifests.catalog import HTTP
from flowengine.spec import actions as records
from flowengine.spec.reading import one_of
from flowengine.spec.triggers import OperationTrigger, Poll


def _check(context: Context) -> Iterator[Finding]:
    if not context.project.connections:
        return  # nothing is set up yet; what is missing then is told when the flow is enabled
    for one in (*context.operations(), *context.flow.triggers):
        if isinstance(one, records.OperationAction | OperationTrigger | Poll) and one.connector != HTTP:
            if context.project.operation(one.connector, one.operation) is None:
                continue
            yield from _connection(context, one)


def _connection(context: Context, one: records.OperationAction | OperationTrigger | Poll) -> Iterator[Finding]:
    connections = context.project.connections
    fitting = [name for name, connection in connections.items() if connection.connector == one.connector]
    if one.connection is not None:
        loc = (*one.loc, "connection")
        if one.connection not in connections:
            told = f'there is no connection "{one.connection}"'
            yield context.at(loc, RULE.id, told, did_you_mean(one.connection, fitting or connections))
        elif one.connection not in fitting:
            other = connections[one.connection].connector
            told = f'the connection "{one.connection}" is for {other}, not for {one.connector}'
            yield context.at(
                loc,
                RULE.id,
                told,
                f"name {one_of(fitting)}" if fitting else f"add one for {one.connector} to connections.yaml",
            )
    elif not fitting:
        told = f'there is no connection for "{one.connector}"'
        yield context.at((*one.loc, one.kind), RULE.id, told, f"flowengine connections add {one.connector}")
    elif len(fitting) > 1 and one.connector not in fitting:
        told = f'there are {len(fitting)} connections for "{one.connector}"'
        yield context.at((*one.loc, one.kind), RULE.id, told, f'add "connection:" with {one_of(fitting)}')


RULE = Rule(
    id="unknown-connection",
    meaning=(
        "An operation is called with a connection of connections.yaml. With one connection for a connector it is found by itself; "
        "with several, the action says which."
    ),
    wrong="use: livechat.ListAgents\nconnection: livechta",
    right="use: livechat.ListAgents\nconnection: livechat",
    check=_check,
)
