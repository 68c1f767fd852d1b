"""Jinja's own filters that flows may use, with the words and examples its own documentation keeps elsewhere.

What is not here does not exist in flows: filters that mark text as safe for HTML, that print Python, or that draw by chance
without being recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import pass_environment
from jinja2.environment import Environment
from jinja2.filters import FILTERS as JINJA
from jinja2.filters import make_attrgetter

from flowengine.expressions.arithmetic import arithmetic
from flowengine.expressions.functions.numbers import number
from flowengine.expressions.functions.table import Family, Table
from flowengine.expressions.values import sized, text_of
from flowengine.types import Json

LISTS = Table("lists")
TEXT = Table("text")
NUMBERS = Table("numbers")
TABLES = (LISTS, TEXT, NUMBERS)

_AGENTS = {"agents": [{"name": "Ann", "role": "owner"}, {"name": "Bob", "role": "agent"}]}

_KEPT: tuple[tuple[Family, str, str, str, Json, dict[str, Any]], ...] = (
    ("lists", "default(value, instead)", "A value, or another one where it is missing.", "{{ ticket.owner | default('nobody') }}", "nobody", {"scope": {"ticket": {}}, "takes_missing": True}),
    ("lists", "d(value, instead)", "The same, short.", "{{ ticket.owner | d('nobody') }}", "nobody", {"scope": {"ticket": {}}, "takes_missing": True}),
    ("lists", "map(list, attribute=name)", "One field of every item, or a filter applied to each.", "{{ agents | map(attribute='name') }}", ["Ann", "Bob"], {"scope": _AGENTS}),
    ("lists", "select(list, test, value?)", "The items that pass a test.", "{{ [1, 5, 9] | select('gt', 4) }}", [5, 9], {}),
    ("lists", "reject(list, test, value?)", "The items that do not.", "{{ [1, 5, 9] | reject('gt', 4) }}", [1], {}),
    ("lists", "selectattr(list, field, test, value)", "The items whose field passes a test.", "{{ (agents | selectattr('role', 'equalto', 'agent') | first).name }}", "Bob", {"scope": _AGENTS}),
    ("lists", "rejectattr(list, field, test, value)", "The items whose field does not.", "{{ agents | rejectattr('role', 'equalto', 'agent') | map(attribute='name') }}", ["Ann"], {"scope": _AGENTS}),
    ("lists", "sort(list, attribute=name, reverse=false)", "Sorted; letter case does not count.", "{{ ['b', 'A'] | sort }}", ["A", "b"], {}),
    ("lists", "unique(list, attribute=name)", "Every value once.", "{{ [1, 2, 1] | unique }}", [1, 2], {}),
    ("lists", "groupby(list, field)", "Pairs of a field's value and the items that have it.", "{{ (agents | groupby('role') | first)[0] }}", "agent", {"scope": _AGENTS}),
    ("lists", "list(value)", "Anything that has items, as a list.", "{{ 'abc' | list }}", ["a", "b", "c"], {}),
    ("lists", "items(object)", "Pairs of name and value.", "{{ {'a': 1} | items }}", [["a", 1]], {}),
    ("lists", "dictsort(object)", "Pairs of name and value, sorted by name.", "{{ {'b': 2, 'a': 1} | dictsort }}", [["a", 1], ["b", 2]], {}),
    ("lists", "min(list, attribute=name)", "The smallest.", "{{ [3, 1, 2] | min }}", 1, {}),
    ("lists", "max(list, attribute=name)", "The largest.", "{{ [3, 1, 2] | max }}", 3, {}),
    ("lists", "batch(list, size, fill?)", "Lists of so many items, the last one filled up.", "{{ [1, 2, 3] | batch(2, 0) }}", [[1, 2], [3, 0]], {"cheap": False}),
    ("lists", "slice(list, parts, fill?)", "The list dealt into so many parts.", "{{ [1, 2, 3] | slice(2) }}", [[1, 2], [3]], {"cheap": False}),
    ("text", "upper(text)", "In capitals.", "{{ 'abc' | upper }}", "ABC", {}),
    ("text", "lower(text)", "In small letters.", "{{ 'ABC' | lower }}", "abc", {}),
    ("text", "title(text)", "Each word with a capital.", "{{ 'new chat' | title }}", "New Chat", {}),
    ("text", "capitalize(text)", "The first letter as a capital.", "{{ 'new chat' | capitalize }}", "New chat", {}),
    ("text", "truncate(text, length, killwords?, end?)", "Cut to a length.", "{{ 'a long message' | truncate(9, true, '...', 0) }}", "a long...", {}),
    ("text", "wordcount(text)", "How many words.", "{{ 'a long message' | wordcount }}", 3, {}),
    ("text", "urlencode(value)", "Text or pairs, safe inside an address.", "{{ {'a': 'b c'} | urlencode }}", "a=b+c", {}),
    ("text", "filesizeformat(bytes)", "A size for people.", "{{ 12000 | filesizeformat }}", "12.0 kB", {}),
    ("text", "indent(text, width)", "Every further line moved in.", "{{ 'a\nb' | indent(2) }}", "a\n  b", {"cheap": False}),
    ("text", "center(text, width)", "In the middle of a width.", "{{ 'a' | center(3) }}", " a ", {"cheap": False}),
    ("text", "wordwrap(text, width)", "Broken into lines.", "{{ 'aaa bbb' | wordwrap(3) }}", "aaa\nbbb", {"cheap": False}),
    ("text", "format(text, value, ...)", "Values put at the %s of a text.", "{{ '%s of %s' | format(1, 2) }}", "1 of 2", {"cheap": False}),
    ("numbers", "round(number, digits?, method?)", "Rounded.", "{{ 2.345 | round(1) }}", 2.3, {}),
    ("numbers", "abs(number)", "Without its sign.", "{{ -3 | abs }}", 3, {}),
)  # fmt: skip

for family, signature, about, example, result, more in _KEPT:
    table = {"lists": LISTS, "text": TEXT, "numbers": NUMBERS}[family]
    call = JINJA[signature.split("(")[0]]
    table.add(signature, about, example, result, is_function=False, **more)(call)


@NUMBERS.add("sum(list, attribute=name)", "All numbers of a list together.", "{{ [1, 2, 3.5] | sum }}", 6.5)
@pass_environment
def total(environment: Environment, items: Iterable[Json], attribute: str | None = None) -> Json:
    field = make_attrgetter(environment, attribute) if attribute else None
    result: Json = 0
    for item in items:
        result = arithmetic("+", result, number(field(item) if field else item))
    return result


@LISTS.add("attr(object, field)", "A field whose name is computed.", "{{ {'a': 1} | attr('a') }}", 1, is_function=False)
@pass_environment
def field_of(environment: Environment, subject: Any, name: str) -> Any:
    return environment.getattr(subject, text_of(name))


@LISTS.add("dict(name=value, ...)", "An object.", "{{ dict(a=1) }}", {"a": 1}, is_filter=False)
def new_object(*pairs: Any, **fields: Json) -> dict[str, Json]:
    return {**dict(*pairs), **fields}


@LISTS.add(
    "range(from, to, step?)",
    "Whole numbers, `to` excluded.",
    "{{ range(1, 4) }}",
    [1, 2, 3],
    is_filter=False,
    cheap=False,
)
def numbers_from(*bounds: int) -> range:
    found = range(*bounds)
    sized(len(found) * 2)
    return found


def safe_text_methods() -> dict[str, Any]:
    """The methods of text that templates may call: those whose result is no larger than what they are given."""
    plain = (
        "upper lower title capitalize casefold swapcase strip lstrip rstrip split rsplit splitlines partition rpartition "
        "startswith endswith find rfind index rindex count removeprefix removesuffix isdigit isdecimal isnumeric isalpha "
        "isalnum isspace islower isupper"
    )
    return {name: getattr(str, name) for name in plain.split()}


def joined(separator: str, items: Iterable[Json]) -> str:
    """`separator.join(items)`, measured first."""
    texts = [text_of(item) for item in items]
    sized(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)
