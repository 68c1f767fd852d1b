"""unknown-field: a template reads a field that the value is not known to have."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.expressions.functions import FILTERS
from flowengine.expressions.references import Chain
from flowengine.findings import Finding, Severity, did_you_mean, nearest
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.shapes import Missing, follow
from flowengine.lint.sites import Site


def _check(context: Context) -> Iterator[Finding]:
    for site, found in context.templates:
        for chain in found.chains:
            shape = site.scope.names.get(chain.root)
            if shape is None or chain.root == "actions":
                continue
            missing = follow(shape, chain.parts[1:])
            if isinstance(missing, Missing):
                finding = _finding(context, site, chain, missing)
                if finding is not None:
                    yield finding
    for site, one in context.mistakes(RULE.id):
        yield context.inside(site, one.place, RULE.id, one.message, one.hint, one.severity)


def _finding(context: Context, site: Site, chain: Chain, missing: Missing) -> Finding | None:
    at = missing.index + 1
    name = str(chain.parts[at])
    owner = Chain(chain.parts[:at], chain.places[:at])
    if missing.owner.type != "object":
        return _not_an_object(context, site, chain, missing)
    if name.startswith("__") or (chain.optional and not missing.owner.closed and not nearest(name, missing.names)):
        return None
    near = nearest(name, missing.names)
    certain = missing.owner.closed or near is not None
    told = f'"{owner}" has no field "{name}"' if certain else f'"{owner}" is not known to have a field "{name}"'
    hint = _hint(owner, name, missing)
    severity = Severity.ERROR if certain and not (chain.optional and not missing.owner.closed) else Severity.WARNING
    return context.inside(site, chain.places[at], RULE.id, told, hint, severity)


def _hint(owner: Chain, name: str, missing: Missing) -> str:
    if missing.names:
        return did_you_mean(name, missing.names)
    return {"vars": 'declare it under "vars"', "inputs": 'declare it under "inputs"'}.get(
        str(owner), "it has no fields"
    )


def _not_an_object(context: Context, site: Site, chain: Chain, missing: Missing) -> Finding | None:
    at = missing.index + 1
    owner = Chain(chain.parts[:at], chain.places[:at])
    name = str(chain.parts[at])
    words = missing.owner.words
    if missing.owner.type == "array":
        hint = f"go through it with for_each, or take one: {{{{ ({owner} | first).{name} }}}}"
    elif name in FILTERS:
        hint = f"write {{{{ {owner} | {name} }}}}"
    else:
        hint = f"read the whole of it: {{{{ {owner} }}}}"
    if chain.optional or name.startswith("__"):
        return None
    told = f'"{owner}" is {words}, which has no field "{name}"'
    return context.inside(site, chain.places[at], RULE.id, told, hint)


RULE = Rule(
    id="unknown-field",
    meaning=(
        "The manifest says what a trigger or an operation gives, and the flow says what inputs and variables there are. A field "
        "that is not among them and looks like one of them is a misspelling. One that looks like none is a warning, because "
        "services return more than they declare."
    ),
    wrong='log: "{{ trigger.ticket.subjekt }}"',
    right='log: "{{ trigger.ticket.subject }}"',
    check=_check,
)
