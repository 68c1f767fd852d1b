"""A connector or an operation as a page to read, and the YAML to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowengine.cli import output
from flowengine.connectors.snippet import snippet

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation, Parameter
    from flowengine.manifests.properties import ConnectionParameter, ConnectionSpec


def connector_page(connector: Connector) -> None:
    """What the connector is, how to connect, and its operations in one table each for actions and triggers."""
    document = connector.to_json()
    output.say(f"{output.paint(output.clean(connector.title), 'bold')} ({connector.name})")
    if connector.description:
        output.say(output.clean(connector.description, lines=True))
    output.say(f"Address: {output.clean(connector.base_url)}")
    for limit in document["limits"]:
        output.say(f"Limit: {limit['calls']} calls in {limit['period_seconds']} seconds, for each connection")
    _connection(connector.connection)
    for kind, title in (("trigger", "Triggers"), ("action", "Actions")):
        operations = [
            each for each in connector.operations.values() if each.kind == kind and each.visibility != "internal"
        ]
        if operations:
            output.say(f"\n{output.paint(title, 'bold')}")
            output.table(
                ("operation", "what it does"), [[f"{connector.name}.{each.id}", _summary(each)] for each in operations]
            )


def _summary(operation: Operation) -> str:
    text = operation.summary or operation.description or f"{operation.method} {operation.path}"
    return f"{text} (deprecated)" if operation.deprecated else text


def _connection(spec: ConnectionSpec) -> None:
    """What a connection needs; where there are several ways to sign in, each by itself."""
    if not spec.parameters:
        output.say("Connection: none needed")
        return
    if not spec.sets:
        output.say(f"\n{output.paint('A connection needs', 'bold')}")
        _connection_parameters(spec.parameters)
        return
    output.say(f"\n{output.paint(f'A connection signs in by one of {len(spec.sets)} ways', 'bold')}")
    for one in spec.sets:
        about = f": {output.clean(one.description)}" if one.description else ""
        output.say(f"\n{output.paint(output.clean(one.title or one.name), 'bold')} ({output.clean(one.name)}){about}")
        _connection_parameters(one.parameters)


def _connection_parameters(parameters: Sequence[ConnectionParameter]) -> None:
    rows = [
        [each.name, each.type, "yes" if each.required else "no", each.description]
        for each in parameters
        if not each.hidden
    ]
    output.table(("parameter", "type", "required", "description"), rows)


def operation_page(connector: Connector, operation: Operation) -> None:
    """One operation: what it does, its parameters, what it gives back, and a snippet to copy."""
    output.say(f"{output.paint(f'{connector.name}.{operation.id}', 'bold')}: {output.clean(operation.summary or '')}")
    if operation.description and operation.description != operation.summary:
        output.say(output.clean(operation.description, lines=True))
    output.say(f"{operation.method.upper()} {output.clean(operation.path)}")
    visible = [each for each in operation.parameters if each.visibility != "internal"]
    if visible:
        output.say("")
        output.table(("parameter", "type", "required", "description"), [_row(each) for each in visible])
    if fields := _fields(operation, connector):
        output.say(
            f"\n{output.paint('Delivers' if operation.kind == 'trigger' else 'Gives back', 'bold')}: {', '.join(fields)}"
        )
    output.say(f"\n{output.paint('To copy', 'bold')}:")
    output.say(snippet(connector, operation))


def _row(parameter: Parameter) -> list[output.Styled | str]:
    allowed = f" One of: {', '.join(map(str, parameter.enum))}." if parameter.enum else ""
    default = f" Default: {parameter.default}." if parameter.default is not None else ""
    text = f"{parameter.description or ''}{allowed}{default}".strip()
    return [parameter.path or parameter.name, _type(parameter), "yes" if parameter.required else "no", text]


def _type(parameter: Parameter) -> str:
    return parameter.type or "any"


def _fields(operation: Operation, connector: Connector) -> list[str]:
    """The names at the top of what comes back, so that an author knows what to write after the dot."""
    schema: Any = operation.notification if operation.kind == "trigger" else operation.returns
    for _ in range(20):
        if not isinstance(schema, dict):
            return []
        if "$ref" in schema:
            schema = connector.definitions.get(schema["$ref"].rsplit("/", 1)[-1])
        elif schema.get("type") == "array":
            schema = schema.get("items")
        else:
            return list(schema.get("properties") or {})
    return []
