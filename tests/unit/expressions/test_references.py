"""What a template refers to, and exactly where."""

from __future__ import annotations

import pytest

from flowengine.errors import ExpressionError
from flowengine.expressions.references import References, references


def chains(text: str) -> list[str]:
    return [
        str(chain) + ("?" if chain.optional else "") + ("…" if chain.open else "") for chain in references(text).chains
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no template", []),
        ("{{ trigger.ticket.subject }}", ["trigger.ticket.subject"]),
        ("{{ a.b['c'][0].d }}", ["a.b.c[0].d"]),
        ("{{ actions['Find agents'].body.x }}", ["actions['Find agents'].body.x"]),
        ("{{ a[b.c].d }}", ["a…", "b.c"]),
        ("{{ a.b | default(c.d) }}", ["a.b?", "c.d"]),
        ("{{ coalesce(a.b, c) }}", ["a.b?", "c?"]),
        ("{{ a.b is defined and a.b.c }}", ["a.b?", "a.b.c?"]),
        ("{{ (a | first).login }}", ["a"]),
        ("{{ a.b.upper() ~ c.items() }}", ["a.b", "c"]),
        ("{% for x in list %}{{ x.y }}{{ z }}{{ loop.index }}{% endfor %}", ["list", "z"]),
        ("{{ loop.index }}{% for x in loop.all %}{{ loop.first }}{% endfor %}", ["loop.index", "loop.all"]),
        ("{% set q = a %}{{ q.b }}", ["a"]),
        ("{% if a.b %}{{ c }}{% endif %}", ["a.b", "c"]),
        ("{{ now() }} {{ f(a.b, k=c.d) }}", ["a.b", "c.d"]),
        ("{{ a.0 }}", ["a[0]"]),
        ("{{ a if b else c }}", ["a", "b", "c"]),
        ("{{ {'k': a}.k }}", ["a"]),
        ("{{ a[1:n] }}", ["a…", "n"]),
    ],
)
def test_the_names_and_fields(text: str, found: list[str]) -> None:
    assert chains(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Dear {{ trigger.ticket.requester.name }},",
        "{{trigger.ticket['requester'].name}}",
        "line\n  {{ trigger .ticket\n.requester . name }}",
        "{%- if true -%}   {{- trigger.ticket.requester.name -}}   {%- endif -%}",
        "{# trigger.ticket #}{{ 'trigger' ~ trigger.ticket.requester.name }}",
        "{{ [1, 'trigger.ticket'] | length }} {{ trigger.ticket.requester.name }}",
    ],
)
def test_each_part_has_its_place(text: str) -> None:
    (chain,) = references(text).chains
    assert [text[start:end] for start, end in chain.places] == ["trigger", "ticket", "requester", "name"]


def test_filters_tests_and_functions_have_theirs() -> None:
    text = "{{ a.b | map(attribute='x') | join(', ') }} {{ c is not equalto(3) }} {{ addDays(now(), 1) }}"
    found = references(text)
    uses = [*found.filters, *found.tests, *found.functions]
    assert sorted((use.name, text[slice(*use.place)]) for use in uses) == [
        (name, name) for name in ("addDays", "equalto", "join", "map", "now")
    ]
    by_name = {use.name: use for use in uses}
    assert by_name["map"].named == (("attribute", "x"),)
    assert by_name["join"].arguments == (", ",)
    assert by_name["equalto"].arguments == (3,)
    assert str(by_name["equalto"].subject) == "c"
    assert by_name["join"].subject is None
    assert by_name["addDays"].count == 2


def test_whether_it_stands_alone_and_only_picks() -> None:
    assert references(" {{ a.b }}\n").alone
    assert str(references("{{ a.b }}").picks) == "a.b"
    assert references("{{ a | upper }}").picks is None
    assert references("{{ a | upper }}").alone
    assert not references("{{ a }}{{ b }}").alone
    assert references("{{ (a | first).b }}").picks is None
    assert references("{{ a }} {{ b.c }}").names == {"a", "b"}
    assert references("plain") == References()


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(ExpressionError) as caught:
        references("x {{ a b }}")
    assert caught.value.span
    assert caught.value.span.column == 8


def test_functions_that_the_template_makes_are_not_looked_for() -> None:
    found = references("{% macro f(x) %}{{ x }}{% endmacro %}{{ f(a) }}")
    assert found.functions == ()
    assert [str(chain) for chain in found.chains] == ["a"]
