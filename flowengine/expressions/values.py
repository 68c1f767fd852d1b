"""Between templates and JSON: how values print inside text, and what a template's result may be."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

import orjson
from jinja2 import Undefined
from jinja2.runtime import Macro

from flowengine.errors import ExpressionError
from flowengine.types import Json

MAX_RESULT = 1_000_000
"""Characters of text, or bytes of JSON, that a template may compute."""

MAX_DEPTH = 64
MAX_SHOWN = 120


class Escalate(Exception):
    """The data is too large to be worked on inside the process: the template goes to the child process."""


def sized(length: float) -> None:
    """Refuse a result before it is made."""
    if length > MAX_RESULT:
        raise ExpressionError("the result would be larger than 1 MB")


def text_of(value: Any) -> str:
    """How a value prints inside text: null as nothing, booleans as `true` and `false`, lists and objects as JSON."""
    match value:
        case str():
            return str(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case Undefined():
            return str(value)  # raises, naming what is missing
        case _:
            return json_text(plain(value))


def json_text(value: Json, indent: int | None = None) -> str:
    """Compact JSON, or indented by that many spaces."""
    try:
        if indent is None:
            return orjson.dumps(value).decode()
    except (TypeError, UnicodeEncodeError):
        pass  # numbers beyond 64 bits and lone surrogates, which orjson refuses
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)


def plain(value: Any, depth: int = 0) -> Json:
    """The JSON value that a computed value stands for: text subclasses, tuples and generators become plain ones.

    Raises `ExpressionError` for what JSON has no word for.
    """
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            if not math.isfinite(value):
                raise ExpressionError("the result is not a finite number")
            return value
        case Undefined():
            return str(value) or None  # raises for what is missing; an `if` without `else` is null
    if depth >= MAX_DEPTH:
        raise ExpressionError(f"the result is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {text_of(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range | Generator | Iterator) or _is_view(value):
        return [plain(item, depth + 1) for item in value]
    raise ExpressionError(f"the result is {kind_of(value)}, not a value")


def _is_view(value: Any) -> bool:
    return isinstance(value, Iterable) and type(value).__name__ in ("dict_keys", "dict_values", "dict_items")


def kind_of(value: Any) -> str:
    """What people call a value of this type."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case Macro():
            return "a macro"
        case _ if callable(value):
            return "a function (write its name with parentheses)"
        case _:
            return f"a {type(value).__name__}"


def shown(value: Any) -> str:
    """A value as messages quote it: JSON, cut when long."""
    try:
        text = json_text(plain(value))
    except (ExpressionError, TypeError, ValueError):
        text = str(type(value).__name__)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
