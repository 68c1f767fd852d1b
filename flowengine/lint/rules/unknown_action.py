"""unknown-action: `actions['Name']` names no action that ran before."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.expressions.references import Chain
from flowengine.findings import Finding, did_you_mean, nearest
from flowengine.lint.context import Context
from flowengine.lint.known import action_shape
from flowengine.lint.rule import Rule
from flowengine.lint.shapes import Missing, follow
from flowengine.lint.sites import Site


def _check(context: Context) -> Iterator[Finding]:
    named = {action.name: action for action in context.actions}
    for site, found in context.templates:
        for chain in found.chains:
            if chain.root != "actions" or len(chain.parts) < 2:
                continue
            name = str(chain.parts[1])
            if name not in named:
                told = f'the flow has no action "{name}"'
                yield context.inside(site, chain.places[1], RULE.id, told, did_you_mean(name, named))
            elif name not in site.scope.done:
                told = f'the action "{name}" has not run yet here: it stands on line {named[name].span.line}'
                yield context.inside(site, chain.places[1], RULE.id, told, "move it before this one")
            else:
                missing = follow(action_shape(named[name], context.project), chain.parts[2:])
                if isinstance(missing, Missing):
                    yield from _field(context, site, chain, missing)


def _field(context: Context, site: Site, chain: Chain, missing: Missing) -> Iterator[Finding]:
    name = str(chain.parts[missing.index + 2])
    if missing.owner.type == "object" and (missing.owner.closed or nearest(name, missing.names)):
        owner = Chain(chain.parts[: missing.index + 2], ())
        told = f'"{owner}" has no field "{name}"'
        yield context.inside(site, chain.places[missing.index + 2], RULE.id, told, did_you_mean(name, missing.names))


RULE = Rule(
    id="unknown-action",
    meaning="`actions['Name']` gives the result of an action of that name, which must stand before.",
    wrong="actions:\n  - name: Find agents\n    use: livechat.ListAgents\n  - log: \"{{ actions['Find agent'].body }}\"",
    right="actions:\n  - name: Find agents\n    use: livechat.ListAgents\n  - log: \"{{ actions['Find agents'].body }}\"",
    check=_check,
)
