"""Text: Power Automate's string functions, encodings, and addresses. Positions count from 0."""

from __future__ import annotations

import base64 as b64
import binascii
import html
import re
from urllib.parse import quote, unquote, urlsplit

from jinja2 import pass_context
from jinja2.runtime import Context

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.draw import drawn
from flowengine.expressions.functions.table import Table
from flowengine.expressions.values import json_text, plain, shown, sized, text_of
from flowengine.types import Json

TABLE = Table("text")
add = TABLE.add


@add("concat(a, b, ...)", "Values joined to one text.", "{{ concat('Ticket ', 7) }}", "Ticket 7", is_filter=False)
def concat(*values: Json) -> str:
    texts = [text_of(value) for value in values]
    sized(sum(map(len, texts)))
    return "".join(texts)


@add("substring(text, start, length?)", "A part of a text.", "{{ substring('refund', 2, 3) }}", "fun")
def substring(value: str, start: int, length: int | None = None) -> str:
    text = text_of(value)
    if not 0 <= start <= len(text):
        raise ExpressionError(f"position {start} is outside the text, which has {len(text)} characters")
    if length is None:
        return text[start:]
    if not 0 <= length <= len(text) - start:
        raise ExpressionError(
            f"from position {start} on the text has {len(text) - start} characters, not {length};"
            f" write take(text, {max(length, 0)}) or text[{start}:{start + max(length, 0)}] for at most so many"
        )
    return text[start : start + length]


@add(
    "slice(text, start, end?)",
    "A part of a text; negative positions count from its end.",
    "{{ slice('refund', -4) }}",
    "fund",
    is_filter=False,
)
def slice_text(value: str, start: int, end: int | None = None) -> str:
    return text_of(value)[start:end]


@add(
    "replace(text, old, new)",
    "A text with every `old` put as `new`.",
    "{{ 'a-b-c' | replace('-', '+') }}",
    "a+b+c",
)
def replace(value: Json, old: str, new: str, count: int | None = None) -> str:
    text, old, new = text_of(value), text_of(old), text_of(new)
    sized(len(text) + text.count(old) * len(new))
    return text.replace(old, new, -1 if count is None else count)


@add("split(text, separator?)", "The parts of a text.", "{{ split('a;b;c', ';') }}", ["a", "b", "c"])
def split(value: str, separator: str | None = None) -> list[str]:
    return text_of(value).split(separator or None)


@add("toLower(text)", "In small letters.", "{{ toLower('LiveChat') }}", "livechat")
def to_lower(value: str) -> str:
    return text_of(value).lower()


@add("toUpper(text)", "In capitals.", "{{ toUpper('LiveChat') }}", "LIVECHAT")
def to_upper(value: str) -> str:
    return text_of(value).upper()


@add("trim(text, characters?)", "Without blanks at both ends.", "{{ trim('  hello ') }}", "hello")
def trim(value: str, chars: str | None = None) -> str:
    return text_of(value).strip(chars)


@add(
    "indexOf(text, part)", "Where a part begins, or -1; letter case does not count.", "{{ indexOf('Refund', 'F') }}", 2
)
def index_of(value: str, part: str) -> int:
    return text_of(value).lower().find(text_of(part).lower())


@add("lastIndexOf(text, part)", "Where a part begins last, or -1.", "{{ lastIndexOf('a.b.c', '.') }}", 3)
def last_index_of(value: str, part: str) -> int:
    return text_of(value).lower().rfind(text_of(part).lower())


@add(
    "nthIndexOf(text, part, n)",
    "Where a part begins for the n-th time, or -1.",
    "{{ nthIndexOf('a.b.c', '.', 2) }}",
    3,
)
def nth_index_of(value: str, part: str, nth: int) -> int:
    text, wanted, at = text_of(value).lower(), text_of(part).lower(), -1
    for _ in range(min(max(nth, 1), len(text) + 1)):
        at = text.find(wanted, at + 1)
        if at < 0:
            break
    return at


@add(
    "startsWith(text, part)",
    "Whether a text begins so; letter case does not count.",
    "{{ startsWith('Refund', 're') }}",
    True,
)
def starts_with(value: str, part: str) -> bool:
    return text_of(value).lower().startswith(text_of(part).lower())


@add(
    "endsWith(text, part)",
    "Whether a text ends so; letter case does not count.",
    "{{ endsWith('a.PDF', '.pdf') }}",
    True,
)
def ends_with(value: str, part: str) -> bool:
    return text_of(value).lower().endswith(text_of(part).lower())


@add("string(value)", "Any value as text; lists and objects as JSON.", "{{ string([1, 2]) }}", "[1,2]")
def string(value: Json) -> str:
    return text_of(value)


@add("json(text)", "The value that a JSON text holds.", """{{ json('{"a": 1}').a }}""", 1)
def json(value: Json) -> Json:
    import orjson

    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ExpressionError(f"{shown(value)} is not JSON: {error}") from None


@add("tojson(value, indent?)", "A value as JSON text.", "{{ {'a': [true, none]} | tojson }}", '{"a":[true,null]}')
def tojson(value: Json, indent: int | None = None) -> str:
    return json_text(plain(value), None if indent is None else min(max(indent, 0), 16))


@add("base64(text)", "Text in base64.", "{{ base64('hello') }}", "aGVsbG8=")
def base64(value: str) -> str:
    return b64.b64encode(text_of(value).encode()).decode()


@add("base64ToString(text)", "The text that base64 holds.", "{{ base64ToString('aGVsbG8=') }}", "hello")
@add("decodeBase64(text)", "The same, by its older name.", "{{ decodeBase64('aGVsbG8=') }}", "hello")
def base64_to_string(value: str) -> str:
    try:
        return b64.b64decode(text_of(value), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ExpressionError(f"{shown(value)} is not text in base64") from None


@add(
    "dataUri(text)",
    "A data: address that holds a text.",
    "{{ dataUri('hi') }}",
    "data:text/plain;charset=utf-8;base64,aGk=",
)
def data_uri(value: str) -> str:
    return f"data:text/plain;charset=utf-8;base64,{base64(value)}"


@add(
    "dataUriToString(address)",
    "The text that a data: address holds.",
    "{{ dataUriToString('data:text/plain;base64,aGk=') }}",
    "hi",
)
def data_uri_to_string(value: str) -> str:
    head, comma, data = text_of(value).partition(",")
    if not head.startswith("data:") or not comma:
        raise ExpressionError(f"{shown(value)} is not a data: address")
    return base64_to_string(data) if head.endswith(";base64") else unquote(data)


@add("uriComponent(text)", "A text safe inside an address.", "{{ uriComponent('a b&c') }}", "a%20b%26c")
@add("encodeUriComponent(text)", "The same, by its other name.", "{{ encodeUriComponent('ü') }}", "%C3%BC")
def uri_component(value: str) -> str:
    return quote(text_of(value).encode("utf-8", "replace"), safe="!'()*-._~")


@add(
    "uriComponentToString(text)",
    "The text that was made safe for an address.",
    "{{ uriComponentToString('a%20b') }}",
    "a b",
)
@add("decodeUriComponent(text)", "The same, by its other name.", "{{ decodeUriComponent('a%20b') }}", "a b")
def uri_component_to_string(value: str) -> str:
    return unquote(text_of(value))


@add("uriHost(address)", "An address's host.", "{{ uriHost('https://example.com:8080/a?b=1') }}", "example.com")
def uri_host(value: str) -> str:
    return urlsplit(text_of(value)).hostname or ""


@add("uriPath(address)", "An address's path.", "{{ uriPath('https://example.com/a/b?c=1') }}", "/a/b")
def uri_path(value: str) -> str:
    return urlsplit(text_of(value)).path


@add("uriPort(address)", "An address's port.", "{{ uriPort('https://example.com:8080/a') }}", 8080)
def uri_port(value: str) -> int:
    parts = urlsplit(text_of(value))
    try:
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        raise ExpressionError(f"{shown(value)} has no port that can be one") from None


@add("uriScheme(address)", "An address's first part.", "{{ uriScheme('https://example.com/a') }}", "https")
def uri_scheme(value: str) -> str:
    return urlsplit(text_of(value)).scheme


@add("uriPathAndQuery(address)", "Its path and query.", "{{ uriPathAndQuery('https://example.com/a?b=1') }}", "/a?b=1")
def uri_path_and_query(value: str) -> str:
    return uri_path(value) + uri_query(value)


@add("uriQuery(address)", "An address's query, with its ?.", "{{ uriQuery('https://example.com/a?b=1') }}", "?b=1")
def uri_query(value: str) -> str:
    query = urlsplit(text_of(value)).query
    return f"?{query}" if query else ""


@add("escape(text)", "A text safe inside HTML.", "{{ '<b>' | escape }}", "&lt;b&gt;")
@add("e(text)", "The same, short.", "{{ 'a & b' | e }}", "a &amp; b", is_function=False)
def escape(value: str) -> str:
    return html.escape(text_of(value))


@add("stripHtml(text)", "A text without HTML tags.", "{{ '<p>Hi <b>you</b></p>' | stripHtml }}", "Hi you")
@add("striptags(text)", "The same, by Jinja's name.", "{{ '<i>Hi</i>' | striptags }}", "Hi", is_function=False)
def strip_html(value: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", text_of(value))).split())


@add(
    "isMatch(text, pattern, matchCase?)",
    "Whether a regular expression is found in a text.",
    "{{ isMatch('Order 1234', 'order [0-9]+') }}",
    True,
    cheap=False,
)
def is_match(value: str, pattern: str, match_case: bool = False) -> bool:
    return compiled_pattern(pattern, match_case=match_case).search(text_of(value)) is not None


@add(
    "findAll(text, pattern)",
    "Everything in a text that a regular expression finds.",
    "{{ findAll('#12 and #34', '#[0-9]+') }}",
    ["#12", "#34"],
    cheap=False,
)
def find_all(value: str, pattern: str) -> list[str]:
    return [found.group() for found in compiled_pattern(pattern, match_case=True).finditer(text_of(value))]


@add(
    "replaceAll(text, pattern, new)",
    "A text with everything that a regular expression finds put as `new`.",
    "{{ replaceAll('call 555 123', '[0-9]', '*') }}",
    "call *** ***",
    cheap=False,
)
def replace_all(value: str, pattern: str, new: str) -> str:
    return compiled_pattern(pattern, match_case=True).sub(lambda _: text_of(new), text_of(value))


@add(
    "guid(format?)",
    "A new identifier, as Power Automate calls it; the format N leaves the hyphens out, B and P add brackets.",
    "{{ guid('N') | length }}",
    32,
    is_filter=False,
    drawn=True,
)
@pass_context
def guid(context: Context, form: str = "D") -> str:
    made = drawn(context).uuid()
    match text_of(form).upper():
        case "D" | "":
            return made
        case "N":
            return made.replace("-", "")
        case "B":
            return f"{{{made}}}"
        case "P":
            return f"({made})"
    raise ExpressionError(f"there is no identifier format {shown(form)}; there is: N, D, B, P")


@add("uuid()", "A new identifier, recorded with the run.", "{{ uuid() | length }}", 36, is_filter=False, drawn=True)
@pass_context
def uuid(context: Context) -> str:
    return drawn(context).uuid()


def compiled_pattern(pattern: str, *, match_case: bool) -> re.Pattern[str]:
    """A regular expression, or an error in words."""
    try:
        return re.compile(text_of(pattern), 0 if match_case else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ExpressionError(f"{shown(pattern)} is not a regular expression: {error}") from None
