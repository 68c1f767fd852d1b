"""Runs that may be carried out as soon as there is room, first come first."""

from __future__ import annotations

from dataclasses import dataclass

from flowengine.store.records import RunRecord
from flowengine.store.runs import Runs


@dataclass(slots=True)
class _Entry:
    run: RunRecord | None = None
    """None: to be read from the store."""
    cancelled: str | None = None
    """Why, when somebody cancelled it before it began."""


class Ready:
    """In one event loop; kept in memory only, since the store knows every unfinished run."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._entries

    def add(self, run_id: str, run: RunRecord | None = None, cancelled: str | None = None) -> None:
        """Join the end, or tell more of one that is here."""
        entry = self._entries.setdefault(run_id, _Entry())
        entry.run, entry.cancelled = run or entry.run, cancelled or entry.cancelled

    def take_at_hand(self) -> tuple[RunRecord, str | None] | None:
        """The head, with why it is cancelled; None when it must be read first or there is none."""
        run_id, entry = next(iter(self._entries.items()), ("", _Entry()))
        if entry.run is None:
            return None
        del self._entries[run_id]
        return entry.run, entry.cancelled

    async def take(self, most: int) -> list[tuple[RunRecord, str | None]]:
        """The first `most`, each with why it is cancelled, but for those that have ended meanwhile."""
        batch = list(self._entries)[:most]
        unread = [run_id for run_id in batch if self._entries[run_id].run is None]
        found = {run.id: run for run in await self._runs.get_many(unread)} if unread else {}
        taken = []
        for run_id in batch:
            entry = self._entries.pop(run_id, None)
            if entry is None:  # taken at hand while the others were read
                continue
            run = entry.run or found.get(run_id)
            if run is not None and not run.status.finished:
                taken.append((run, entry.cancelled))
        return taken
