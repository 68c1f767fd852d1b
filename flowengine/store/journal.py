"""The one writer: a thread that commits what everybody wants written in groups, in the order they asked.

A commit that reaches the disk costs the same for one row as for a thousand, so whatever arrives while one is under way goes
into the next. Because there is one order, a commit implies everything appended before it: what only has to be on record
(`append`) need not be awaited, and what must be durable before the world goes on (`commit`) is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Iterable, Sequence

from flowengine.errors import StorageUnavailable
from flowengine.store.trouble import first_line, told
from flowengine.store.units import Connection, Fate, Fenced, Part, Row, Statement, Unit, Write, grouped

__all__ = ["Fenced", "Journal", "Part", "Statement", "Write"]

log = logging.getLogger(__name__)

GROUP = 2_000
"""At most this many units a commit."""
COLLISIONS = 20
"""How often a group is written again because another process was in its way."""
PATIENCE = 1.0
"""Seconds between tries while the database cannot be written."""


class Journal:
    """The writer's face in the event loop. Start it there; `close` writes what is left."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._held: list[Unit] = []
        self._doubtful: frozenset[Unit] = frozenset()
        """Of whom nobody knows yet whether their commit was carried out."""
        self._closing = False
        self._short_of_room = False
        self.trouble: str | None = None
        """Why nothing can be written at present, in words; None when all is well."""
        self.commits = 0
        self.returns = 0
        """How often the database came back after a trouble: what failed meanwhile may be tried again."""
        self.lost: asyncio.Future[Exception] = self._loop.create_future()
        """Done when this process may write no more, whatever it does: another one has the database. The error says so."""
        self._thread = threading.Thread(target=self._write, name="flowengine-journal", daemon=True)
        self._thread.start()

    def append(self, *writes: Write) -> None:
        """Write this after everything asked before, without waiting for it."""
        self._put(Unit((Part(writes),)))

    async def commit(self, *writes: Write) -> None:
        """Write this and return when it is on disk. Raises `Fenced` when the run has another owner."""
        await self.commit_parts([Part(writes)], patient=True)

    async def commit_parts(self, parts: Sequence[Part], *, patient: bool = False) -> list[bool]:
        """Write the parts whole and give for each whether its own writes were taken.

        A unit that is not `patient` raises `StorageUnavailable` when the database cannot be written now, so that a sender
        can be told to come again.
        """
        unit = Unit(parts, self._loop.create_future(), patient)
        self._put(unit)
        assert unit.future is not None
        return await unit.future

    async def settled(self) -> None:
        """Returns when everything appended so far is on disk."""
        await self.commit_parts([], patient=True)

    def prepare_for_full_disk(self) -> None:
        """Set room aside again, when all is well."""
        if self.trouble is None:
            self._connection.prepare_for_full_disk()

    async def close(self) -> None:
        """Write what is left and end the thread."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, unit: Unit) -> None:
        if self._closing:
            raise StorageUnavailable("the database is closed")
        self._queue.put(unit)

    # Everything below runs in the writer's thread.

    def _write(self) -> None:
        try:
            while (units := self._next_units()) is not None:
                self._settle(units, self._commit(units))
        except Exception as error:
            log.exception("the writer broke")
            self._lose(error)
        finally:
            self._closing = True
            self._fail_rest()
            self._connection.close()

    def _next_units(self) -> list[Unit] | None:
        """The next group, waiting for it if need be; None when there is nothing left to write and no more will come.

        An empty one while there is trouble: it is looked whether it is over, though nobody asks.
        """
        units, self._held = self._held, []
        while len(units) < GROUP:
            try:
                unit = self._queue.get(block=not units, timeout=PATIENCE if self.trouble else None)
            except queue.Empty:
                break
            if unit is None:
                self._queue.put(None)
                return units or None
            units.append(unit)
        return units

    def _commit(self, units: list[Unit]) -> list[Unit]:
        """Write a group; gives the units that have come to their end. Patient ones are held while nothing can be written."""
        ended = self._turned_away(units)
        units = [unit for unit in units if unit not in ended]
        try:
            self._attempt_again(units)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to the units and not to the thread
            if not self._connection.is_unavailable(error):
                return ended + _all_failed(units, error)
            return ended + self._wait_out(units, error)
        self.commits += 1
        if not self._short_of_room:
            self._all_is_well()
        return ended + units

    def _turned_away(self, units: list[Unit]) -> list[Unit]:
        """While the last room is in use: what is under way may have it, and nothing new."""
        self._short_of_room = self.trouble is not None and not self._connection.has_room()
        if not self._short_of_room:
            return []
        return _all_failed([unit for unit in units if not unit.patient], StorageUnavailable(self.trouble or ""))

    def _attempt_again(self, units: list[Unit]) -> None:
        for _ in range(COLLISIONS):
            try:
                return self._attempt(units)
            except Exception as error:
                if not self._connection.is_collision(error):
                    raise
        return self._attempt(units)

    def _all_is_well(self) -> None:
        if self.trouble is not None:
            log.info("the database can be written again")
            self.trouble = None
            self.returns += 1

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
        if self.trouble is not None:
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
        self._say(error)
        self._doubtful = self._doubtful or frozenset(units)
        try:
            fate = self._connection.recover(error)
        except Exception as lost:  # noqa: BLE001  # told to everybody who waits
            self._lose(lost)
            return _all_failed(units, lost)
        if fate is Fate.DONE:
            return self._done_after_all(units)
        if fate is not Fate.UNKNOWN:
            self._doubtful = frozenset()
        unavailable = StorageUnavailable(self.trouble or "")
        if self._closing:
            return _all_failed(units, unavailable)
        self._hold(units, soon=fate is Fate.UNDONE)
        return _all_failed([unit for unit in units if unit not in self._held], unavailable)

    def _hold(self, units: list[Unit], *, soon: bool) -> None:
        """Keep those that wait for better times; when they may have come, the others too, once."""
        self._held = [unit for unit in units if unit.patient or (soon and not unit.tries)]
        for unit in self._held:
            unit.tries += 1
        if self._held and not (soon and all(unit.tries == 1 for unit in self._held)):
            time.sleep(PATIENCE)

    def _lose(self, error: Exception) -> None:
        self._closing = True
        self._queue.put(None)
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            self._loop.call_soon_threadsafe(_resolve_once, self.lost, error)

    def _done_after_all(self, units: list[Unit]) -> list[Unit]:
        """Were they written once more, a fence would take them for another owner's, and an event for its own duplicate."""
        done = [unit for unit in units if unit in self._doubtful]
        self._held = [unit for unit in units if unit not in self._doubtful]
        self._doubtful = frozenset()
        self._all_is_well()
        return done

    def _say(self, error: Exception) -> None:
        """Once a trouble, not once a try."""
        told = first_line(error)
        if self.trouble is None:
            log.error("the database cannot be written: %s", told)
            self.trouble = told

    def _fail_rest(self) -> None:
        rest = self._held
        with contextlib.suppress(queue.Empty):
            while True:
                unit = self._queue.get_nowait()
                if unit is not None:
                    rest.append(unit)
        self._settle(rest, _all_failed(rest, StorageUnavailable("the database is closed")))

    def _settle(self, asked: list[Unit], ended: list[Unit]) -> None:
        for unit in ended:
            if unit.error is not None and unit.future is None and not isinstance(unit.error, Fenced):
                log.error("a record could not be written: %s", first_line(unit.error))
        waited_for = [unit for unit in ended if unit.future is not None]
        if waited_for:
            # The loop may be gone when the program ends in a hurry; then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_resolve, waited_for)


def _all_failed(units: list[Unit], error: Exception) -> list[Unit]:
    for unit in units:
        unit.error = error
    return units


def _resolve_once(future: asyncio.Future[Exception], error: Exception) -> None:
    if not future.done():
        future.set_result(error)


def _resolve(units: list[Unit]) -> None:
    for unit in units:
        future = unit.future
        if future is None or future.done():
            continue
        if unit.error is None:
            future.set_result(unit.taken)
        else:
            future.set_exception(told(unit.error))
