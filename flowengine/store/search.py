"""Finding runs by what they carried: a scan, in parallel, with exact totals.

There is no index of words on purpose. One that finds any part of a text (trigrams) is three times the size of what it covers
and is paid for with every run that is written; a scan of a million runs takes a second of processor time, split over the
cores, and is paid for by who searches. Letter case does not matter; what is `secure` is encrypted and is never found.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flowengine.store import queries
from flowengine.store.database import READERS, Reader
from flowengine.store.units import Row

OF_RUNS: Final = ("flow", "trigger_body", "inputs", "output", "error")
OF_ACTIONS: Final = ("inputs", "outputs", "error", "attempts")
FEW: Final = 2_000
"""So many finds of one part are gathered in one scan; when there are more, they are counted."""


@dataclass(frozen=True, slots=True)
class Found:
    """The newest of the runs that fit, as rows, and how many fit in all."""

    rows: list[Row]
    total: int


def holds(columns: Sequence[str], words: str, *, postgresql: bool, table: str = "") -> tuple[str, list[Any]]:
    """The condition that one of the columns holds these words, and its values."""
    compare = "ILIKE" if postgresql else "LIKE"  # SQLite's LIKE does not mind the case of A to Z
    texts = [_pattern(form) for form in _forms(words)]
    told = [f"{table}{column} {compare} ? ESCAPE '^'" for column in columns for _ in texts]
    return "(" + " OR ".join(told) + ")", texts * len(columns)


def anywhere(words: str, *, postgresql: bool, everywhere: bool) -> tuple[str, list[Any]]:
    """The condition on `runs`; with `everywhere` also what each action was given and gave back."""
    condition, values = holds(OF_RUNS, words, postgresql=postgresql)
    if not everywhere:
        return condition, values
    inner, more = holds(OF_ACTIONS, words, postgresql=postgresql, table="actions.")
    # Asked of each run, so that a part of the runs looks at its own actions only, and at none of runs that do not fit otherwise.
    looked = f"EXISTS (SELECT 1 FROM actions WHERE actions.run_id = runs.id AND {inner})"  # noqa: S608
    return f"({condition} OR {looked})", [*values, *more]


async def search(
    reader: Reader, columns: str, where: queries.Where, choices: Sequence[str], limit: int, before: str | None
) -> Found:
    """Runs that fit `where` and one of the `choices` (conditions; all if there are none)."""
    any_of = f"({' OR '.join(dict.fromkeys(choices))})" if choices else ""
    parts = await _parts(reader)
    found = await asyncio.gather(*(_ids(reader, where, any_of, part) for part in parts))
    if all(len(ids) <= FEW for ids in found):
        ids = sorted((run_id for part in found for run_id in part), reverse=True)
        page = [run_id for run_id in ids if before is None or run_id < before][:limit]
        return Found(await _rows(reader, columns, page), len(ids))
    counts = await asyncio.gather(*(_count(reader, where, any_of, part) for part in parts))
    older = queries.Where([*where.conditions], [*where.values])
    if before is not None:
        older.add("id < ?", before)
    return Found(await queries.page(reader, columns, "runs", older, limit, [any_of]), sum(counts))


async def _ids(reader: Reader, where: queries.Where, any_of: str, part: tuple[str, list[Any]]) -> list[str]:
    sql = f"SELECT id FROM runs{where.sql(any_of, part[0])} LIMIT {FEW + 1}"  # noqa: S608  # this package's own texts
    return [str(row[0]) for row in await reader.rows(sql, [*where.values, *part[1]])]


async def _count(reader: Reader, where: queries.Where, any_of: str, part: tuple[str, list[Any]]) -> int:
    sql = f"SELECT COUNT(*) FROM runs{where.sql(any_of, part[0])}"  # noqa: S608
    return int((await reader.rows(sql, [*where.values, *part[1]]))[0][0])


async def _rows(reader: Reader, columns: str, ids: Sequence[str]) -> list[Row]:
    if not ids:
        return []
    sql = f"SELECT {columns} FROM runs WHERE {queries.one_of('id', ids)} ORDER BY id DESC"  # noqa: S608
    return await reader.rows(sql, ids)


async def _parts(reader: Reader) -> list[tuple[str, list[Any]]]:
    """Conditions that split the table among the readers; PostgreSQL does so by itself."""
    if reader.postgresql:
        return [("", [])]
    least, most = (await reader.rows("SELECT MIN(rowid), MAX(rowid) FROM runs"))[0]
    if least is None:
        return [("", [])]
    size = (most - least) // READERS + 1
    return [("rowid >= ? AND rowid < ?", [start, start + size]) for start in range(least, most + 1, size)]


def _forms(words: str) -> list[str]:
    """As they stand, and as JSON spells them. SQLite knows the two cases of A to Z only: words with other letters are looked
    for as they were typed, in small letters, in capitals, and with capitals in front.
    """
    spelled = json.dumps(words, ensure_ascii=False)[1:-1]
    cased = () if words.isascii() else (spelled.lower(), spelled.upper(), spelled.title())
    return list(dict.fromkeys((words, spelled, *cased)))


def _pattern(text: str) -> str:
    """Any text that holds this one; its own `%` and `_` stand for themselves."""
    for sign in "^%_":
        text = text.replace(sign, "^" + sign)
    return f"%{text}%"
