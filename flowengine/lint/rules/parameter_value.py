"""parameter-value: a parameter's value that has the wrong type or is not allowed."""

from __future__ import annotations

from collections.abc import Iterator

from flowengine.findings import Finding
from flowengine.lint.context import Context
from flowengine.lint.inputs import Problem, unfit
from flowengine.lint.rule import Rule
from flowengine.manifests.catalog import HTTP
from flowengine.spec.places import value_at
from flowengine.spec.reading import describe, has_template

_FOR_TEXT = {"array": "name one item, or write | join(', ') behind it", "object": "name one of its fields"}
_FOR_LIST = {"array": "name a list, or write one in brackets: [...]"}


def _check(context: Context) -> Iterator[Finding]:
    for problem in context.input_problems:
        if problem.kind == "value":
            place = context.at_key if problem.at_key else context.at
            yield place(problem.loc, RULE.id, problem.message, problem.hint)
        elif problem.kind == "template":
            yield from _template(context, problem)
    yield from _addresses(context)


def _template(context: Context, problem: Problem) -> Iterator[Finding]:
    given = context.shape_of(value_at(context.flow.source.data, problem.loc), problem.loc)
    words = unfit(problem.wanted, given.type)
    if words:
        name = next((part for part in reversed(problem.loc) if isinstance(part, str)), "")
        hint = _FOR_TEXT.get(given.type or "", "") if problem.wanted == "string" else _FOR_LIST.get(problem.wanted, "")
        yield context.at(problem.loc, RULE.id, f'"{name}" must be {words}, and this gives {given.words}', hint)


def _addresses(context: Context) -> Iterator[Finding]:
    """The built-in connector has no address of its own: each call says the whole of it, unless its connection has one."""
    for action in context.operations():
        url = action.inputs.get("url") if action.connector == HTTP and not action.connection else None
        if isinstance(url, str) and not has_template(url) and not url.lower().startswith(("http://", "https://")):
            told = f"{describe(url)} is not a full address"
            hint = f'write "https://{url.lstrip(":/")}"' if "." in url else "it begins with http:// or https://"
            yield context.at((*action.loc, "with", "url"), RULE.id, told, hint)


RULE = Rule(
    id="parameter-value",
    meaning="The manifest says of which type a parameter is, and for some which values there are.",
    wrong="use: http.request\nwith: { method: FETCH, url: https://example.com }",
    right="use: http.request\nwith: { method: GET, url: https://example.com }",
    check=_check,
)
