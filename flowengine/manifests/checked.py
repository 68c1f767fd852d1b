"""Reading a manifest file that may be slightly broken: what can be read loads with a warning, the rest is refused.

Of 2,068 public files 25 are not strict JSON: a byte-order mark, cp1252, trailing commas, raw control characters. Each is
mended in memory and told with its line and column. Anything that would need a guess (a missing comma, a wrong bracket)
is refused, for a manifest decides where credentials are sent.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from flowengine.findings import Finding, Severity, Span
from flowengine.types import Json

MAX_BYTES = 32_000_000
"""The largest public definition has 2.5 MB."""

_TEXT = r'"(?:[^"\\]|\\.)*+"?'  # also one that is never closed, so that no start is tried twice
_TOKEN = re.compile(_TEXT + r'|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_TRAILING_COMMA = re.compile(_TEXT + r"|,(?=\s*[}\]])", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_MOST_WARNINGS = 20
_WORDS = {
    "Expecting ',' delimiter": 'a "," or a closing bracket is missing before this',
    "Expecting property name enclosed in double quotes": "a name in double quotes is expected here",
    "Expecting value": "a value is expected here",
    "Expecting ':' delimiter": 'a ":" is missing between the name and its value',
    "Unterminated string starting at": "the text that begins here has no closing quote",
    "Extra data": "the document ends before this, yet more follows",
}


@dataclass(slots=True)
class Checked:
    """One file: its data (None when it was refused) and what was found wrong with it."""

    file: str
    data: Json = None
    findings: list[Finding] = field(default_factory=list)
    raw: bytes = b""

    @property
    def refused(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def warn(self, span: Span, rule: str, message: str, hint: str = "") -> None:
        self.findings.append(Finding(self.file, span, rule, message, hint, Severity.WARNING))

    def refuse(self, span: Span, rule: str, message: str, hint: str = "") -> None:
        self.data = None
        self.findings.append(Finding(self.file, span, rule, message, hint))

    def span(self, *keys: str) -> Span:
        """Where the name at the end of `keys` stands in a JSON file; line 1 when it cannot be told."""
        return locate(_decoded(self.raw)[0], keys)


def read_checked(path: Path, file: str | None = None) -> Checked:
    """Read a JSON or YAML file; `file` is what findings call it. Raises nothing: what is wrong becomes a finding."""
    checked = Checked(file or str(path))
    try:
        size = path.stat().st_size
        checked.raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        checked.refuse(_START, "manifest-unreadable", f"cannot be read: {error.strerror or error}")
        return checked
    if size > MAX_BYTES:
        checked.refuse(_START, "manifest-too-large", f"has {size:,} bytes; {MAX_BYTES:,} is the limit")
    elif path.suffix.lower() in (".yaml", ".yml"):
        _read_yaml(checked)
    else:
        _read_json(checked)
    return checked


def locate(text: str, keys: tuple[str, ...]) -> Span:
    """The place of the name at the end of `keys` in a JSON text."""
    at: list[str | None] = []
    names = False
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word == "{":
            at.append(None)
            names = True
        elif word == "[":
            at.append("[")
            names = False
        elif word in "}]":
            at and at.pop()
            names = False
        elif word == ",":
            names = bool(at) and at[-1] != "["
        elif names:
            at[-1] = word[1:-1]
            names = False
            if tuple(at) == keys:
                return _span(text, token.start(), token.end())
    return _START


_START = Span(1, 1, 1, 1)


def _read_yaml(checked: Checked) -> None:
    from flowengine.manifests.yaml_text import YamlMistake, read_yaml  # rarely needed, and a tenth of a start-up

    text = _text(checked)
    try:
        checked.data = read_yaml(text)
    except YamlMistake as mistake:
        checked.refuse(mistake.span, "manifest-yaml", mistake.message)


def _read_json(checked: Checked) -> None:
    try:
        checked.data = orjson.loads(checked.raw)  # strict and fast: nearly every file ends here
    except orjson.JSONDecodeError:
        _read_broken_json(checked)


def _read_broken_json(checked: Checked) -> None:
    text = _warn_control_characters(checked, _without_trailing_commas(checked, _text(checked)))
    try:
        checked.data = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        span = Span(error.lineno, error.colno, error.lineno, error.colno + 1)
        told = _WORDS.get(error.msg, error.msg[:1].lower() + error.msg[1:])
        checked.refuse(span, "manifest-json", f"not a JSON file: {told}" if text.strip() else "the file is empty")
    except RecursionError:
        checked.refuse(_START, "manifest-json", "not a usable JSON file: it is nested too deeply")


def _decoded(raw: bytes) -> tuple[str, str, int]:
    """The text, what was odd about its encoding, and the byte where that showed."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace"), "utf-16", 0
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return raw.decode("cp1252", errors="replace"), "cp1252", error.start
    return (text[1:], "bom", 0) if text.startswith("\ufeff") else (text, "", 0)


def _text(checked: Checked) -> str:
    text, oddity, byte = _decoded(checked.raw)
    if oddity == "bom":
        checked.warn(_START, "manifest-encoding", "begins with a byte-order mark", "save it as UTF-8 without one")
    elif oddity:
        place = _span(text, byte, byte + 1)
        checked.warn(place, "manifest-encoding", f"is not UTF-8 and was read as {oddity}", "save it as UTF-8")
    return text


def _without_trailing_commas(checked: Checked, text: str) -> str:
    def mend(found: re.Match[str]) -> str:
        if found.group() != ",":
            return found.group()
        if len(checked.findings) < _MOST_WARNINGS:
            place = _span(text, found.start(), found.end())
            checked.warn(place, "manifest-trailing-comma", "a comma stands before a closing bracket", "leave it out")
        return " "

    return _TRAILING_COMMA.sub(mend, text)


def _warn_control_characters(checked: Checked, text: str) -> str:
    for token in _TOKEN.finditer(text):
        found = _CONTROL.search(token.group()) if token.group().startswith('"') else None
        if found and len(checked.findings) < _MOST_WARNINGS:
            start = token.start() + found.start()
            name = f"U+{ord(found.group()):04X}"
            place = _span(text, start, start + 1)
            checked.warn(place, "manifest-control-character", f"a text holds the control character {name}", "escape it")
    return text


def _span(text: str, start: int, end: int) -> Span:
    breaks = [found.end() for found in re.finditer(r"\n", text[:end])]

    def place(offset: int) -> tuple[int, int]:
        line = bisect_right(breaks, offset)
        return line + 1, offset - (breaks[line - 1] if line else 0) + 1

    return Span(*place(start), *place(end))
