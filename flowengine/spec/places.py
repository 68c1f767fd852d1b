"""Places in a text: locations in the data, line starts, and where the characters of a YAML scalar stand in its file."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import TypeAlias

from flowengine.findings import Span
from flowengine.types import Json

Location: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a file's data, such as `("actions", 2, "with", "body")`."""

_BREAK = re.compile(r"\r\n|\n|\r")
_PROPERTIES = re.compile(r"(?:[&!][^\s]*[ \t\r\n]+)*")
_NAMED_ESCAPES = dict(zip('0abt\tnvfre "/\\N_LP', '\0\a\b\t\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029', strict=True))
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}

Mapped: TypeAlias = list[tuple[str, int]]
"""The characters of a scalar's value, each with the offset in the raw text that it comes from."""


@lru_cache(maxsize=64)
def line_starts(text: str) -> tuple[int, ...]:
    """The offsets at which the lines of `text` begin."""
    return (0, *(match.end() for match in _BREAK.finditer(text)))


def offset_of(text: str, line: int, column: int) -> int:
    """The offset of a line and column (both from 1), kept inside the text."""
    starts = line_starts(text)
    return min(starts[min(line, len(starts)) - 1] + column - 1, len(text))


def span_at(text: str, start: int, end: int) -> Span:
    """The stretch between two offsets as lines and columns."""
    starts = line_starts(text)
    first, last = bisect_right(starts, start) - 1, bisect_right(starts, end) - 1
    return Span(first + 1, start - starts[first] + 1, last + 1, end - starts[last] + 1)


@lru_cache(maxsize=32)
def character_offsets(raw: str, value: str) -> list[int] | None:
    """For each character of `value`, and for its end, the offset in `raw`, the scalar as it is written in the file.

    The list is shared by all who ask for the same scalar, because a long text may have many mistakes: never change it.

    None when the two cannot be brought together, which no reader should meet but which must not mislead either.
    """
    skipped = _properties_length(raw)
    written = raw[skipped:]
    match written[:1]:
        case '"':
            mapped = _double_quoted(written)
        case "'":
            mapped = _single_quoted(written)
        case "|" | ">":
            mapped = _block(written)
        case _:
            mapped = _folded([(char, at) for at, char in enumerate(written)])
    if "".join(char for char, _ in mapped) != value:
        return None
    offsets = [skipped + at for _, at in mapped]
    return [*offsets, offsets[-1] + 1 if offsets else skipped]


def _properties_length(raw: str) -> int:
    match = _PROPERTIES.match(raw)
    return match.end() if match else 0


def _single_quoted(raw: str) -> Mapped:
    mapped: Mapped = []
    at = 1
    while at < len(raw) and not (raw[at] == "'" and raw[at : at + 2] != "''"):
        mapped.append((raw[at], at))
        at += 2 if raw[at] == "'" else 1
    return _folded(mapped)


def _double_quoted(raw: str) -> Mapped:
    """Escapes stand for one character and are shielded from folding, as YAML wants."""
    mapped: Mapped = []
    shielded: set[int] = set()
    at = 1
    while at < len(raw) and raw[at] != '"':
        if raw[at] != "\\":
            mapped.append((raw[at], at))
            at += 1
            continue
        char, length = _escape(raw, at)
        if char is not None:
            shielded.add(len(mapped))
            mapped.append((char, at))
        at += length
    return _folded(mapped, shielded)


def _escape(raw: str, at: int) -> tuple[str | None, int]:
    letter = raw[at + 1 : at + 2]
    if letter in _HEX_ESCAPES:
        digits = _HEX_ESCAPES[letter]
        return chr(int(raw[at + 2 : at + 2 + digits], 16)), 2 + digits
    if letter in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[letter], 2
    continued = re.match(r"\\(\r\n|\n|\r)[ \t]*", raw[at:])
    return None, continued.end() if continued else 2


def _folded(mapped: Mapped, shielded: set[int] | None = None) -> Mapped:
    """Line folding of plain and quoted scalars: one break is a space, each further one is a break."""
    kept = shielded or set()
    folded: Mapped = []
    at = 0
    while at < len(mapped):
        char, place = mapped[at]
        if char not in " \t\r\n" or at in kept:
            folded.append((char, place))
            at += 1
            continue
        end = at
        while end < len(mapped) and mapped[end][0] in " \t\r\n" and end not in kept:
            end += 1
        blank = "".join(one for one, _ in mapped[at:end])
        breaks = len(_BREAK.findall(blank))
        if breaks == 0:
            folded.extend(mapped[at:end])
        elif breaks == 1:
            folded.append((" ", place))
        else:
            folded.extend(("\n", place) for _ in range(breaks - 1))
        at = end
    return folded


def _block(raw: str) -> Mapped:
    """Block scalars: the header line, then lines that all lose the same indentation; `>` folds the less indented ones."""
    header_end = _BREAK.search(raw)
    if header_end is None:
        return []
    header = raw[: header_end.start()].split("#", maxsplit=1)[0]
    lines = _lines(raw, header_end.end())
    indent = _indentation([line for line, _ in lines])
    body = [(line[indent:], at + indent) for line, at in lines]
    mapped = _literal(body) if header.startswith("|") else _fold_block(body)
    return _chomp(mapped, header, len(raw))


def _lines(raw: str, at: int) -> list[tuple[str, int]]:
    lines: list[tuple[str, int]] = []
    for match in _BREAK.finditer(raw, at):
        lines.append((raw[at : match.start()], at))
        at = match.end()
    return [*lines, (raw[at:], at)] if at < len(raw) else lines


def _indentation(lines: list[str]) -> int:
    """The first line with text sets it. An explicit digit counts from the parent, which the raw text cannot tell."""
    return next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" ")), 0)


def _literal(lines: list[tuple[str, int]]) -> Mapped:
    mapped: Mapped = []
    for line, at in lines:
        mapped.extend((char, at + index) for index, char in enumerate(line))
        mapped.append(("\n", at + len(line)))
    return mapped


def _fold_block(lines: list[tuple[str, int]]) -> Mapped:
    mapped: Mapped = []
    for number, (line, at) in enumerate(lines):
        mapped.extend((char, at + index) for index, char in enumerate(line))
        following = lines[number + 1][0] if number + 1 < len(lines) else None
        mapped.extend(_break_between(lines, number, following, at + len(line)))
    return mapped


def _break_between(lines: list[tuple[str, int]], number: int, following: str | None, at: int) -> Mapped:
    line = lines[number][0]
    if following is None or not line:
        return [("\n", at)]
    after = next((text for text, _ in lines[number + 1 :] if text), "")
    if line[0] in " \t" or (after and after[0] in " \t") or not after:
        return [("\n", at)]
    return [(" ", at)] if following else []


def _chomp(mapped: Mapped, header: str, end: int) -> Mapped:
    kept = len(mapped)
    while kept and mapped[kept - 1][0] == "\n":
        kept -= 1
    if "+" in header:
        return mapped
    return mapped[:kept] if "-" in header or not kept else [*mapped[:kept], ("\n", min(end, mapped[kept][1]))]


def value_at(data: Json, loc: Location) -> Json:
    """The value at a place; None when there is none."""
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
