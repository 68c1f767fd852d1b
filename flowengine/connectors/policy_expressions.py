"""The small expression language of connector policies, such as `Bearer @headers('Authorization')`.

It is not the language of flows. Expressions stand anywhere in a text, mostly without braces; names are read in any case:

- `@connectionParameters('name'[, 'default'])`, `@headers('name')`, `@queryParameters('name')`: always text, so that what
  follows is text again, as in `https://@connectionParameters('tenant').example.com`
- `@body().a['b'][0]`, `@item()`, `@triggerBody()`: data, with accessors
- `@Request.OriginalHTTPMethod`
- `@{...}` around any of these; and `{@body().x}` inside a text that stands for JSON
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from flowengine.types import Json

Accessors: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One expression: the function's name in lower case, its text arguments, and the accessors after it."""

    function: str
    arguments: tuple[str, ...]
    accessors: Accessors


Part: TypeAlias = str | Call


def _nothing(_name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """What expressions see. The look-ups give None for what there is not."""

    connection_parameter: Callable[[str], str | None] = _nothing
    header: Callable[[str], str | None] = _nothing
    query_parameter: Callable[[str], str | None] = _nothing
    body: Json = None
    item: Json = None
    trigger_body: Json = None
    method: str = ""


_TEXT_FUNCTIONS = ("connectionparameters", "headers", "queryparameters")
_PLURALS = {
    "header": "headers",
    "queryparameter": "queryparameters",
    "connectionparameter": "connectionparameters",
}
"""Microsoft's own page on the host's template writes `@header('name')`."""
_DATA_FUNCTIONS = ("body", "item", "triggerbody")
_NAMES = "|".join((*_TEXT_FUNCTIONS, *_DATA_FUNCTIONS, "header", "queryparameter", "connectionparameter"))
_START = re.compile(
    rf"@?\{{@?(?=(?:{_NAMES})\(|request\.)|@(?=(?:{_NAMES})\(|request\.)",
    re.IGNORECASE,
)
_HEAD = re.compile(
    rf"(?P<request>request\.originalhttpmethod)|(?P<name>{_NAMES})\(\s*(?P<arguments>(?:(?:'[^']*'|\"[^\"]*\")\s*,?\s*)*)\)",
    re.IGNORECASE,
)
_BARE = re.compile(r"^@(body|item)(?=[.\[]|$)", re.IGNORECASE)
_ARGUMENT = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_ACCESSOR = re.compile(r"\??\.(?P<name>[A-Za-z_$@][\w$@]*)|\??\[\s*'(?P<key>[^']*)'\s*\]|\??\[\s*(?P<index>\d+)\s*\]")


@lru_cache(maxsize=2048)
def parse(text: str) -> tuple[Part, ...]:
    """The text's literal parts and calls, in order. What is not an expression stays literal."""
    parts: list[Part] = []
    literal = position = 0
    while found := _START.search(text, position):
        head = _HEAD.match(text, found.end())
        if head is None:
            position = found.end()
            continue
        call, end = _read_call(text, head)
        if "{" in found.group():
            if not text.startswith("}", end):
                position = found.end()
                continue
            end += 1
        if text[literal : found.start()]:
            parts.append(text[literal : found.start()])
        parts.append(call)
        literal = position = end
    if text[literal:]:
        parts.append(text[literal:])
    return tuple(parts)


def _read_call(text: str, head: re.Match[str]) -> tuple[Call, int]:
    if head["request"]:
        return Call("request", (), ()), head.end()
    function = _PLURALS.get(head["name"].lower(), head["name"].lower())
    arguments = tuple(single or double for single, double in _ARGUMENT.findall(head["arguments"]))
    # A text has no fields: after `@headers('Tenant')`, `.example.com` belongs to the address.
    if function in _TEXT_FUNCTIONS and arguments:
        return Call(function, arguments, ()), head.end()
    accessors: list[str | int] = []
    end = head.end()
    while found := _ACCESSOR.match(text, end):
        index = found["index"]
        accessors.append(int(index) if index is not None else found["name"] or found["key"])
        end = found.end()
    return Call(function, arguments, tuple(accessors)), end


def evaluate(text: str, context: Context) -> Json:
    """The text's value: a lone expression keeps its type, anything else becomes text with missing values left out."""
    parts = parse(text)
    if len(parts) == 1 and isinstance(parts[0], Call):
        return call(parts[0], context)
    return "".join(part if isinstance(part, str) else as_text(call(part, context)) for part in parts)


def evaluate_text(text: str, context: Context) -> str:
    """As `evaluate`, always text."""
    return as_text(evaluate(text, context))


def evaluate_json(text: str, context: Context) -> Json:
    """A text that stands for a list or an object with expressions in it, such as `[{@body().gifts}]`; else text."""
    parts = parse(text)
    if len(parts) == 1 and isinstance(parts[0], Call):
        return call(parts[0], context)
    if text.lstrip()[:1] not in ("[", "{"):
        return evaluate_text(text, context)
    joined = "".join(part if isinstance(part, str) else _json_of(call(part, context)) for part in parts)
    try:
        return json.loads(joined)
    except ValueError:
        return evaluate_text(text, context)


def _json_of(value: Json) -> str:
    """What is not there leaves nothing behind: `[{@body().gifts}]` is then an empty list."""
    return "" if value is None else json.dumps(value)


def call(part: Call, context: Context) -> Json:
    """The value of one expression; None when there is none."""
    first = part.arguments[0] if part.arguments else ""
    match part.function:
        case "connectionparameters":
            return _or_default(context.connection_parameter(first), part)
        case "headers":
            return _or_default(context.header(first or str(part.accessors[0] if part.accessors else "")), part)
        case "queryparameters":
            return _or_default(context.query_parameter(first or str(part.accessors[0] if part.accessors else "")), part)
        case "body":
            return pick(context.body, part.accessors)
        case "item":
            return pick(context.item, part.accessors)
        case "triggerbody":
            return pick(context.trigger_body, part.accessors)
        case _:
            return context.method


def accessors_of(text: str) -> Accessors | None:
    """Where in the body a policy points, such as `@body().gift.payments` or `body()`; None when it points elsewhere."""
    text = _BARE.sub(r"@\1()", text if text.startswith(("@", "{")) else f"@{text}")
    parts = parse(text)
    if len(parts) == 1 and isinstance(parts[0], Call) and parts[0].function in ("body", "item"):
        return parts[0].accessors
    return None


def pick(value: Json, accessors: Accessors) -> Json:
    """What stands at `accessors` in `value`; None when nothing does."""
    for accessor in accessors:
        match value, accessor:
            case dict(), str() if accessor in value:
                value = value[accessor]
            case list(), int() if accessor < len(value):
                value = value[accessor]
            case _:
                return None
    return value


def as_text(value: Json) -> str:
    """A value as policies put it into a text."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _or_default(value: str | None, part: Call) -> str | None:
    if value is not None:
        return value
    return part.arguments[1] if len(part.arguments) > 1 else None
