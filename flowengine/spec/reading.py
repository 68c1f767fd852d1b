"""A source that is being read: what every reader needs to say what is wrong, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from flowengine.findings import Finding
from flowengine.spec.document import MISTAKES
from flowengine.spec.language import Key
from flowengine.spec.places import Location
from flowengine.spec.source import Source
from flowengine.types import Json

_GLUED = re.compile(r"[a-z_]+:(?!//)\S")
_WIDE = re.compile(r"[a-z_]+ ?\uff1a")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FLOW_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

REFUSED: Any = object()
"""What a reader gives for a value that it has reported."""


class Reading:
    """A source that is being read, and what was found wrong with it so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Finding] = []

    def report(self, loc: Location, rule: str, message: str, hint: str = "", *, key: bool = False) -> None:
        """Report a mistake at the value at `loc`, or at its key."""
        if not self.full:
            span = self.source.key_span(loc) if key else self.source.span(loc)
            self.findings.append(Finding(self.source.file, span, rule, message, hint))

    @property
    def full(self) -> bool:
        """Whether so much is wrong that no more is told, nor looked for."""
        return len(self.findings) >= MISTAKES

    def wrong_type(self, loc: Location, wanted: str, value: Json, hint: str = "") -> Any:
        """Report that `wanted` should stand here. At a missing value the key is the place."""
        hint = colon_hint(value) or hint
        told = f"{subject(loc)} must be {wanted}, not {describe(value)}"
        self.report(loc, "wrong-type", told, hint, key=value is None)
        return REFUSED


def colon_hint(value: Json) -> str:
    """What to write when a text was meant as a key with its value; empty when it does not look like that."""
    if not isinstance(value, str):
        return ""
    if _WIDE.match(value):
        return "type a plain colon (:) and a space instead of the wide one"
    return "write a space after the colon" if _GLUED.match(value) else ""


Reader: TypeAlias = Callable[[Reading, Location, Json, Key], Any]


def describe(value: Json) -> str:
    """What a value is, in an author's words."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            shown = value if len(value) <= 40 else f"{value[:37]}..."
            return f'the text "{shown}"'
        case list():
            return "a list"
        case _:
            return "a group of keys"


def has_template(value: Json) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def subject(loc: Location) -> str:
    """What stands at a place, as a message begins: its key, or which item of a list it is."""
    names = [part for part in loc if isinstance(part, str)]
    if not loc:
        return "the file"
    if isinstance(loc[-1], int):
        return f'item {loc[-1] + 1} of "{names[-1]}"' if names else f"item {loc[-1] + 1}"
    return f'"{loc[-1]}"'


def one_of(choices: Iterable[str]) -> str:
    """`parallel, queued or single`."""
    words = list(choices)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
