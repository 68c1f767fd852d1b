"""Source files: YAML 1.2 read with the position of every key and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from flowengine.findings import Finding, Span
from flowengine.spec.document import Document, UnquotedTemplate, build
from flowengine.spec.mending import Mended, unquoted_near
from flowengine.spec.places import Location, character_offsets, offset_of, span_at
from flowengine.spec.wording import reword
from flowengine.types import Json

__all__ = ["Location", "Source", "read_source"]

SIZE = 1_000_000
"""Bytes that a file may have."""
_START = Span(1, 1, 1, 1)
_MENDS = 20
"""How many unquoted templates are told in one pass."""
_MENDS_IN_LARGE = 2
_LARGE = 100_000

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, its data, and where each key and value stands."""

    file: str
    text: str
    data: Json = None
    keys: Mapping[Location, Span] = field(default_factory=dict)
    values: Mapping[Location, Span] = field(default_factory=dict)

    def span(self, loc: Location) -> Span:
        """Where the value at `loc` stands; the nearest parent's place when it has none."""
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.values.get(loc, Span(1, 1, 1, 1))

    def key_span(self, loc: Location) -> Span:
        """Where the key of the value at `loc` stands; the value's place for items of a list."""
        return self.keys.get(loc) or self.span(loc)

    def has(self, loc: Location) -> bool:
        """Whether the file has a value at `loc`."""
        return loc in self.values

    def locate(self, loc: Location, offset: int, length: int = 1) -> Span:
        """Where a stretch of the text value at `loc` stands in the file, however the text is quoted or folded.

        Falls back to the whole value when the file's text cannot be followed.
        """
        whole = self.span(loc)
        value = self._at(loc)
        if not isinstance(value, str) or not 0 <= offset <= len(value):
            return whole
        start = offset_of(self.text, whole.line, whole.column)
        raw = self.text[start : offset_of(self.text, whole.end_line, whole.end_column)]
        offsets = character_offsets(raw, value)
        if offsets is None:
            return whole
        last = max(offset, min(offset + length, len(value)) - 1)
        return span_at(self.text, start + offsets[offset], start + offsets[last] + 1)

    def is_quoted(self, loc: Location) -> bool:
        """Whether the key at `loc` was written in quotes."""
        span = self.keys.get(loc)
        return span is not None and self.text[offset_of(self.text, span.line, span.column) :][:1] in ("'", '"')

    def _at(self, loc: Location) -> Json:
        value = self.data
        for part in loc:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_source(text: bytes | str, file: str) -> tuple[Source | None, list[Finding]]:
    """Read one YAML document with positions, and every mistake of form in it.

    The source is None when the text is not YAML at all or passes a limit (1 MB, depth 64, 20 aliases); otherwise it can be
    read further in spite of its findings.
    """
    decoded, finding = _decode(text, file)
    if decoded is None:
        return None, [finding] if finding else []
    mended = Mended(file, decoded)
    for _ in range(_MENDS if len(decoded) < _LARGE else _MENDS_IN_LARGE):
        try:
            document = build(mended.text, file)
        except UnquotedTemplate as found:
            mended.quote(found.offset)
        except yaml.YAMLError as error:
            at = unquoted_near(error, mended.text)
            if at is None:
                told = reword(error, mended.text)
                return None, [*mended.findings, Finding(file, told.span, "syntax", told.message, told.hint)]
            mended.quote(at)
        else:
            mended.settle(document)
            return _source(document, decoded, mended.findings)
    return None, mended.findings


def _source(document: Document, text: str, unquoted: list[Finding]) -> tuple[Source | None, list[Finding]]:
    findings = [*unquoted, *document.findings]
    stopped = document.data is None and bool(document.findings)
    source = Source(document.file, text, document.data, document.keys, document.values)
    return None if stopped else source, findings


def _decode(text: bytes | str, file: str) -> tuple[str | None, Finding | None]:
    if len(text) > SIZE:
        return None, Finding(file, _START, "too-large", f"the file is larger than {SIZE // 1_000_000} MB", "split it")
    if isinstance(text, bytes):
        if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return None, Finding(file, _START, "not-text", "the file is saved as UTF-16", "save it as UTF-8")
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError as error:
            return None, _not_utf8(text, error.start, file)
    else:
        decoded = text
    decoded = decoded.removeprefix("\ufeff")
    if "\0" in decoded:
        return None, _binary(file, text if isinstance(text, bytes) else b"")
    odd = _NOT_ALLOWED.search(decoded)
    if odd:
        span = span_at(decoded, odd.start(), odd.end())
        told = f"an invisible character (U+{ord(odd[0]):04X}) stands here"
        hint = f'delete it, or write "\\u{ord(odd[0]):04x}" inside double quotes'
        return None, Finding(file, span, "not-text", told, hint)
    return decoded, None


def _not_utf8(text: bytes, at: int, file: str) -> Finding:
    odd = sum(byte < 32 and byte not in b"\t\n\r" for byte in text[:1_000])
    if b"\0" in text or odd > 20 or text.startswith(tuple(_BEGINNINGS)):
        return _binary(file, text)
    line = text[:at].count(b"\n") + 1
    return Finding(file, Span(line, 1, line, 1), "not-text", "the file is not UTF-8 text", "save it as UTF-8")


_BEGINNINGS = {
    b"PK": "a ZIP file, as .docx and .xlsx are",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip file",
    b"SQLite format 3": "a database",
    b"\xd0\xcf\x11\xe0": "a Word or Excel file",
}


def _binary(file: str, text: bytes) -> Finding:
    kind = next((kind for begins, kind in _BEGINNINGS.items() if text.startswith(begins)), "")
    told = "this is not a text file" + (f" but {kind}" if kind else "")
    name = file.replace("\\", "/").rpartition("/")[2]
    is_flow = not name.startswith("connections.")
    hint = "a flow is a text file whose name ends in .yaml" if is_flow else f"{name} is a text file, written in YAML"
    return Finding(file, _START, "not-text", told, hint)
