"""Lists of objects as tables: what an operation gave, as a spreadsheet would show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flowengine.server.pages.shown import brief
from flowengine.types import Json

COLUMNS: Final = 12
ROWS: Final = 100
WIDEST: Final = 80
_DEEPEST: Final = 2


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    name: str
    """Where in the value the list is; empty for the value itself."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    """Rows that there are; no more than `ROWS` are shown."""
    left_out: int
    """Columns that are not shown."""


def grid(value: Json) -> Grid | None:
    """The longest list of objects in a value, as a table; None where there is none."""
    found = max(_lists("", value, 0), key=lambda one: len(one[1]), default=None)
    if found is None:
        return None
    name, items = found
    names = list(dict.fromkeys(str(key) for item in items[:ROWS] for key in item))
    columns = tuple(names[:COLUMNS])
    rows = tuple(tuple(_cell(item, column) for column in columns) for item in items[:ROWS])
    return Grid(name, columns, rows, len(items), len(names) - len(columns))


def _lists(name: str, value: Json, depth: int) -> Iterator[tuple[str, list[dict[str, Json]]]]:
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value) and any(value):
            yield name, value
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _lists(f"{name}.{key}" if name else str(key), inner, depth + 1)


def _cell(item: dict[str, Json], column: str) -> str:
    return brief(item[column], WIDEST) if item.get(column) is not None else ""
