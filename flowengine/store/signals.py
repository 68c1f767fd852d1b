"""What processes beside the engine have written for it to see: new runs, answers, cancellations.

A signal is written in the same commit as what it tells of, so that neither is ever there without the other. The engine looks
several times a second, does what is to do, and lets the signal go: after a crash it is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flowengine.store.database import Reader
from flowengine.store.ids import new_id
from flowengine.store.journal import Journal, Statement, Write
from flowengine.store.queries import insert_into
from flowengine.types import Clock

COLUMNS = "id, run_id, about"
PUT = Statement(insert_into("signals", COLUMNS))
DELETE = Statement("DELETE FROM signals WHERE id = ?")
AT_ONCE = 1_000

About: TypeAlias = Literal["new", "marked"]
"""A run that was stored, or one that was answered or cancelled: its marks say which."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Look at this run."""

    id: str
    run_id: str
    about: About


class Signals:
    """Between the processes of one PostgreSQL database. On SQLite there is one process, and never a signal."""

    def __init__(self, reader: Reader, journal: Journal | None, clock: Clock) -> None:
        self._reader = reader
        self._journal = journal
        self._clock = clock

    def writing(self, run_id: str, about: About) -> Write:
        """The write that goes into the commit of what it tells of."""
        return Write(PUT, (new_id(self._clock), run_id, about), run_id)

    async def new_runs(self) -> set[str]:
        """The new runs that no engine has looked at yet."""
        if not self._reader.postgresql:
            return set()
        return {run_id for (run_id,) in await self._reader.rows("SELECT run_id FROM signals WHERE about = 'new'")}

    async def pending(self) -> list[Signal]:
        """What is to be looked at, oldest first; at most a thousand at once."""
        if not self._reader.postgresql:
            return []
        rows = await self._reader.rows(f"SELECT {COLUMNS} FROM signals ORDER BY id LIMIT ?", [AT_ONCE])  # noqa: S608
        return [Signal(*row) for row in rows]

    async def let_go(self, signals: Sequence[Signal], instead: Sequence[Write]) -> None:
        """They need no more looking at; what is written `instead` tells the next engine as much, should this one die now."""
        assert self._journal is not None
        await self._journal.commit(*instead, *(Write(DELETE, (signal.id,), signal.run_id) for signal in signals))
