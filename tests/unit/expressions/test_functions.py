"""Every function does what its documented example says; those who know Power Automate find its names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowengine.errors import ExpressionError
from flowengine.expressions.functions import ALL, DRAWN, FILTERS, FOREIGN, FUNCTIONS
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.expressions.functions.reference import as_markdown
from flowengine.expressions.functions.table import Function
from flowengine.expressions.render import render_now
from flowengine.expressions.values import Escalate

MOMENT = datetime(2026, 3, 15, 13, 27, 36, 123456, tzinfo=UTC)
POWER_AUTOMATE = [
    "concat",
    "substring",
    "slice",
    "replace",
    "split",
    "join",
    "toLower",
    "toUpper",
    "trim",
    "indexOf",
    "lastIndexOf",
    "nthIndexOf",
    "startsWith",
    "endsWith",
    "contains",
    "length",
    "guid",
    "formatNumber",
    "isInt",
    "isFloat",
    "string",
    "json",
    "array",
    "createArray",
    "int",
    "float",
    "bool",
    "base64",
    "base64ToString",
    "decodeBase64",
    "dataUri",
    "dataUriToString",
    "uriComponent",
    "uriComponentToString",
    "encodeUriComponent",
    "decodeUriComponent",
    "uriHost",
    "uriPath",
    "uriQuery",
    "coalesce",
    "empty",
    "first",
    "last",
    "skip",
    "take",
    "union",
    "intersection",
    "reverse",
    "sort",
    "chunk",
    "min",
    "max",
    "rand",
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "if",
    "and",
    "or",
    "equals",
    "greater",
    "greaterOrEquals",
    "less",
    "lessOrEquals",
    "utcNow",
    "addDays",
    "addHours",
    "addMinutes",
    "addSeconds",
    "addToTime",
    "subtractFromTime",
    "getFutureTime",
    "getPastTime",
    "formatDateTime",
    "convertTimeZone",
    "convertFromUtc",
    "convertToUtc",
    "parseDateTime",
    "startOfDay",
    "startOfHour",
    "startOfMonth",
    "dayOfWeek",
    "dayOfMonth",
    "dayOfYear",
    "dateDifference",
    "ticks",
    "setProperty",
    "addProperty",
    "removeProperty",
]


def value(template: str, **scope: object) -> object:
    return render_now(template, {SEED: seed(MOMENT, "run1/first"), **scope})


@pytest.mark.parametrize("function", ALL, ids=lambda function: f"{function.family}-{function.name}")
def test_the_example_gives_what_it_says(function: Function) -> None:
    assert value(function.example, **function.scope) == function.result
    assert function.name in function.signature
    assert function.about.endswith(".")


@pytest.mark.parametrize("function", [each for each in ALL if not each.cheap], ids=lambda function: function.name)
def test_what_may_grow_is_not_done_inside_the_process(function: Function) -> None:
    with pytest.raises(Escalate):
        render_now(function.example, function.scope, guarded=True)


def test_power_automates_functions_are_there_by_name() -> None:
    assert set(POWER_AUTOMATE) <= FUNCTIONS.keys()
    assert not FOREIGN.keys() & FUNCTIONS.keys()
    assert {"now", "today", "uuid", "guid", "utcNow", "rand"} <= DRAWN
    assert {"default", "map", "rejectattr", "formatDateTime"} <= FILTERS.keys()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-ddTHH:mm:ss.fffffffK", "2026-03-05T04:07:09.0123450Z"),
        ("d", "3/5/2026"),
        ("D", "Thursday, March 5, 2026"),
        ("g", "3/5/2026 4:07 AM"),
        ("r", "Thu, 05 Mar 2026 04:07:09 GMT"),
        ("u", "2026-03-05 04:07:09Z"),
        ("ddd d MMM yy", "Thu 5 Mar 26"),
        ("h:mm tt 'o''clock'", "4:07 AM oclock"),
        (r"HH\h mm\m", "04h 07m"),
        ("%d", "5"),
        ("zzz zz z", "+00:00 +00 +0"),
        ("FFF|y|gg", "012|26|A.D."),
        ("'never ends", "'never en59"),
    ],
)
def test_dates_are_written_in_dot_nets_formats(pattern: str, text: str) -> None:
    assert value("{{ formatDateTime('2026-03-05T04:07:09.012345Z', pattern) }}", pattern=pattern) == text


@pytest.mark.parametrize(
    ("number", "pattern", "text"),
    [
        (1234.5, "C2", "$1,234.50"),
        (-1234.5, "C0", "-$1,235"),
        (0.256, "P1", "25.6%"),
        (42, "D5", "00042"),
        (255, "X4", "00FF"),
        ("1234.567", "F1", "1234.6"),
        (12345.6, "E2", "1.23E+4"),
        (1234567, "#,##0.00", "1,234,567.00"),
        (3.5, "0.0##", "3.5"),
        (0.5, "#.##", ".5"),
        (-7, "000 kg", "-007 kg"),
        (0.25, "0%", "25%"),
        (12.50, "G", "12.5"),
    ],
)
def test_numbers_are_written_in_dot_nets_formats(number: object, pattern: str, text: str) -> None:
    assert value("{{ formatNumber(number, pattern) }}", number=number, pattern=pattern) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ addDays('tomorrow', 1) }}", "not a moment"),
        ("{{ addDays('2026-01-01', 'x') }}", "number of units"),
        ("{{ addDays('9999-12-31', 2) }}", "years 1 to 9999"),
        ("{{ addToTime('2026-01-01', 99999, 'year') }}", "years 1 to 9999"),
        ("{{ addToTime('2026-01-01', 1, 'mounth') }}", 'did you mean "month"'),
        ("{{ addDays('2026-01-01') }}", "it is written addDays(moment, days, format?)"),
        ("{{ formatDateTime('2026-01-01', 'Q') }}", "no date format"),
        ("{{ formatDateTime('2026-01-01', 'd', 'de-DE') }}", "English only"),
        ("{{ convertFromUtc('2026-01-01', 'Europe/Berln') }}", 'did you mean "Europe/Berlin"'),
        ("{{ int('a') }}", "not a whole number"),
        ("{{ float('x') }}", "not a number"),
        ("{{ add(1, true) }}", "not a number"),
        ("{{ div(1, 0) }}", "division by zero"),
        ("{{ min([]) }}", "empty"),
        ("{{ rand(3, 3) }}", "must be more than"),
        ("{{ formatNumber(1, 'abc') }}", "not a number format"),
        ("{{ formatNumber(1, 'N2', 'de-DE') }}", "English way"),
        ("{{ json('{') }}", "not JSON"),
        ("{{ base64ToString('%') }}", "not text in base64"),
        ("{{ dataUriToString('x') }}", "not a data: address"),
        ("{{ substring('abc', 9) }}", "outside the text"),
        ("{{ substring('abc', 1, 9) }}", "write take(text, 9) or text[1:10] for at most so many"),
        ("{{ guid('Z') }}", "there is: N, D, B, P"),
        ("{{ addDays('2026-01-01', 10 ** 12) }}", "a number is too large for addDays"),
        ("{{ formatDateTime('13/31/2018') }}", "is not a moment"),
        ("{{ sort([1, 'a']) }}", "no order"),
        ("{{ sort([{}], 'a') }}", 'has no "a"'),
        ("{{ chunk([1], 0) }}", "1 or more"),
        ("{{ addProperty({'a': 1}, 'a', 2) }}", "already"),
        ("{{ keys([1]) }}", "an object is expected"),
        ("{{ join(none) }}", "a list is expected"),
        ("{{ bool('maybe') }}", "neither true nor false"),
        ("{{ if(1, 2, 3) }}", "true or false is expected"),
        ("{{ less('a', 1) }}", "cannot be compared"),
        ("{{ contains(1, 2) }}", "cannot hold anything"),
        ("{{ isMatch('a', '(') }}", "not a regular expression"),
    ],
)
def test_misuse_is_told_in_words(template: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(template)
    assert message in caught.value.message


def test_a_draw_is_the_same_again_and_different_elsewhere() -> None:
    def draw(key: str) -> object:
        return render_now(
            ["{{ uuid() }}", "{{ guid() ~ uuid() }}", "{{ rand(0, 1000000000) }}"], {SEED: seed(MOMENT, key)}
        )

    assert draw("run1/a") == draw("run1/a")
    assert draw("run1/a") != draw("run1/b")
    first, both, _ = draw("run1/a")  # type: ignore[misc]
    assert len({first, both[:36], both[36:]}) == 3


def test_the_reference_page_has_them_all() -> None:
    page = as_markdown()
    assert all(f"{function.name}(" in page for function in ALL)
    assert r"`value \| map(list, attribute=name)`" in page


def test_the_page_in_docs_is_the_one_that_is_made() -> None:
    page = Path(__file__).parents[3] / "docs" / "functions.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), (
        "python -m flowengine.expressions.functions.reference > docs/functions.md"
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ formatDateTime('03/15/2018') }}", "2018-03-15T00:00:00.0000000Z"),
        ("{{ formatDateTime('3/5/2018 1:02 PM', 's') }}", "2018-03-05T13:02:00"),
        ("{{ formatDateTime('3/5/2018 12:00:01 am', 's') }}", "2018-03-05T00:00:01"),
        ("{{ convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time') }}", "2018-01-01T08:00:00.0000000Z"),
        ("{{ guid('B') | length }} {{ guid('P')[0] }} {{ guid('n') | length }}", "38 ( 32"),
        ("{{ uriPort('https://example.com') }} {{ uriPort('ftp://example.com') }}", "443 0"),
        ("{{ float('10,000.333') }}", 10000.333),
    ],
)
def test_what_power_automate_reads_and_writes(template: str, expected: object) -> None:
    assert value(template) == expected


def test_zones() -> None:
    assert value("{{ now('Europe/Berlin') }}") == "2026-03-15T14:27:36+01:00"
    assert value("{{ today('Pacific/Auckland') }}") == "2026-03-16"
    assert value("{{ parseDateTime('2026-07-01T09:00:00', 'Europe/Berlin') }}") == "2026-07-01T07:00:00.0000000Z"


def test_more_of_lists_and_text() -> None:
    assert value("{{ first('abc') ~ last('abc') ~ take('abc', 2) ~ skip('abc', 2) ~ reverse('abc') }}") == "acabccba"
    assert value("{{ union({'a': 1}, {'b': 2}) }}") == {"a": 1, "b": 2}
    assert value("{{ union([1, 2, 1], ['x' * 200, 'x' * 199 ~ 'y']) | length }}") == 4
    assert value("{{ union([3, 1], [2, 3]) }}") == [3, 1, 2]
    assert value("{{ intersection(['1', 1, true], [1]) }}") == [1]
    assert value("{{ sort([{'n': 'b'}, {'n': 'A'}], 'n') | map(attribute='n') }}") == ["A", "b"]
    assert value("{{ trim('xaxx', 'x') ~ nthIndexOf('a', 'b', 3) }}") == "a-1"
    assert value("{{ int('x', 7) + int(true) }}") == 8
    assert value("{{ div(-7, 2) }}") == -3
    assert value("{{ secondsBetween('2026-01-01', '2026-01-01T00:00:00.5Z') }}") == 0.5
    assert value("{{ dateDifference('2026-01-02', '2026-01-01T12:00:00Z') }}") == "-12:00:00"
    assert value("{{ [{'n': 1}, {'n': '2.5'}] | sum(attribute='n') }}") == 3.5
