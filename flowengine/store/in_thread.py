"""The loop of group commits in a thread of this process: for PostgreSQL, and for whoever writes a little and ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from flowengine.store.group_commit import GroupCommit
from flowengine.store.units import Connection, Report, Unit

log = logging.getLogger(__name__)


class InThread:
    """A channel to a thread that writes over `connection`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._orders = _Orders()
        self._thread = threading.Thread(target=self._write, name="flowengine-journal", daemon=True)

    def begin(self, tell: Callable[[Report], None]) -> None:
        loop = asyncio.get_running_loop()

        def tell_loop(report: Report) -> None:
            # The loop may be gone when the program ends in a hurry; then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, report)

        self._orders.tell = tell_loop
        self._thread.start()

    def put(self, unit: Unit) -> None:
        self._orders.units.put(unit)

    def close(self) -> None:
        self._orders.over = True
        self._orders.units.put(None)

    async def ended(self) -> None:
        await asyncio.to_thread(self._thread.join)

    def _write(self) -> None:
        try:
            GroupCommit(self.connection, self._orders).run()
        except Exception:
            log.exception("the writer broke")


class _Orders:
    """What was put in the loop and is taken in the thread."""

    tell: Callable[[Report], None]

    def __init__(self) -> None:
        self.units: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self.over = False

    def take(self, enough: int, wait: float | None) -> list[Unit]:
        taken: list[Unit] = []
        with contextlib.suppress(queue.Empty):
            while len(taken) < enough:
                unit = self.units.get(block=not taken and wait != 0, timeout=wait or None)
                if unit is None:  # the last: it only wakes whoever waits
                    break
                taken.append(unit)
        return taken
