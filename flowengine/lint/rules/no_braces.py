"""no-braces: a text that is meant as a template but lacks its double braces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.lint.sites import Site
from flowengine.spec.reading import has_template
from flowengine.types import Json

_ROOTS = r"(?:trigger|inputs|vars|event|run|loop|error|actions)"
_CHAIN = re.compile(rf"{_ROOTS}(?:\.[A-Za-z_]\w*|\[[^\]]+\])+")
_SINGLE = re.compile(rf"(?<![{{$%#])\{{\s*({_ROOTS}(?:\.[A-Za-z_]\w*)+)\s*\}}(?!\}})")
_POWER = re.compile(
    r"@\{[^}]*\}|@(?:triggerBody|triggerOutputs|variables|outputs|body|items|parameters|concat|utcNow)\(.*\)"
)
_PICKED = {
    "split": "trigger.items",
    "dedupe": "trigger.id",
    "items": "body.items",
    "item_id": "item.id",
    "cursor": "item.modified",
}
_DOLLAR = re.compile(r"\$\{\{|\$\{\s*[A-Za-z_]")


def _check(context: Context) -> Iterator[Finding]:
    for site in context.sites.found:
        yield from _text(context, site)
        yield from _constant(context, site)
    yield from _groups(context)


def _text(context: Context, site: Site) -> Iterator[Finding]:
    chain = _CHAIN.fullmatch(site.text.strip())
    if chain:
        hint = f'write "{{{{ {site.text.strip()} }}}}"'
        yield context.at(site.loc, RULE.id, "this is plain text, not a template", hint, Severity.WARNING)
        return
    for match in _SINGLE.finditer(site.text):
        hint = f"write {{{{ {match[1]} }}}}"
        yield context.inside(
            site, match.span(), RULE.id, "a template has two braces on each side", hint, Severity.WARNING
        )
    for match in _POWER.finditer(site.text):
        hint = "write {{ ... }}, such as {{ trigger.subject }}"
        yield context.inside(
            site,
            match.span(),
            RULE.id,
            "this is an expression of Power Automate, and only text here",
            hint,
            Severity.WARNING,
        )
    for match in _DOLLAR.finditer(site.text):
        hint = "write {{ ... }} without the dollar sign"
        yield context.inside(site, match.span(), RULE.id, "the dollar sign stays in the text", hint, Severity.WARNING)


def _constant(context: Context, site: Site) -> Iterator[Finding]:
    """What is picked from each event or item must be computed from it."""
    name = str(site.loc[-1])
    own = site.trigger is not None and len(site.loc) == len(site.trigger.loc) + 1
    if (
        not ((own and name in _PICKED) or site.loc == ("per",))
        or has_template(site.text)
        or _CHAIN.fullmatch(site.text)
    ):
        return
    hint = f'write it as a template, such as "{{{{ {_PICKED.get(name, "trigger.id")} }}}}"'
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)+", site.text):
        hint = f'write "{{{{ {site.text} }}}}"'
    told = f'"{name}" is the same text every time; it is meant to be computed'
    yield context.at(site.loc, RULE.id, told, hint)


def _groups(context: Context) -> Iterator[Finding]:
    """`{ trigger.id }` without quotes is, to YAML, a group with one empty key."""
    for loc, span in context.flow.source.keys.items():
        if _CHAIN.fullmatch(str(loc[-1])) and _value(context.flow.source.data, loc) is None:
            hint = f'write "{{{{ {loc[-1]} }}}}"'
            yield Finding(
                context.flow.source.file,
                span,
                RULE.id,
                "a template has two braces on each side, and quotes around it",
                hint,
            )


def _value(data: Json, loc: tuple[str | int, ...]) -> Json:
    for part in loc:
        data = data[part]
    return data


RULE = Rule(
    id="no-braces",
    severity=Severity.WARNING,
    meaning="Only what stands between {{ and }} is computed. Anything else is text and is used as it stands.",
    wrong="conditions:\n  - value: trigger.ticket.subject\n    contains: refund",
    right='conditions:\n  - value: "{{ trigger.ticket.subject }}"\n    contains: refund',
    check=_check,
)
