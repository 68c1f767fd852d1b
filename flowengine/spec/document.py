"""YAML events built into data with positions, in one pass without recursion, inside limits.

The parser's own tree builder is not used: it recurses, expands aliases without bound and forgets duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from flowengine.findings import Finding, Span, did_you_mean
from flowengine.spec.places import Location
from flowengine.spec.scalars import resolve
from flowengine.types import Json

DEPTH = 64
ALIASES = 20
VALUES = 50_000
"""How many values a file may have once its aliases are written out."""

MISTAKES = 500
"""How many mistakes of form are told; a file with more is no flow."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Document:
    """What a file's events make: data, positions, and the mistakes met on the way."""

    file: str
    data: Json = None
    keys: dict[Location, Span] = field(default_factory=dict)
    values: dict[Location, Span] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def report(self, span: Span, rule: str, message: str, hint: str = "") -> None:
        if len(self.findings) >= MISTAKES:
            raise LimitPassed
        self.findings.append(Finding(self.file, span, rule, message, hint))


class LimitPassed(Exception):
    """The file passes a limit or is more than one document; its finding is reported, the rest is not read."""


class UnquotedTemplate(Exception):
    """`{{` stands at this offset without quotes, so that YAML takes it for a mapping."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being filled; `loc` is None below a key that was refused."""

    data: Any
    loc: Location | None
    start: Any
    flow: bool
    anchor: str | None
    key: str | None = None
    awaits_key: bool = False
    is_key: bool = False
    """Whether it stands where a key should: refused, and read past."""
    end: tuple[int, int] = (0, 0)


def build(text: str, file: str) -> Document:
    """Read one document. Raises `yaml.YAMLError` and `UnquotedTemplate`, which the caller puts into words."""
    document = Document(file)
    builder = _Builder(document)
    try:
        for event in _events(text):
            builder.take(event)
    except LimitPassed:
        document.data = None
    return document


def _events(text: str) -> Iterator[Any]:
    parser = _LOADER(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _span(start: Any, end: Any) -> Span:
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Json, Location | None]] = {}
        self.pending: set[str] = set()
        self.aliases = 0
        self.count = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._document(event)
            case _:
                pass

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            span = _span(event.start_mark, event.end_mark)
            self._stop(
                span, "one-document", 'a second document begins here ("---")', "write each flow in a file of its own"
            )

    def _stop(self, span: Span, rule: str, message: str, hint: str) -> None:
        self.document.report(span, rule, message, hint)
        raise LimitPassed

    def _scalar(self, event: Any) -> None:
        span = _span(event.start_mark, event.end_mark)
        self._check_tag(event, span)
        top = self.open[-1] if self.open else None
        if top is not None and top.awaits_key:
            self._key(top, event, span)
            return
        value = resolve(event.value) if event.implicit[0] and not event.style else event.value
        loc = self._place(value, span)
        if event.anchor:
            self.anchors[event.anchor] = (value, loc)

    def _check_tag(self, event: Any, span: Span) -> None:
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it, or put quotes around the text if the text begins with an exclamation mark"
            self.document.report(span, "yaml-tag", f'"{shown}" is a YAML tag, which flows do not use', hint)

    def _key(self, top: _Open, event: Any, span: Span) -> None:
        name = event.value
        top.awaits_key = False
        top.key = None
        if name == "<<" and not event.style:
            self.document.report(span, "yaml-merge", 'merge keys ("<<") are not read', "write the keys out")
        elif not name:
            self.document.report(
                span, "syntax", "a colon without a key before it", "write the key's name before the colon"
            )
        elif name in top.data:
            self._duplicate(top, name, span)
        else:
            top.key = name
            if top.loc is not None:
                self.document.keys[(*top.loc, name)] = span

    def _duplicate(self, top: _Open, name: str, span: Span) -> None:
        first = self.document.keys.get((*(top.loc or ()), name))
        where = f" on line {first.line}" if first else ""
        in_list = bool(top.loc) and isinstance((top.loc or ("",))[-1], int)
        hint = (
            'remove one of the two; if this begins the next one, put "- " before it'
            if in_list
            else "remove one of the two"
        )
        self.document.report(
            span, "duplicate-key", f'the key "{name}" stands here a second time; the first is{where or " above"}', hint
        )

    def _begin(self, event: Any, data: Any) -> None:
        span = _span(event.start_mark, event.end_mark)
        top = self.open[-1] if self.open else None
        if len(self.open) >= DEPTH:
            self._stop(span, "too-deep", f"the file is nested more than {DEPTH} levels deep here", "")
        self._check_tag(event, span)
        is_key = top is not None and top.awaits_key
        if top is not None and is_key:
            self._refuse_key(top, event, span)
        loc = None if is_key else self._place(data, span, scalar=False)
        if event.anchor:
            self.pending.add(event.anchor)
        is_mapping = isinstance(data, dict)
        flow = bool(event.flow_style)
        end = (event.start_mark.line, event.start_mark.column)
        self.open.append(_Open(data, loc, event.start_mark, flow, event.anchor, None, is_mapping, is_key, end))

    def _refuse_key(self, top: _Open, event: Any, span: Span) -> None:
        index = event.start_mark.index
        opens = isinstance(event, yaml.MappingStartEvent) and event.flow_style
        if opens and top.flow and top.start.index + 1 == index:
            raise UnquotedTemplate(top.start.index)
        self.document.report(
            span, "syntax", "a key must be a plain word", "put quotes around it if brackets belong to the text"
        )
        top.key, top.awaits_key = None, False

    def _end(self, event: Any) -> None:
        closed = self.open.pop()
        end = (event.end_mark.line, event.end_mark.column) if closed.flow else closed.end
        self._grow(end)
        if closed.loc is not None:
            start = closed.start
            self.document.values[closed.loc] = Span(start.line + 1, start.column + 1, end[0] + 1, end[1] + 1)
        if closed.anchor:
            self.pending.discard(closed.anchor)
            self.anchors[closed.anchor] = (closed.data, closed.loc)
        if self.open and not closed.is_key:
            self._await_key(self.open[-1])

    def _await_key(self, top: _Open) -> None:
        if isinstance(top.data, dict):
            top.awaits_key = True

    def _grow(self, end: tuple[int, int]) -> None:
        if self.open:
            self.open[-1].end = max(self.open[-1].end, end)

    def _place(self, value: Json, span: Span, *, scalar: bool = True) -> Location | None:
        """Put a value where it belongs and say where that is; None when its key was refused."""
        self.count += 1
        if self.count > VALUES:
            self._stop(span, "too-large", f"the file has more than {VALUES} values", "split the flow")
        if not self.open:
            self.document.data = value
            self.document.values[()] = span
            return ()
        top = self.open[-1]
        self._grow((span.end_line - 1, span.end_column - 1))
        loc = self._put(top, value)
        if loc is not None:
            self.document.values[loc] = span
        if scalar:
            self._await_key(top)
        return loc

    def _put(self, top: _Open, value: Json) -> Location | None:
        if isinstance(top.data, list):
            top.data.append(value)
            return None if top.loc is None else (*top.loc, len(top.data) - 1)
        if top.key is None:
            return None
        top.data[top.key] = value
        return None if top.loc is None else (*top.loc, top.key)

    def _alias(self, event: Any) -> None:
        span = _span(event.start_mark, event.end_mark)
        self.aliases += 1
        if self.aliases > ALIASES:
            self._stop(span, "too-many-aliases", f"the file has more than {ALIASES} aliases", "write the values out")
        top = self.open[-1] if self.open else None
        if top is not None and top.awaits_key:
            self._refuse_key(top, event, span)
            return
        if event.anchor not in self.anchors:
            self._unknown_alias(event.anchor, span)
            self._place(f"*{event.anchor}", span)
            return
        value, origin = self.anchors[event.anchor]
        copy = self._copy(value, span)
        loc = self._place(copy, span)
        if loc is not None and origin is not None:
            self._copy_positions(origin, loc)

    def _unknown_alias(self, name: str, span: Span) -> None:
        if name in self.pending:
            self.document.report(
                span, "yaml-alias", f'the alias "*{name}" stands inside what it names', "write the value out"
            )
        else:
            hint = did_you_mean(name, self.anchors) or "put quotes around a text that begins with an asterisk"
            self.document.report(span, "yaml-alias", f'there is no anchor "&{name}" above this alias', hint)

    def _copy(self, value: Json, span: Span) -> Json:
        """A copy of its own for every alias, so that no data is shared; the number of values stays bounded."""
        if isinstance(value, dict):
            self._count_copies(len(value), span)
            return {key: self._copy(item, span) for key, item in value.items()}
        if isinstance(value, list):
            self._count_copies(len(value), span)
            return [self._copy(item, span) for item in value]
        return value

    def _count_copies(self, number: int, span: Span) -> None:
        self.count += number
        if self.count > VALUES:
            self._stop(
                span, "too-large", f"the file has more than {VALUES} values once its aliases are written out", ""
            )

    def _copy_positions(self, origin: Location, loc: Location) -> None:
        size = len(origin)
        for table in (self.document.keys, self.document.values):
            inside = [(key, span) for key, span in table.items() if len(key) > size and key[:size] == origin]
            table.update({(*loc, *key[size:]): span for key, span in inside})
