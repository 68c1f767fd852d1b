"""Where a cursor stands in a flow that is being written, and often cannot be read as it is.

A mark is put in the place of the word at the cursor, so that the file can be read again; where the mark is found is where the
cursor stands. When something further down is broken, the file is read up to the cursor's line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flowengine.spec.flow import Flow
from flowengine.spec.load import read_partly
from flowengine.spec.places import value_at
from flowengine.spec.source import Location, Source, read_source
from flowengine.types import Json

MARK = "here__"
_WORD = re.compile(r"[\w.$/-]*\Z")
_REST = re.compile(r"[\w.$/-]*")
_KEY_PLACE = re.compile(r"\s*(?:- +)*-?\s*")
_IN_FLOW = re.compile(r"[{,]\s*\Z")
_VALUE_PLACE = re.compile(r"(?::\s+|\[\s*|,\s*|- +)([\"']?)\Z")


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is being written at the cursor."""

    kind: Literal["key", "value", "template"]
    loc: Location
    """Of a key: the mapping it belongs to. Else: the value."""
    typed: str
    """What stands before the cursor: of the word, or of the template from its braces on."""
    source: Source
    """The file with the mark in it."""
    flow: Flow | None

    def at(self, loc: Location) -> Json:
        """The value at a place; None when there is none."""
        return value_at(self.source.data, loc)


def cursor_at(text: str, offset: int, file: str) -> Cursor | None:
    """The cursor at an offset of the text; None where nothing can be said."""
    lines = text[:offset]
    start = lines.rfind("\n") + 1
    end = text.find("\n", offset)
    line_end = len(text) if end < 0 else end
    begun = _template_begin(text, offset)
    if begun is not None:
        return _in_template(text, begun, offset, file)
    before, after = text[start:offset], text[offset:line_end]
    for kind, line in _candidates(before, after):
        found = _find(kind, text[:start], line, text[line_end:], _typed(before), file)
        if found is not None:
            return found
    return None


def _typed(before: str) -> str:
    found = _WORD.search(before)
    return found[0] if found else ""


def _template_begin(text: str, offset: int) -> int | None:
    """Where the template around the cursor begins; None outside of any."""
    begun = max(text.rfind("{{", 0, offset), text.rfind("{%", 0, offset))
    closed = max(text.rfind("}}", 0, offset), text.rfind("%}", 0, offset))
    if begun < 0 or closed > begun or begun + 2 > offset:
        return None
    # Braces of YAML's own, or a template that was left open on a line far above.
    return None if text.count("\n", begun, offset) > 20 else begun


def _in_template(text: str, begun: int, offset: int, file: str) -> Cursor | None:
    end = text.find("\n", offset)
    line_end = len(text) if end < 0 else end
    closed = re.search(r"[%}]\}", text[offset:line_end])
    quote = re.search(r"[\"'](?=\s*[,}\]]?\s*(?:#.*)?$)", text[offset:line_end])
    stop = offset + (closed.end() if closed else quote.start() if quote else line_end - offset)
    start = text.rfind("\n", 0, begun) + 1
    line_stop = text.find("\n", stop)
    line_stop = len(text) if line_stop < 0 else line_stop
    middle = f"{{{{ {MARK} }}}}"
    typed = text[begun + 2 : offset]
    lines = [text[start:begun] + middle + text[stop:line_stop], _requoted(text[start:begun], middle)]
    for line in lines:
        found = _find("template", text[:start], line, text[line_stop:], typed, file)
        if found is not None:
            return found
    return None


def _requoted(before: str, middle: str) -> str:
    """The line with a template that lacks its quotes, or one of them."""
    return f"{before.rstrip(chr(34) + chr(39))}{chr(34)}{middle}{chr(34)}"


def _candidates(before: str, after: str) -> Iterator[tuple[Literal["key", "value"], str]]:
    """The lines that put the mark in the word's place: as a key, and as a value."""
    typed = _typed(before)
    head = before[: len(before) - len(typed)]
    word = _REST.match(after)
    tail = after[word.end() :] if word else after
    if _KEY_PLACE.fullmatch(head):
        written = head if not head.rstrip().endswith("-") or head.endswith(" ") else f"{head} "
        yield "key", f"{written}{MARK}{tail}" if tail.startswith(":") else f"{written}{MARK}: 0"
        yield "value", f"{written}{MARK}"
        return
    if _IN_FLOW.search(head):
        yield "key", f"{head}{MARK}{tail}" if tail.startswith(":") else f"{head}{MARK}: 0{_closing(head, tail)}"
    place = _VALUE_PLACE.search(head)
    if place:
        quote = place[1] if tail[:1] != place[1] else ""
        yield "value", f"{head}{MARK}{quote}{tail}"
        yield "value", f"{head}{MARK}{quote}{_closing(head, '')}"


def _closing(head: str, tail: str) -> str:
    if tail.strip():
        return tail
    opened = [char for char in head if char in "{["]
    closed = sum(char in "}]" for char in head)
    return "".join("}" if char == "{" else "]" for char in reversed(opened[: len(opened) - closed]))


def _find(
    kind: Literal["key", "value", "template"], above: str, line: str, below: str, typed: str, file: str
) -> Cursor | None:
    for text in (above + line + below, above + line + "\n"):
        source, _ = read_source(text, file)
        if source is None:
            continue
        loc = _marked_key(source) if kind == "key" else _marked_value(source)
        if loc is not None:
            flow, _ = read_partly(text, file)
            return Cursor(kind, loc, typed, source, flow)
    return None


def _marked_key(source: Source) -> Location | None:
    return next((loc[:-1] for loc in source.keys if loc and loc[-1] == MARK), None)


def _marked_value(source: Source) -> Location | None:
    waiting: list[tuple[Location, Json]] = [((), source.data)]
    while waiting:
        loc, value = waiting.pop()
        if isinstance(value, str) and MARK in value:
            return loc
        if isinstance(value, dict):
            waiting.extend(((*loc, name), item) for name, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*loc, index), item) for index, item in enumerate(value))
    return None
