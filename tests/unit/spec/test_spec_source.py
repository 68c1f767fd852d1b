"""Reading YAML with positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.findings import Span
from flowengine.spec.source import Source, read_source


def source_of(text: str | bytes) -> Source:
    source, findings = read_source(text, "f.yaml")
    assert source is not None
    assert findings == []
    return source


def told(text: str | bytes) -> list[str]:
    return [f"{one.span.line}:{one.span.column} {one.rule}: {one.message}" for one in read_source(text, "f.yaml")[1]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("0123", "0123"),
        ("1.10", "1.10"),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("+5", "+5"),
        ("0x1F", "0x1F"),
        ("42", 42),
        ("-7", -7),
        ("99999999999999999999", "99999999999999999999"),
        ("2026-01-31", "2026-01-31"),
        (".inf", ".inf"),
        ("~", None),
        ("", None),
        ("'42'", "42"),
        ('"true"', "true"),
        ("1_000", "1_000"),
    ],
)
def test_nothing_that_was_typed_is_changed(written, value):
    assert source_of(f"a: {written}\n").data == {"a": value}


def test_every_key_and_value_has_its_place():
    source = source_of("flow: X\nactions:\n  - log: hi\n    note: 'two words'\n")
    assert source.key_span(("actions", 0, "note")) == Span(4, 5, 4, 9)
    assert source.span(("actions", 0, "note")) == Span(4, 11, 4, 22)
    assert source.span(("actions", 0)) == Span(3, 5, 4, 22)
    assert source.span(("actions", 0, "missing")) == source.span(("actions", 0))


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ('a: "{{ trigger.x }}"', "trigger", 1, 8),
        ('a: "say \\"hi\\" {{ trigger.x }}"', "trigger", 1, 19),
        ('a: "\\u00e9\\x41\\n {{ w }}"', "w", 1, 21),
        ("a: 'it''s {{ w }}'", "w", 1, 14),
        ("a: plain {{ w }}", "w", 1, 13),
        ("a: plain\n  and {{ w }}", "w", 2, 10),
        ('a: "folded\n\n  and {{ w }}"', "w", 3, 10),
        ('a: "joined \\\n   and {{ w }}"', "w", 2, 11),
        ("a: |\n  one\n  {{ w }}\n", "w", 3, 6),
        ("a: |-\n    one\n\n      {{ w }}\n\n", "w", 4, 10),
        ("a: |+\n  {{ w }}\n\n", "w", 2, 6),
        ("a: >\n  one\n  two {{ w }}\n\n  three\n", "w", 3, 10),
        ("a: >-\n  one\n    more\n  {{ w }}", "w", 4, 6),
        ("a: > # a remark\n  one\n\n  {{ w }}\n", "w", 4, 6),
        ("a: &name text w\n", "w", 1, 15),
        ('a: "x"\r\nb: "{{ w }}"\r\n', "w", 2, 8),
    ],
)
def test_a_place_inside_a_text_is_found_however_it_is_written(text, word, line, column):
    source = source_of(text)
    key = next(name for name, value in source.data.items() if isinstance(value, str) and word in value)
    span = source.locate((key,), source.data[key].rindex(word), len(word))
    assert (span.line, span.column) == (line, column)
    assert (span.end_line, span.end_column) == (line, column + len(word))


def test_a_place_outside_the_text_is_the_whole_value():
    source = source_of("a: text\nb: 5\n")
    assert source.locate(("a",), 99) == source.span(("a",))
    assert source.locate(("b",), 0) == source.span(("b",))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: b: c\n", "1:4", 'text with a ": " in it needs quotes'),
        ("a: 1\n b: 2\n", "2:2", "this key stands deeper"),
        ("a:\n  - x: 1\n  z: 3\n", "3:3", "has no dash"),
        ('a: "x\nb: 1\n', "1:4", "never closed"),
        ('a: "x" y\n', "1:8", "text after the closing quote"),
        ("a: - b\n", "1:4", "a list cannot begin on the line of its key"),
        ("a:\n\t- b\n", "2:1", "a tab"),
        ("a: b\n\tc: 1\n", "2:1", "a tab"),
        ("a: @x\n", "1:4", 'text cannot begin with "@"'),
        ("a: *\n", "1:4", 'text cannot begin with "*"'),
        ("a: |x\n", "1:4", 'text cannot begin with "|"'),
        ("a: [1, 2\nb: 3\n", "1:4", 'this "[" is never closed'),
        ("a: {b: 1 c: 2}\n", "1:11", '"," or "}" should stand here'),
        ("a: 1\nuse x\nb: 2\n", "2:1", "no colon in this line"),
        ("a:b\nc: 1\n", "1:3", "no space after the colon"),
        ("a: 1\n- b\n", "2:1", "a list begins here"),
        ("a:\n  b: 1\n c: 2\n", "3:2", "the indentation of this line fits nothing"),
        ('a: "\\q"\n', "1:5", "backslash"),
        ("a: [1, , 2]\n", "1:8", "a value is missing"),
        (": 1\n", "1:1", ""),
        ("a: !secret x\n", "1:4", "YAML tag"),
        ("a: *x\n", "1:4", "no anchor"),
        ("a: &x [*x]\n", "1:8", "inside what it names"),
        ("<<: {a: 1}\n", "1:1", "merge keys"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document"),
        ("a: 1\na: 2\n", "2:1", "a second time; the first is on line 1"),
        ("? [a]\n: 1\n", "1:3", "a key must be a plain word"),
        ("a: \x01\n", "1:4", "invisible character (U+0001)"),
        ("a: \u2028\n", "1:4", "invisible character (U+2028)"),
        (b"\x89PNG\x00\xff", "1:1", "not a text file but a picture"),
        (bytes(range(1, 256)), "1:1", "not a text file"),
        (b"%PDF-1.7\n\xe2\xe3", "1:1", "not a text file but a PDF"),
        (b"a: 1\nb: \xff\n", "2:1", "not UTF-8"),
        ("a: 1".encode("utf-16"), "1:1", "UTF-16"),
        (b"a: " + b"x" * 1_000_001, "1:1", "larger than 1 MB"),
    ],
)
def test_mistakes_are_told_in_plain_words_at_their_place(text, place, words):
    found = told(text)
    assert found
    assert found[0].startswith(f"{place} ")
    assert words in found[0]
    assert "block" not in found[0]
    assert "token" not in found[0]


def test_every_unquoted_template_is_told_and_the_rest_is_read():
    text = 'a: {{ x }}\nb: {{ y["k"] }} and {{ z }}\nc: {d: {{ e | f("x") }}, g: [{{ h }}]}\nk: 1\nk: 2\n'
    source, findings = read_source(text, "f.yaml")
    assert [(one.rule, one.span.line, one.span.column) for one in findings] == [
        ("unquoted-template", 1, 4),
        ("unquoted-template", 2, 4),
        ("unquoted-template", 3, 8),
        ("unquoted-template", 3, 30),
        ("duplicate-key", 5, 1),
    ]
    assert findings[0].hint == 'put quotes around the template: "{{ x }}"'
    assert source is not None
    assert source.data["b"] == '{{ y["k"] }} and {{ z }}'
    assert source.data["c"] == {"d": '{{ e | f("x") }}', "g": ["{{ h }}"]}


def test_a_template_in_a_block_of_text_needs_no_quotes():
    assert source_of("a: |\n  {{ x }}\nb: Hello {{ name }}\n").data == {"a": "{{ x }}\n", "b": "Hello {{ name }}"}


def test_aliases_are_copies_with_places_of_their_own():
    source = source_of("a: &x { b: [1] }\nc: *x\n")
    assert source.data == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert source.data["a"] is not source.data["c"]
    assert source.span(("c", "b", 0)) == source.span(("a", "b", 0))


def test_bombs_are_refused_before_anything_is_built():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 3)]
    wide = f"a: &a [{', '.join('x' for _ in range(20_000))}]\nb: [{', '.join(['*a'] * 10)}]\n"
    assert "aliases" in told("\n".join([*levels, "z: [*a2, *a2, *a2]"]))[0]
    assert "once its aliases are written out" in told(wide)[0]
    assert "levels deep" in told("[" * 100_000)[0]
    assert "levels deep" in told("- " * 5_000)[0]


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert source_of("\ufeffa: 1\n").data == {"a": 1}
    assert source_of(b"\xef\xbb\xbfa: 1\n").data == {"a": 1}


PIECES = st.sampled_from(
    [
        *list("abc:{}[]-|>&*!%@`'\"#?,.\t\n \\"),
        "{{",
        "}}",
        "- ",
        ": ",
        "\n  ",
        "\n\n",
        "a: ",
        "{{ x }}",
        "&a",
        "*a",
        "<<",
        "---\n",
        "\r\n",
        "é",
        "\x00",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join), st.binary(max_size=120)))
def test_any_text_gives_data_or_findings(text):
    source, findings = read_source(text, "f.yaml")
    assert source is not None or findings
    if source is not None:
        for loc in source.values:
            span = source.locate(loc, 0, 1)
            assert span.line >= 1
            assert span.column >= 1


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), st.sampled_from(['"', "'", "|-"]))
def test_every_character_of_a_text_is_found_where_it_stands(value, style):
    odd = any(char in value for char in "\u2028\u2029\x85\ufeff\ufffe\uffff")
    if odd or (style == "|-" and (not value.strip() or value != value.strip())):
        return
    written = {
        '"': '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"',
        "'": "'" + value.replace("'", "''") + "'",
        "|-": f"|-\n  {value}",
    }[style]
    source, findings = read_source(f"key: {written}\n", "f.yaml")
    if source is None or findings or source.data["key"] != value:
        return
    lines = source.text.splitlines()
    for offset, char in enumerate(value):
        span = source.locate(("key",), offset, 1)
        shown = lines[span.line - 1][span.column - 1]
        assert shown in (char, "\\")


def test_an_alias_where_a_key_should_stand_is_refused():
    _, findings = read_source("a: { *b , c: 1 }\n", "a.yaml")
    assert [(one.rule, one.span.column) for one in findings] == [("syntax", 6)]
