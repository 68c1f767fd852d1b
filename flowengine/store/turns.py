"""Turns that the processes over one PostgreSQL database take at what only one of them may do at a time.

They are advisory locks of one session a process, which ends with the process: no turn outlives whoever had it, and no clocks are
compared. SQLite has one writing process, and so no need of them.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from flowengine.errors import StorageUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")
KIND: Final = 0x7475726E
"""`turn`: the first of the two numbers of these locks. The engine's own lock has one number, which is another space."""
_AGAIN: Final = 0.05
"""Seconds between two looks at whether somebody else's turn is over."""


class Turns:
    """Those of one process. All work at its session is done by one thread, one thing after another."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flowengine-turns")
        self._session: Connection | None = None
        self._held = 0

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Waits until no other process has the turn of this name, and has it. Raises `StorageUnavailable`.

        In one process two may have it: who takes turns there goes by a lock of its own.
        """
        number = zlib.crc32(name.encode()) - 2**31
        while not await self._taken(number):  # noqa: ASYNC110  # whose end is waited for is another process
            await asyncio.sleep(_AGAIN)
        try:
            yield
        finally:
            await asyncio.shield(self._do(lambda: self._give_back(number)))

    def close(self) -> None:
        self._thread.shutdown()
        self._leave()

    async def _taken(self, number: int) -> bool:
        taking = self._do(lambda: self._take(number))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:  # what the thread gets all the same is nobody's
            taking.add_done_callback(lambda done: self._not_wanted(done, number))
            raise

    def _not_wanted(self, taking: asyncio.Future[bool], number: int) -> None:
        if not taking.cancelled() and taking.exception() is None and taking.result():
            self._do(lambda: self._give_back(number))

    def _do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _take(self, number: int) -> bool:
        taken = bool(self._ask("SELECT pg_try_advisory_lock(%s, %s)", number))
        self._held += taken
        if not self._held:
            self._leave()
        return taken

    def _give_back(self, number: int) -> None:
        self._held -= 1
        try:
            self._ask("SELECT pg_advisory_unlock(%s, %s)", number)
        except StorageUnavailable:
            return  # the session is gone, and its turns with it
        if not self._held:
            self._leave()

    def _ask(self, sql: str, number: int) -> object:
        from sqlalchemy.exc import OperationalError

        try:
            if self._session is None:
                self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            return self._session.exec_driver_sql(sql, (KIND, number)).scalar()
        except OperationalError:
            self._leave()
            raise StorageUnavailable("the database cannot be reached") from None

    def _leave(self) -> None:
        """Give the session back to the pool: no lock is left in it, or it is broken."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
