"""Templates: typed, strict, and read from data only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.errors import ExpressionError
from flowengine.expressions.render import needs_seed, render_now
from flowengine.expressions.template import template

SCOPE = {
    "trigger": {"subject": "Refund", "id": 7, "items": [1, 2], "owner": None, "mail": {"from": "ann@example.com"}},
    "agents": [{"login": "ann", "role": "owner"}, {"login": "bob", "role": "agent"}],
    "flag": True,
    "loop": {"index": 9},
    "_links": {"self": "x"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no template { here }", "no template { here }"),
        ("{{ trigger.id }}", 7),
        ("  {{ trigger.id }}\n", 7),
        ("{{ trigger.items }}", [1, 2]),
        ("{{ trigger['items'][0] }}", 1),
        ("{{ agents[-1].login }}", "bob"),
        ("{{ trigger.items[1:] }}", [2]),
        ("{{ trigger.owner }}", None),
        ("{{ flag }}", True),
        ("{{ 1.5 }}", 1.5),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {'a': 1}.a }}", 1),
        ("{{ trigger.id }} and {{ trigger.subject }}", "7 and Refund"),
        (
            "{{ trigger.owner }}|{{ flag }}|{{ trigger.items }}|{{ trigger.mail }}",
            '|true|[1,2]|{"from":"ann@example.com"}',
        ),
        ("{{ 'a' ~ none ~ true ~ [1] ~ 2 }}", "atrue[1]2"),
        ("{{ '1_000' }}", "1_000"),
        ("{{ '{{ trigger.id }}' }}", "{{ trigger.id }}"),
        ("{{ trigger.nope.deep['er'] | default('x') }}", "x"),
        ("{{ trigger.owner.name | default('x') }}", "x"),
        ("{{ nope | default }}", ""),
        ("{{ trigger.nope is defined }}", False),
        ("{{ 'yes' if trigger.id > 5 else 'no' }}", "yes"),
        ("{{ 'yes' if trigger.id > 50 }}", None),
        ("{{ (agents | rejectattr('role', 'equalto', 'owner') | first).login }}", "bob"),
        ("{{ agents | map(attribute='login') | join(', ') }}", "ann, bob"),
        ("{{ trigger.mail.items() | list }}", [["from", "ann@example.com"]]),
        ("{{ trigger.mail.get('to', 'nobody') }}", "nobody"),
        ("{{ 'a,b'.split(',') }}", ["a", "b"]),
        ("{{ ', '.join(['a', 1]) ~ 'x'.replace('x', 'y') }}", "a, 1y"),
        (
            "{% for agent in agents %}{{ loop.index }}{{ agent.login }}{% if not loop.last %},{% endif %}{% endfor %}",
            "1ann,2bob",
        ),
        ("{{ loop.index }}{% for x in [1, 2] %}{{ loop.index0 }}{% endfor %}", "901"),
        ("{% for x in [1, 2] %}{{ loop.cycle('a', 'b') }}{% endfor %}", "ab"),
        ("{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3"),
        ("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) }}", "<1>"),
        ("{# a comment #}x", "x"),
        ("line\n{{ trigger.id }}\n", "line\n7\n"),
        ("{{ 7 // 2 }}{{ 7 % 2 }}{{ 2 ** 3 }}{{ 'ab' * 2 }}{{ [1] + [2] }}{{ -3 }}", "318abab[1,2]-3"),
        ("{{ '<b>' }}", "<b>"),
        ("{{ trigger.items | length > 1 and flag }}", True),
        ("{{ 10 ** 30 }}", 10**30),
    ],
)
def test_a_template_gives(text: str, value: object) -> None:
    assert render_now(text, SCOPE, guarded=False) == value
    found = template(text)
    if not found or found.bounded:  # all others are rendered in the child process
        assert render_now(text, SCOPE, guarded=True) == value


@pytest.mark.parametrize(
    ("text", "message", "columns"),
    [
        ("{{ trigger.subjekt }}", 'there is no "subjekt" in trigger; did you mean "subject"?', (12, 19)),
        ("to {{ trigger.mail.fro }}!", 'there is no "fro" in trigger.mail; did you mean "from"?', (20, 23)),
        ("{{ triger.id }}", 'there is no "triger"; did you mean "trigger"?', (4, 10)),
        ("{{ zzz }}", 'there is no "zzz"; there is: agents, flag, loop, trigger', (4, 7)),
        ("{{ trigger.owner.name }}", "trigger.owner is null (nothing)", (18, 22)),
        ("{{ trigger.subject.x }}", 'trigger.subject is text, so it has no "x"', (20, 21)),
        ("{{ trigger.id.x }}", 'trigger.id has no "x"', (15, 16)),
        ("{{ agents[5] }}", "agents is a list of 2, so there is no [5]", (11, 12)),
        ("{{ agents.login }}", "take one with [0]", (11, 16)),
        ("{{ trigger.keys }}", 'there is no "keys" in trigger', (12, 16)),
        ("{{ formatDatTime('x') }}", 'did you mean "formatDateTime"?', (4, 17)),
        ("{{ triggerBody() }}", "write trigger", (4, 15)),
        ("{{ agents | lenght }}", 'there is no filter "lenght"; did you mean "length"?', (13, 19)),
        ("{{ flag is definied }}", 'there is no test "definied"; did you mean "defined"?', (12, 20)),
        ("{{ agents | first | upper }} {{ x }}", 'there is no "x"', (33, 34)),
        ("{{ trigger.id + 'a' }}", "write ~ to join text", None),
        ("{{ 'a' % 2 }}", "write ~ to join text", None),
        ("{{ 'a' < 1 }}", "cannot compare text with a number", None),
        ("{{ [] | first }}", "the list is empty", None),
        ("{{ [] | last }}", "the list is empty", None),
        ("{{ length }}", "the result is a function", None),
        ("{{ {}.pop('a') }}", '"pop()" cannot be called', None),
        ("{{ 'a' is divisibleby(trigger.nope) }}", 'there is no "nope"', (31, 35)),
        ("{{ trigger[trigger.nope] }}", 'there is no "nope"', (20, 24)),
        ("{{ trigger.nope + 1 }}", 'there is no "nope"', (12, 16)),
        ("{{ trigger.nope.upper() }}", 'there is no "nope"', (12, 16)),
        ("{{ agents | map(attribute='nope') }}", 'there is no "nope"', None),
        ("{{ 1 / 0 }}", "division by zero", None),
        ("{{ 2.0 ** 5000 }}", "more than 1,000 digits", None),
        ("{{ (-8) ** 0.5 }}", "not a number", None),
        ("{{ 'a' * 2000000 }}", "larger than 1 MB", None),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself without end", None),
        ("{{ now() }}", "not available here", None),
    ],
)
def test_a_mistake_is_told_where_it_is(text: str, message: str, columns: tuple[int, int] | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        render_now(text, SCOPE)
    assert message in caught.value.message
    assert caught.value.template == text
    span = caught.value.span
    assert (span and (span.column, span.end_column)) == columns


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("{{ a", 'no "}}" at its end', 4),
        ("{{ a b }}", '"b" is not expected here', 6),
        ("{{ }}", "nothing to compute", 4),
        ("{{ a.b }", 'a single "}"', 8),
        ("{{ 'x }}", "does not end", 4),
        ("x\ny {{ a $ b }}", '"$" has no meaning', 8),
        ("{{ a | }}", "a name is missing", 8),
        ("{{ a[ }}", '"]" is missing', 7),
        ("{{ a. }}", "a name or a number must follow", 7),
        ("{# x", 'no "#}"', 3),
        ("{% if a %}", 'no "{% endif %}"', 9),
        ("{% foo %}", 'there is no "{% foo %}"', 4),
        ("{% include 'x' %}", "cannot be used in a flow", 4),
        ("{{ _links.self }}", 'begin with "_"', 4),
        ("{{ f(a=1, 2) }}", "come before", 5),
        ("{{ " + "(" * 2000, "nested too deeply", 1),
        ("{{ " + "not " * 16000 + "a }}", "nested too deeply", 1),
        ("{{ " + "+".join("a" * 20000) + " }}", "nested too deeply", None),
        ("{{ a }}" + "x" * 70000, "longer than 64 KB", None),
    ],
)
def test_a_template_that_cannot_be_read_is_told_where(text: str, message: str, column: int | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        render_now(text, SCOPE)
    assert message in caught.value.message
    if column is not None:
        assert caught.value.span
        assert caught.value.span.column == column


def test_a_whole_value_is_rendered_and_the_place_of_a_mistake_is_told() -> None:
    value = {"a": ["{{ trigger.id }}", {"b": "x{{ flag }}"}], "c": 1, "{{ k }}": None}
    assert render_now(value, SCOPE) == {"a": [7, {"b": "xtrue"}], "c": 1, "{{ k }}": None}
    with pytest.raises(ExpressionError) as caught:
        render_now({"a": ["{{ trigger.id }}", {"b": "{{ nope }}"}]}, SCOPE)
    assert caught.value.at == ("a", 1, "b")


def test_lenient_gives_nothing_for_what_is_missing() -> None:
    assert render_now("{{ trigger.nope.deep }}", SCOPE, lenient=True) is None
    with pytest.raises(ExpressionError):
        render_now("{{ 1 / 0 }}", SCOPE, lenient=True)


def test_what_is_picked_may_be_large_but_what_is_computed_may_not() -> None:
    scope = {"big": ["x" * 1000] * 2000}
    assert render_now("{{ big }}", scope) == scope["big"]
    with pytest.raises(ExpressionError, match="larger than 1 MB"):
        render_now("{{ big | list }}", scope)
    with pytest.raises(ExpressionError, match="larger than 1 MB"):
        render_now("a {{ big }}", scope)


def test_results_are_plain_json() -> None:
    assert type(render_now("{{ 'a' | upper }}", {})) is str
    assert render_now("{{ {'a': (1, 2)}.items() }}", {}) == [["a", [1, 2]]]
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ExpressionError, match="nested deeper"):
        render_now("{{ [x] }}", {"x": deep})
    with pytest.raises(ExpressionError, match="not a finite number"):
        render_now("{{ [x] }}", {"x": float("inf")})


def test_which_values_ask_for_the_time() -> None:
    assert needs_seed({"a": [1, "{{ addDays(now(), 1) }}"]})
    assert needs_seed("{% if true %}{{ uuid() }}{% endif %}")
    assert not needs_seed({"a": "now()", "b": "{{ trigger.now }}", "c": "{{ broken"})


PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ".",
        ",",
        ":",
        "|",
        "~",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "==",
        "!=",
        "<",
        "in",
        "is",
        "not",
        "and",
        "or",
        "if",
        "else",
        "for",
        "endif",
        "endfor",
        "set",
        "default",
        "map",
        "trigger",
        "id",
        "items",
        "agents",
        "first",
        "upper",
        "now",
        "'x'",
        "1",
        "0",
        "1.5",
        "none",
        "true",
        "_a",
        "__class__",
        "\\",
        "\n",
    ]
)


@given(st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=40))
def test_whatever_is_written_gives_a_value_or_an_expression_error(text: str) -> None:
    for written in (text, "{{ " + text + " }}"):
        try:
            render_now(written, SCOPE)
        except ExpressionError as error:
            assert error.message  # noqa: PT017
