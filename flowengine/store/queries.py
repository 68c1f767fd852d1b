"""Pages of long lists: newest first, by key and never by offset, so that the millionth page costs what the first does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flowengine.errors import Conflict, NotFound
from flowengine.store.database import Reader
from flowengine.store.ids import LENGTH
from flowengine.store.units import Row


@dataclass(slots=True)
class Where:
    """Conditions and their values, gathered. Conditions are texts of this package; what people typed is only ever a value."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    def sql(self, *further: str) -> str:
        """` WHERE ...`, or nothing."""
        conditions = [condition for condition in (*self.conditions, *further) if condition]
        return " WHERE " + " AND ".join(conditions) if conditions else ""


def one_of(column: str, values: Sequence[Any]) -> str:
    """`column IN (?, ?)`; what is never true for no values: PostgreSQL does not take `IN ()`."""
    return f"{column} IN ({', '.join('?' * len(values))})" if values else "1 = 0"


async def page(
    reader: Reader, columns: str, table: str, where: Where, limit: int, choices: Sequence[str] = ()
) -> list[Row]:
    """The newest `limit` rows. Of several `choices`, each is asked for by itself: an index has the rows of one in order."""
    found: list[Row] = []
    for choice in list(dict.fromkeys(choices)) or [""]:
        sql = f"SELECT {columns} FROM {table}{where.sql(choice)} ORDER BY id DESC LIMIT ?"  # noqa: S608  # this package's texts
        found += await reader.rows(sql, [*where.values, limit])
    return sorted(found, key=lambda row: str(row[0]), reverse=True)[:limit]


async def by_prefix(reader: Reader, columns: str, table: str, prefix: str, what: str) -> Row:
    """The one row whose id begins so. Raises `NotFound`, and `Conflict` when there are several."""
    sql = f"SELECT {columns} FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT 3"  # noqa: S608
    start = prefix.lower()
    found = await reader.rows(sql, [start, start + "~"]) if start and len(start) <= LENGTH else []
    if not found:
        raise NotFound(f'there is no {what} "{prefix}"')
    if len(found) > 1:
        listed = ", ".join(str(row[0]) for row in found[:2])
        raise Conflict(f'"{prefix}" is the beginning of several {what}s ({listed}, ...): write more of it')
    return found[0]


def insert_into(table: str, columns: str) -> str:
    """An INSERT with one `?` a column."""
    marks = ", ".join("?" * len(columns.split(",")))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608


def insert_many_into(table: str, columns: str) -> str:
    """The same for several rows at once; see `Statement.many`."""
    return f"INSERT INTO {table} ({columns}) VALUES {{rows}}"  # noqa: S608
