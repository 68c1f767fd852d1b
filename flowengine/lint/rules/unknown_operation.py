"""unknown-operation: the connector has no operation of that name."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding, nearest
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.manifests.definition import Connector
from flowengine.spec.source import Location


def _check(context: Context) -> Iterator[Finding]:
    for loc, name, operation in context.uses():
        connector = context.project.connector(name)
        if connector is not None and operation not in connector.operations:
            span = context.flow.source.locate(loc, len(name) + 1, len(operation))
            told = f'the connector "{name}" has no operation "{operation}"'
            yield Finding(context.flow.source.file, span, RULE.id, told, _hint(connector, operation, loc))


def _hint(connector: Connector, operation: str, loc: Location) -> str:
    wanted = "trigger" if loc[0] == "trigger" and loc[-1] == "use" else "action"
    near = nearest(operation, connector.operations)
    if near:
        return f'did you mean "{near}"?'
    fitting = sorted(name for name, one in connector.operations.items() if one.kind == wanted)
    listed = ", ".join(fitting[:12])
    return f"there is: {listed}" + (", ..." if len(fitting) > 12 else "") if fitting else f"it has no {wanted}s"


RULE = Rule(
    id="unknown-operation",
    meaning="What stands after the dot of `use` must be an operation of the connector, spelled as in its manifest.",
    wrong="use: livechat.ListAgent",
    right="use: livechat.ListAgents",
    check=_check,
)
