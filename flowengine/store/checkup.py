"""Is the database whole, and does every unfinished run have somebody or something that takes it on (reliability's G2)?

Read-only; may be asked while the engine runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flowengine.errors import ConfigurationError
from flowengine.store.codec import moment
from flowengine.store.database import Reader
from flowengine.types import Clock

LATE: Final = timedelta(seconds=60)
"""How long after its time a waiting run may still be waiting while an engine runs."""
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    name: str
    fine: bool
    detail: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    means: str
    """What a row that is found means."""
    sql: str
    """Gives the ids of what breaks the rule; `?` are filled from the present moment and the engine's epoch."""
    takes: tuple[str, ...] = ()
    only_with_engine: bool = False


_RULES: Final = (
    _Rule(
        "waiting runs have a time",
        "wait without a time at which they go on",
        "SELECT id FROM runs WHERE finished_at IS NULL AND status = 'waiting' AND due_at IS NULL",
    ),
    _Rule(
        "nobody is late",
        "should have gone on by now",
        "SELECT id FROM runs WHERE finished_at IS NULL AND status = 'waiting' AND due_at < ?",
        ("late",),
        only_with_engine=True,
    ),
    _Rule(
        "running runs have an owner",
        "are owned by an engine that is gone",
        "SELECT id FROM runs WHERE finished_at IS NULL AND status = 'running' AND epoch < ?",
        ("epoch",),
        only_with_engine=True,
    ),
    _Rule(
        "finished runs are finished",
        "have a final status without an end, or an end without a final status",
        "SELECT id FROM runs WHERE (finished_at IS NULL) <> (status IN ('queued', 'running', 'waiting'))",
    ),
    _Rule(
        "finished runs have no open actions",
        "have ended, but an action of theirs has not",
        "SELECT DISTINCT run_id FROM actions WHERE status IN ('queued', 'running', 'waiting') AND EXISTS"
        " (SELECT 1 FROM runs WHERE runs.id = actions.run_id AND runs.finished_at IS NOT NULL)",
    ),
    _Rule(
        "unfinished runs know their flow",
        "began with a version of their flow that is not kept",
        "SELECT id FROM runs WHERE finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM flow_versions AS kept"
        " WHERE kept.flow = runs.flow AND kept.version = runs.flow_version)",
    ),
    _Rule(
        "records belong to runs",
        "are the records of a run that is not there",
        "SELECT DISTINCT run_id FROM actions WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = actions.run_id)"
        " UNION SELECT DISTINCT run_id FROM marks WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = marks.run_id)",
    ),
    _Rule(
        "runs have their event",
        "were started by an event that is not there",
        "SELECT id FROM runs WHERE event_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events WHERE events.id = runs.event_id)",
    ),
    _Rule(
        "calls are waited for",
        "were called by a run that is not there",
        "SELECT id FROM runs WHERE finished_at IS NULL AND parent_run IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM runs AS caller WHERE caller.id = runs.parent_run)",
    ),
    _Rule(
        "secrets are encrypted",
        "is kept in clear",
        "SELECT name FROM secrets WHERE substr(value, 1, 5) <> 'gAAAA'",
    ),
)


class Checkup:
    """Looks the database over."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def check(self, *, engine_runs: bool) -> list[Checked]:
        """Everything that was looked at. `engine_runs`: a live engine must leave nobody behind; a stopped one may."""
        found = [await self._integrity()]
        given = {"late": moment(self._clock.now() - LATE), "epoch": await self._epoch()}
        rules = [rule for rule in _RULES if engine_runs or not rule.only_with_engine]
        return found + [await self._rule(rule, [given[name] for name in rule.takes]) for rule in rules]

    async def unfinished(self) -> dict[str, int]:
        """How many runs stand at each status that is not final."""
        rows = await self._reader.rows("SELECT status, COUNT(*) FROM runs WHERE finished_at IS NULL GROUP BY status")
        return {str(status): int(count) for status, count in rows}

    async def _rule(self, rule: _Rule, values: Sequence[Any]) -> Checked:
        rows = await self._reader.rows(f"SELECT COUNT(*), MIN(id) FROM ({_named(rule.sql)}) AS found", values)  # noqa: S608
        count = int(rows[0][0])
        if not count:
            return Checked(rule.name, fine=True, detail="")
        some = await self._reader.rows(f"{rule.sql} LIMIT {EXAMPLES}", values)
        return Checked(
            rule.name, fine=False, detail=f"{count} {rule.means}", examples=tuple(str(row[0]) for row in some)
        )

    async def _integrity(self) -> Checked:
        if self._reader.postgresql:
            return Checked("the file is whole", fine=True, detail="PostgreSQL looks after its own")
        try:
            rows = await self._reader.rows("PRAGMA integrity_check(20)")
        except ConfigurationError as error:
            return Checked("the file is whole", fine=False, detail=error.message)
        told = [str(row[0]) for row in rows]
        return Checked("the file is whole", fine=told == ["ok"], detail="" if told == ["ok"] else "; ".join(told[:3]))

    async def _epoch(self) -> int:
        rows = await self._reader.rows("SELECT value FROM meta WHERE name = 'epoch'")
        return int(rows[0][0]) if rows else 0


def _named(sql: str) -> str:
    """The rule's own query with its one column called `id`."""
    return sql.replace("SELECT DISTINCT run_id FROM", "SELECT DISTINCT run_id AS id FROM").replace(
        "SELECT name FROM", "SELECT name AS id FROM"
    )
