"""What the functions of templates take and give, as far as that can be said before anything runs."""

from __future__ import annotations

import inspect
from functools import lru_cache

from flowengine.expressions.functions import FILTERS, FUNCTIONS
from flowengine.lint.shapes import BOOLEAN, MOMENT, NUMBER, TEXT, UNKNOWN, Shape, list_of

_GIVES: dict[str, Shape] = {
    **dict.fromkeys(
        [
            "upper",
            "lower",
            "title",
            "capitalize",
            "toLower",
            "toUpper",
            "trim",
            "truncate",
            "join",
            "concat",
            "replace",
            "replaceAll",
            "substring",
            "string",
            "stripHtml",
            "striptags",
            "urlencode",
            "uriComponent",
            "encodeUriComponent",
            "decodeUriComponent",
            "uriComponentToString",
            "base64",
            "decodeBase64",
            "base64ToString",
            "dataUri",
            "dataUriToString",
            "tojson",
            "format",
            "formatNumber",
            "formatDateTime",
            "filesizeformat",
            "indent",
            "center",
            "wordwrap",
            "uriHost",
            "uriPath",
            "uriQuery",
            "guid",
            "uuid",
            "escape",
            "e",
            "today",
        ],
        TEXT,
    ),
    **dict.fromkeys(
        [
            "now",
            "utcNow",
            "addDays",
            "addHours",
            "addMinutes",
            "addSeconds",
            "addToTime",
            "subtractFromTime",
            "getFutureTime",
            "getPastTime",
            "startOfDay",
            "startOfHour",
            "startOfMonth",
            "convertFromUtc",
            "convertTimeZone",
            "convertToUtc",
            "parseDateTime",
            "fromEpoch",
        ],
        MOMENT,
    ),
    **dict.fromkeys(
        [
            "length",
            "count",
            "wordcount",
            "int",
            "float",
            "abs",
            "round",
            "sum",
            "indexOf",
            "lastIndexOf",
            "nthIndexOf",
            "dayOfMonth",
            "dayOfWeek",
            "dayOfYear",
            "ticks",
            "toEpoch",
            "secondsBetween",
            "add",
            "sub",
            "mul",
            "div",
            "mod",
            "rand",
        ],
        NUMBER,
    ),
    **dict.fromkeys(
        [
            "contains",
            "startsWith",
            "endsWith",
            "empty",
            "equals",
            "greater",
            "greaterOrEquals",
            "less",
            "lessOrEquals",
            "and",
            "or",
            "bool",
            "isFloat",
            "isInt",
            "isMatch",
        ],
        BOOLEAN,
    ),
    **dict.fromkeys(("split", "findAll", "keys"), list_of(TEXT)),
    **dict.fromkeys(("createArray", "array", "batch", "chunk", "slice", "items", "dictsort"), list_of(UNKNOWN)),
    "range": list_of(NUMBER),
}
_OF_ITEM = frozenset({"first", "last"})
"""They give an item of the list; a letter of a text."""
_OF_LIST = frozenset(
    [
        "sort",
        "unique",
        "select",
        "reject",
        "selectattr",
        "rejectattr",
        "reverse",
        "skip",
        "take",
        "list",
        "union",
        "intersection",
    ]
)
"""They give a list of the same items."""
_LIST_ONLY = frozenset(
    ["map", "select", "reject", "selectattr", "rejectattr", "groupby", "sum", "batch", "chunk", "union", "intersection"]
)
_TEXT_ONLY = frozenset(
    [
        "upper",
        "lower",
        "title",
        "capitalize",
        "toLower",
        "toUpper",
        "trim",
        "truncate",
        "split",
        "startsWith",
        "endsWith",
        "indent",
        "wordwrap",
        "wordcount",
        "stripHtml",
    ]
)


def gives(name: str, subject: Shape) -> Shape:
    """The shape of what a function or filter gives for its first value."""
    settled = subject.settled()
    if name in _OF_ITEM:
        return (settled.item or UNKNOWN) if settled.type == "array" else UNKNOWN
    if name in _OF_LIST:
        return list_of(settled.item or UNKNOWN) if settled.type == "array" else UNKNOWN
    return _GIVES.get(name, UNKNOWN)


def unfit(name: str, subject: Shape) -> str | None:
    """What a filter works on, in words, when its subject is known to be something else."""
    kind = subject.settled().type
    if name in _LIST_ONLY and kind in ("number", "integer", "boolean", "string"):
        return "a list"
    if name in _TEXT_ONLY and kind in ("array", "object"):
        return "a text"
    return None


def misused(name: str, count: int, named: tuple[str, ...], *, as_filter: bool) -> str | None:
    """How a function is written, when it cannot take so many values; None when it can, or is not known.

    `count` are the values without names, the one before the bar included.
    """
    table = FILTERS if as_filter else FUNCTIONS
    return (
        None
        if name not in table or _takes(name, as_filter, count, named)
        else _written(table[name].signature, as_filter)
    )


def _written(signature: str, as_filter: bool) -> str:
    return f"{{{{ ... | {_behind_bar(signature)} }}}}, or {signature}" if as_filter else signature


@lru_cache(maxsize=1024)
def _takes(name: str, as_filter: bool, count: int, named: tuple[str, ...]) -> bool:
    call = inspect.unwrap((FILTERS if as_filter else FUNCTIONS)[name].call)
    given = 1 if hasattr(call, "jinja_pass_arg") else 0
    try:
        inspect.signature(call).bind(*[None] * (count + given), **dict.fromkeys(named))
    except TypeError:
        return False
    except ValueError:  # a builtin that does not tell
        return True
    return True


def _behind_bar(signature: str) -> str:
    """`replace(text, old, new)` as it is written behind a bar: `replace(old, new)`."""
    name, _, inside = signature.partition("(")
    _, _, rest = inside.partition(", ")
    return f"{name}({rest}" if rest else name
