"""unknown-connector: `use` or `poll` names a connector that the project does not have, or cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.errors import InvalidFile, NotFound
from flowengine.findings import Finding, did_you_mean
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for loc, connector, _ in context.uses():
        try:
            context.project.catalog.get(connector)
        except NotFound:
            span = context.flow.source.locate(loc, 0, len(connector))
            hint = did_you_mean(connector, context.project.catalog.names())
            yield Finding(context.flow.source.file, span, RULE.id, f'there is no connector "{connector}"', hint)
        except InvalidFile as error:
            told = f'the connector "{connector}" cannot be used: {error.findings[0] if error.findings else error}'
            yield context.at(loc, RULE.id, told, f"flowengine connectors check {connector}")


RULE = Rule(
    id="unknown-connector",
    meaning="What stands before the dot of `use` must be a connector of the project, or one that ships with flowengine.",
    wrong="use: livechatt.ListAgents",
    right="use: livechat.ListAgents",
    check=_check,
)
