"""not-a-list: `for_each`, `split` or `items` with something that is known not to be a list."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.expressions.references import References
from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.shapes import Missing, follow
from flowengine.lint.sites import Site


def _check(context: Context) -> Iterator[Finding]:
    for site, found in context.templates:
        if (
            site.loc[-1] in ("for_each", "split", "items")
            and (site.action or site.trigger)
            and len(site.loc) == _depth(site) + 1
        ):
            yield from _list(context, site, found)


def _depth(site: Site) -> int:
    owner = site.action or site.trigger
    return len(owner.loc) if owner else 0


def _list(context: Context, site: Site, found: References) -> Iterator[Finding]:
    chain = found.picks
    if chain is None:
        if not found.alone:
            hint = "keep nothing but one {{ ... }} between the quotes"
            yield context.at(site.loc, RULE.id, "text around a template makes it a text, not a list", hint)
        return
    shape = site.scope.names.get(chain.root)
    end = follow(shape, chain.parts[1:]) if shape is not None and not chain.open else None
    if end is None or isinstance(end, Missing):
        return
    settled = end.settled()
    if settled.type in (None, "array"):
        return
    lists = [name for name, one in (settled.fields or {}).items() if one.settled().type == "array"]
    hint = f'did you mean "{chain}.{lists[0]}"?' if lists else "name a list"
    yield context.inside(
        site, (chain.places[0][0], chain.places[-1][1]), RULE.id, f'"{chain}" is {settled.words}, not a list', hint
    )


RULE = Rule(
    id="not-a-list",
    meaning="`for_each`, `split` and `items` go through a list; an object or a text has no items.",
    wrong='for_each: "{{ trigger.ticket }}"\ndo:\n  - log: "{{ item }}"',
    right='for_each: "{{ trigger.ticket.tags }}"\ndo:\n  - log: "{{ item }}"',
    check=_check,
)
