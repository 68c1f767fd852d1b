"""What the journal writes, who asks for it, and what is needed of a database to write it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeAlias

from flowengine.errors import Conflict, FlowEngineError
from flowengine.record import record

Row: TypeAlias = tuple[Any, ...]


class Fenced(Conflict):
    """The run belongs to another owner now; nothing was written."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One SQL text with `?` for its values. `fenced`: each row must change exactly one, or its unit has lost its claim.

    `many` does the same for several rows at once, which stand where it says `{rows}`; SQLite calls their columns `column1`
    and so on.
    """

    sql: str
    fenced: bool = False
    many: str = ""


@record(frozen=True, slots=True)
class Write:
    """A statement with one row of values. Writes with the same `key` are carried out in their order."""

    statement: Statement
    row: Row
    key: str


@record(frozen=True, slots=True)
class Part:
    """Writes that hold together; `otherwise` is written instead when a key of theirs exists already."""

    writes: Sequence[Write]
    otherwise: Sequence[Write] | None = None


@dataclass(slots=True, eq=False)
class Unit:
    """What is committed whole or not at all. `patient` units wait for a full disk or a lost database to come back."""

    parts: Sequence[Part]
    number: int = 0
    """By which whoever waits for it knows it again; 0 when nobody does."""
    patient: bool = True
    tries: int = 0
    """How often its transaction broke off."""
    taken: list[bool] = field(default_factory=list)
    """For each part: whether its writes were carried out, rather than what stood under `otherwise`."""
    error: Exception | None = None


@record(frozen=True, slots=True)
class Ended:
    """A unit that has been written, or never will be."""

    number: int
    taken: Sequence[bool]
    error: FlowEngineError | None = None


@record(frozen=True, slots=True)
class Report:
    """How things stand after an attempt to write."""

    ended: Sequence[Ended]
    """Those that somebody waits for, and those that failed though nobody does."""
    trouble: str | None
    """Why nothing can be written at present, in words; None when all is well."""
    commits: int
    returns: int
    """How often the database came back after a trouble."""
    lost: FlowEngineError | None = None
    """Why this process may write no more, whatever it does; None while it may."""
    seen: int = 0
    """How many units have come to the writer."""


class Orders(Protocol):
    """Who asks the loop of group commits to write, and hears what became of it."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come than what has come."""
        ...

    def take(self, enough: int, wait: float | None) -> list[Unit]:
        """What was asked since, until there is enough, waiting for it up to so many seconds (None: until something comes or it is
        over).
        """
        ...

    def tell(self, report: Report) -> None: ...


class Fate(Enum):
    """What became of a transaction that broke off."""

    UNKNOWN = "unknown"
    """The database is still away."""
    REFUSED = "refused"
    """Nothing was written, and nothing will be before something changes: there is no room."""
    UNDONE = "undone"
    """Nothing was written, and the database is back."""
    DONE = "done"
    """The commit had reached the database; only the word of it was lost."""


class Connection(Protocol):
    """What is needed of a database to write it: `SqliteWriter`, `PostgresqlWriter`."""

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def run_many(self, statement: Statement, rows: Sequence[Row]) -> int:
        """Carry the statement out for each row; gives how many rows changed altogether."""
        ...

    def savepoint(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Undoes what is inside when it raises."""
        ...

    def is_key_taken(self, error: Exception) -> bool: ...
    def is_collision(self, error: Exception) -> bool:
        """Whether it and another process stood in each other's way: what was undone goes through at the next try."""
        ...

    def is_unavailable(self, error: Exception) -> bool: ...
    def recover(self, error: Exception) -> Fate:
        """After `is_unavailable`: free what can be freed, connect again. Raises when the engine's lock is lost."""
        ...

    def has_room(self) -> bool:
        """Whether the disk has room again; what `recover` gave up is then set aside anew."""
        ...

    def try_out(self) -> None:
        """Write something that changes nothing, in the transaction that has begun."""
        ...

    def close(self) -> None: ...


def grouped(writes: Iterable[Write]) -> list[tuple[Statement, list[Row]]]:
    """Writes gathered by statement, each key's in the order they came.

    A write joins the first group of its statement that does not come before what its key has written already.
    """
    groups: list[tuple[Statement, list[Row]]] = []
    homes: dict[Statement, list[int]] = {}
    latest: dict[str, int] = {}
    for write in writes:
        floor = latest.get(write.key, 0)
        home = next((index for index in homes.setdefault(write.statement, []) if index >= floor), None)
        if home is None:
            home = len(groups)
            groups.append((write.statement, []))
            homes[write.statement].append(home)
        groups[home][1].append(write.row)
        latest[write.key] = home
    return groups
