"""Who changed what: one line for each change that a person or a program made through the API, the pages or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flowengine.store import queries
from flowengine.store.codec import from_text, moment, time_of, to_text
from flowengine.store.database import Reader
from flowengine.store.ids import first_id_at, new_id
from flowengine.store.journal import Journal, Statement, Write
from flowengine.types import Clock, Json

WORDS_AMONG = 5_000
"""How many of the newest changes are looked through for who did what."""
COLUMNS = "id, at, actor, action, target, detail, source"
ADD = Statement(queries.insert_into("audit", COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One change. `detail` never holds a secret's value."""

    id: str
    at: datetime
    actor: str
    """`token:NAME`, `person:NAME`, `local` or `cli:USER`."""
    action: str
    """What was done, such as `cancel_run` or `set_secret`."""
    target: str
    """What it was done to: a run's id, a flow's, a secret's name."""
    detail: Mapping[str, Json] = field(default_factory=dict)
    source: str = ""
    """The address that it came from."""


class Audit:
    """Adds lines and reads them; nothing changes or removes one."""

    def __init__(self, reader: Reader, journal: Journal | None, clock: Clock) -> None:
        self._reader = reader
        self._journal = journal
        self._clock = clock

    async def add(
        self, actor: str, action: str, target: str = "", detail: Mapping[str, Json] | None = None, source: str = ""
    ) -> None:
        """Put a change on record."""
        assert self._journal is not None
        now = self._clock.now()
        row = (new_id(self._clock), moment(now), actor, action, target, to_text(dict(detail or {})), source)
        await self._journal.commit(Write(ADD, row, "audit"))

    async def words(self) -> tuple[list[str], list[str]]:
        """Who is on record, and kinds of changes, among the newest ones: what can be chosen from."""
        newest = f"SELECT actor, action FROM audit ORDER BY id DESC LIMIT {WORDS_AMONG}"  # noqa: S608  # a number of ours
        rows = await self._reader.rows(f"SELECT DISTINCT actor, action FROM ({newest}) AS newest")  # noqa: S608
        return sorted({row[0] for row in rows}), sorted({row[1] for row in rows})

    async def list(
        self,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
        target: str | None = None,
    ) -> list[AuditRecord]:
        """The newest changes that fit."""
        where = queries.Where()
        for column, value in (("actor", actor), ("action", action), ("target", target)):
            if value is not None:
                where.add(f"{column} = ?", value)
        if since is not None:
            where.add("id >= ?", first_id_at(since))
        if before is not None:
            where.add("id < ?", before)
        rows = await queries.page(self._reader, COLUMNS, "audit", where, limit)
        return [
            AuditRecord(
                id=row[0],
                at=time_of(row[1]),
                actor=row[2],
                action=row[3],
                target=row[4],
                detail=from_text(row[5]) or {},
                source=row[6],
            )
            for row in rows
        ]
