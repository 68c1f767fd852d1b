"""maybe-missing: a template reads a name that an action with `when` may not have made."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule


def _check(context: Context) -> Iterator[Finding]:
    for site, found in context.templates:
        for chain in found.chains:
            if chain.root in site.scope.maybe and not chain.optional:
                late = site.loc[:1] == ("on_failure",)
                why = "the run may fail before it is made" if late else 'the action that makes it has a "when"'
                told = f'"{chain.root}" may not exist: {why}'
                yield context.inside(
                    site,
                    chain.places[0],
                    RULE.id,
                    told,
                    f"write {{{{ {chain.root} | default('') }}}}, or what should stand for it",
                )


RULE = Rule(
    id="maybe-missing",
    meaning="An action with `when` may be skipped; the name it saves then does not exist, and reading it fails the run.",
    wrong=(
        'actions:\n  - use: livechat.ListAgents\n    when: "{{ trigger.urgent }}"\n    save_as: agents\n'
        '  - log: "{{ agents | length }}"'
    ),
    right=(
        'actions:\n  - use: livechat.ListAgents\n    when: "{{ trigger.urgent }}"\n    save_as: agents\n'
        '  - log: "{{ agents | default([]) | length }}"'
    ),
    check=_check,
)
