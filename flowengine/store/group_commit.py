"""The loop that writes: what everybody asked for meanwhile becomes one transaction, in the order they asked.

It runs in a thread (`in_thread`) or in a process of its own (`in_process`), and knows neither.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from flowengine.errors import FlowEngineError, StorageUnavailable
from flowengine.store.trouble import first_line, told
from flowengine.store.units import (
    Connection,
    Ended,
    Fate,
    Fenced,
    Orders,
    Part,
    Report,
    Row,
    Statement,
    Unit,
    Write,
    grouped,
)

GROUP: Final = 2_000
"""Units that are enough for a commit. There are more when the last ones came in one piece, or while the database is away."""
COLLISIONS: Final = 20
"""How often a group is written again because another process was in its way."""
PATIENCE = 1.0
"""Seconds between tries while the database cannot be written."""


class GroupCommit:
    """Writes what `orders` ask for over `connection`, until there will be no more."""

    def __init__(self, connection: Connection, orders: Orders) -> None:
        self._connection = connection
        self._orders = orders
        self._held: list[Unit] = []
        self._doubtful: frozenset[Unit] = frozenset()
        """Of whom nobody knows yet whether their commit was carried out."""
        self._tired = False
        """Whether to wait before the next try."""
        self._short_of_room = False
        self._trouble: str | None = None
        self._seen = 0
        self._commits = 0
        self._returns = 0
        self._lost: FlowEngineError | None = None

    def run(self) -> None:
        """Returns when all is written and nothing more will come, or when this process may write no more."""
        try:
            while self._lost is None:
                units = self._next_units()
                if not units and self._orders.over:
                    break
                self._tell(self._commit(units))
                self._rest()
        except Exception as error:
            self._lost = told(error)
            self._tell([])
            raise
        finally:
            self._connection.close()

    def _next_units(self) -> list[Unit]:
        """The next group, waiting for it if need be.

        An empty one while there is trouble: it is looked whether it is over, though nobody asks.
        """
        held, self._held = self._held, []
        wait = 0 if held or self._orders.over else PATIENCE if self._trouble else None
        taken = self._orders.take(GROUP, wait)
        self._seen += len(taken)
        return held + taken

    def _tell(self, ended: list[Unit]) -> None:
        heard = [
            Ended(unit.number, unit.taken, told(unit.error) if unit.error else None)
            for unit in ended
            if unit.number or unit.error
        ]
        self._orders.tell(Report(heard, self._trouble, self._commits, self._returns, self._lost, self._seen))

    def _commit(self, units: list[Unit]) -> list[Unit]:
        """Write a group; gives the units that have come to their end. Patient ones are held while nothing can be written."""
        ended = self._turned_away(units)
        units = _without(units, ended)
        try:
            self._attempt_again(units)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to the units and not to the loop
            if not self._connection.is_unavailable(error):
                return ended + _all_failed(units, error)
            return ended + self._wait_out(units, error)
        self._commits += 1
        if not self._short_of_room:
            self._all_is_well()
        return ended + units

    def _turned_away(self, units: list[Unit]) -> list[Unit]:
        """While the last room is in use: what is under way may have it, and nothing new."""
        self._short_of_room = self._trouble is not None and not self._connection.has_room()
        if not self._short_of_room:
            return []
        return _all_failed([unit for unit in units if not unit.patient], StorageUnavailable(self._trouble or ""))

    def _attempt_again(self, units: list[Unit]) -> None:
        for _ in range(COLLISIONS):
            try:
                return self._attempt(units)
            except Exception as error:
                if not self._connection.is_collision(error):
                    raise
        return self._attempt(units)

    def _all_is_well(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._returns += 1

    def _attempt(self, units: list[Unit]) -> None:
        try:
            self._write_grouped(units)
        except Exception as error:
            self._connection.rollback()
            if self._stops_all(error):
                raise
            self._write_singly(units)

    def _stops_all(self, error: Exception) -> bool:
        return self._connection.is_unavailable(error) or self._connection.is_collision(error)

    def _write_grouped(self, units: list[Unit]) -> None:
        self._connection.begin()
        if self._trouble is not None:
            self._connection.try_out()
        writes = (write for unit in units for part in unit.parts for write in part.writes)
        for statement, rows in grouped(writes):
            self._run(statement, rows)
        for unit in units:
            unit.taken, unit.error = [True] * len(unit.parts), None
        self._connection.commit()

    def _write_singly(self, units: list[Unit]) -> None:
        """One bad unit must not fail its neighbours: each in a savepoint of its own, still one commit."""
        self._connection.begin()
        try:
            for unit in units:
                self._write_one(unit)
            self._connection.commit()
        except Exception:
            self._connection.rollback()
            raise

    def _write_one(self, unit: Unit) -> None:
        try:
            with self._connection.savepoint("unit"):
                unit.taken = [self._write_part(part) for part in unit.parts]
                unit.error = None
        except Exception as error:
            if self._stops_all(error):
                raise
            unit.error = error

    def _write_part(self, part: Part) -> bool:
        if part.otherwise is None:
            self._run_each(part.writes)
            return True
        try:
            with self._connection.savepoint("part"):
                self._run_each(part.writes)
        except Exception as error:
            if not self._connection.is_key_taken(error):
                raise
            self._run_each(part.otherwise)
            return False
        return True

    def _run_each(self, writes: Iterable[Write]) -> None:
        for write in writes:
            self._run(write.statement, [write.row])

    def _run(self, statement: Statement, rows: list[Row]) -> None:
        changed = self._connection.run_many(statement, rows)
        if statement.fenced and changed != len(rows):
            raise Fenced

    def _wait_out(self, units: list[Unit], error: Exception) -> list[Unit]:
        """Nothing can be written: tell who cannot wait, hold the others, and try to come back."""
        self._trouble = self._trouble or first_line(error)
        self._tell([])  # coming back may take a while
        self._doubtful = self._doubtful or frozenset(units)
        try:
            fate = self._connection.recover(error)
        except Exception as lost:  # noqa: BLE001  # told to everybody who waits
            self._lost = told(lost)
            # To a run it is the same as a database that is away: it is put aside, for whoever has the database now.
            return _all_failed(units, StorageUnavailable(self._lost.message))
        if fate is Fate.DONE:
            return self._done_after_all(units)
        if fate is not Fate.UNKNOWN:
            self._doubtful = frozenset()
        unavailable = StorageUnavailable(self._trouble)
        if self._orders.over:
            return _all_failed(units, unavailable)
        self._hold(units, soon=fate is Fate.UNDONE)
        return _all_failed(_without(units, self._held), unavailable)

    def _hold(self, units: list[Unit], *, soon: bool) -> None:
        """Keep those that wait for better times; when they may have come, the others too, once."""
        self._held = [unit for unit in units if unit.patient or (soon and not unit.tries)]
        for unit in self._held:
            unit.tries += 1
        self._tired = bool(self._held) and not (soon and all(unit.tries == 1 for unit in self._held))

    def _rest(self) -> None:
        if self._tired:
            self._tired = False
            time.sleep(PATIENCE)

    def _done_after_all(self, units: list[Unit]) -> list[Unit]:
        """Were they written once more, a fence would take them for another owner's, and an event for its own duplicate."""
        done = [unit for unit in units if unit in self._doubtful]
        self._held = _without(units, self._doubtful)
        self._doubtful = frozenset()
        self._all_is_well()
        return done


def _without(units: Iterable[Unit], others: Iterable[Unit]) -> list[Unit]:
    known = set(others)
    return [unit for unit in units if unit not in known]


def _all_failed(units: list[Unit], error: Exception) -> list[Unit]:
    for unit in units:
        unit.error = error
    return units
