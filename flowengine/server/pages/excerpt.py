"""Lines of a flow file around a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AROUND: Final = 3
WIDEST: Final = 400


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file; `hit` where the place is, split at its column."""

    number: int
    text: str
    hit: bool = False
    column: int = 0


def excerpt(text: str, line: int | None, column: int | None = None) -> list[Line]:
    """The lines around a place; none when the text has no such line."""
    lines = text.splitlines()
    if not line or not 1 <= line <= len(lines):
        return []
    numbers = range(max(1, line - AROUND), min(len(lines), line + AROUND) + 1)
    return [Line(number, lines[number - 1][:WIDEST], number == line, column or 0) for number in numbers]
