"""unknown-function: a template uses a filter, test or function that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowengine.expressions.environment import TESTS
from flowengine.expressions.functions import FILTERS, FOREIGN, FUNCTIONS
from flowengine.expressions.references import Use
from flowengine.findings import Finding, nearest
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.sites import Site

_BUILT_IN = frozenset({"namespace", "caller"})


def _check(context: Context) -> Iterator[Finding]:
    for site, found in context.templates:
        yield from _unknown(context, site, found.filters, FILTERS, "filter")
        yield from _unknown(context, site, found.tests, TESTS, "test")
        yield from _unknown(context, site, found.functions, {*FUNCTIONS, *_BUILT_IN}, "function")
    for site, one in context.mistakes(RULE.id):
        yield context.inside(site, one.place, RULE.id, one.message, one.hint, one.severity)


def _unknown(context: Context, site: Site, uses: Iterable[Use], known: Iterable[str], word: str) -> Iterator[Finding]:
    names = set(known)
    for use in uses:
        if use.name not in names and not (word == "function" and use.name in site.scope.names):
            yield context.inside(
                site, use.place, RULE.id, f'there is no {word} "{use.name}"', _hint(use.name, names, word)
            )


def _hint(name: str, names: set[str], word: str) -> str:
    if word == "function" and name in FOREIGN:
        return f"write {FOREIGN[name]}"
    found = nearest(name, names)
    if found:
        return f'did you mean "{found}"?'
    if word == "filter" and name in FUNCTIONS:
        return f"it is a function: write {name}(...)"
    if word == "function" and name in FILTERS:
        return f"it is a filter: write {{{{ value | {name} }}}}"
    return "the language reference lists what there is"


RULE = Rule(
    id="unknown-function",
    meaning="A template uses a filter (behind a bar), a test (behind `is`) or a function that does not exist.",
    wrong='log: "{{ trigger.subject | uper }}"',
    right='log: "{{ trigger.subject | upper }}"',
    check=_check,
)
