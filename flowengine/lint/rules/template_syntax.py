"""template-syntax: a template that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowengine.errors import ExpressionError
from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.rule import Rule
from flowengine.spec.places import offset_of


def _check(context: Context) -> Iterator[Finding]:
    hint = "look at the braces, quotes and parentheses around it"
    for site, error in context.unreadable:
        start = _begin(site.text, error)
        yield context.inside(site, (start, start + 1), RULE.id, error.message, hint)


def _begin(text: str, error: ExpressionError) -> int:
    """Where the mistake stands; what is never closed is told where it begins."""
    at = offset_of(text, error.span.line, error.span.column) if error.span else 0
    unclosed = re.match(r'"\{% (\w+) %\}" has no|the template has no "\}\}"', error.message)
    if unclosed is None:
        return at
    begun = [
        match.start() for match in re.finditer(rf"\{{%[-+]?\s*{unclosed[1]}\b" if unclosed[1] else r"\{\{", text[:at])
    ]
    return begun[-1] if begun else at


RULE = Rule(
    id="template-syntax",
    meaning="A template between {{ and }} cannot be read: something is missing or too much.",
    wrong='log: "{{ trigger.subject | upper( }}"',
    right='log: "{{ trigger.subject | upper }}"',
    check=_check,
)
