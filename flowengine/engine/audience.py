"""Those who wait for runs and watch them: nothing here changes what a run does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from flowengine.engine.port import Watcher
from flowengine.interpreter.effects import Response
from flowengine.store import action_rows
from flowengine.store.records import ActionRecord, RunRecord

T = TypeVar("T")
RESPONSES_KEPT = 1_000


class Audience:
    """Waiters by run id. `ended_already` gives a run that needs no waiting for; it raises `NotFound`."""

    def __init__(self, ended_already: Callable[[str], Awaitable[RunRecord | None]]) -> None:
        self._ended_already = ended_already
        self._ended: dict[str, set[asyncio.Future[RunRecord]]] = {}
        self._listeners: dict[str, set[asyncio.Future[Response | None]]] = {}
        self._responses: dict[str, Response] = {}
        self._watchers: list[Watcher] = []

    async def end(self, run_id: str, timeout: float | None) -> RunRecord:  # noqa: ASYNC109
        """The run when it has finished. Raises `TimeoutError`, and `NotFound`."""
        async with self._waiting(run_id) as future:
            run = await self._ended_already(run_id)
            return run if run is not None else await asyncio.wait_for(future, timeout)

    async def end_within(self, run_id: str, seconds: float) -> RunRecord | None:
        """The run when it ends within the seconds; else None. Raises `NotFound`."""
        with suppress(TimeoutError):
            return await self.end(run_id, seconds)
        return None

    async def response(self, run_id: str, seconds: float) -> Response | None:
        """What the run responds; None when it ends, or the seconds pass, without. Raises `NotFound`."""
        async with self._listening(run_id) as future:
            if not future.done() and await self._ended_already(run_id) is not None and not future.done():
                return None
            with suppress(TimeoutError):
                return await asyncio.wait_for(future, seconds)
        return None

    @property
    def awaited(self) -> set[str]:
        """The runs that somebody waits for."""
        return {*self._ended, *self._listeners}

    @property
    def watched(self) -> bool:
        """Whether anybody wants to be told of every change."""
        return bool(self._watchers)

    @asynccontextmanager
    async def _waiting(self, run_id: str) -> AsyncIterator[asyncio.Future[RunRecord]]:
        """A future of the finished run."""
        future: asyncio.Future[RunRecord] = asyncio.get_running_loop().create_future()
        self._ended.setdefault(run_id, set()).add(future)
        try:
            yield future
        finally:
            _leave(self._ended, run_id, future)

    @asynccontextmanager
    async def _listening(self, run_id: str) -> AsyncIterator[asyncio.Future[Response | None]]:
        """A future of what the run responds; None when it ends without."""
        future: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        if run_id in self._responses:
            future.set_result(self._responses.pop(run_id))
        self._listeners.setdefault(run_id, set()).add(future)
        try:
            yield future
        finally:
            _leave(self._listeners, run_id, future)

    def responded(self, run_id: str, response: Response) -> None:
        """Tell the listeners, or keep it for one that comes a moment later."""
        if not _resolve(self._listeners, run_id, response):
            self._responses[run_id] = response
            while len(self._responses) > RESPONSES_KEPT:
                del self._responses[next(iter(self._responses))]

    def heard(self, run_id: str, response: Response) -> None:
        """Tell the listeners, if there are any."""
        _resolve(self._listeners, run_id, response)

    def ended(self, run: RunRecord) -> None:
        """Tell whoever waits for the run."""
        self.changed(run, None)
        _resolve(self._ended, run.id, run)
        _resolve(self._listeners, run.id, None)

    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Be told of every change; call what it gives to be told no more."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def changed(self, run: RunRecord, action: ActionRecord | None) -> None:
        """Tell the watchers: of secure values nobody is told."""
        if action is not None and action.secure and self._watchers:
            action = action_rows.hidden(action)
        for watcher in self._watchers:
            watcher(run, action)


def _leave(futures: dict[str, set[asyncio.Future[T]]], run_id: str, future: asyncio.Future[T]) -> None:
    here = futures.get(run_id, set())
    here.discard(future)
    if not here:
        futures.pop(run_id, None)


def _resolve(futures: dict[str, set[asyncio.Future[T]]], run_id: str, value: T) -> bool:
    """Whether anybody was there."""
    waiting = [future for future in futures.pop(run_id, ()) if not future.done()]
    for future in waiting:
        future.set_result(value)
    return bool(waiting)
