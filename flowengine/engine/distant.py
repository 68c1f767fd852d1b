"""The engine of another process, over the database that both have.

What is asked of it is written there with a signal, which it sees within a quarter of a second; what came of it is read there.
Nothing is carried out here: no run is claimed, and none is lost when this process dies.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from flowengine.engine.audience import Audience
from flowengine.engine.port import Watcher
from flowengine.engine.word import NO_REASON, keep_answer, keep_cancel
from flowengine.errors import Conflict, FlowEngineError
from flowengine.interpreter.effects import Response
from flowengine.spec.flow import Flow
from flowengine.store import Store
from flowengine.store.records import EventRecord, RunRecord
from flowengine.types import Json, Path, Status

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.1
"""Seconds between two looks at runs that somebody waits for."""
WATCH_EVERY: Final = 5
"""How many of those make one look at all runs, for those who watch."""
NEWEST: Final = 50


class DistantEngine:
    """See `port.Engine`. Lives in one event loop; every method is called there. Watchers hear of runs, not of actions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._audience = Audience(self._ended_already)
        self._looking: asyncio.Task[None] | None = None
        self._stood: dict[str, tuple[str, int, int]] | None = None
        self.finished: Counter[Status] = Counter()
        """None: runs end in the engine."""

    async def start(self) -> None:
        """Begin to look what becomes of runs that somebody waits for."""
        self._looking = asyncio.create_task(self._look_on(), name="look at the engine's runs")

    async def stop(self, grace: float = 0.0) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    # New runs: the engine decides by the flow's mode what becomes of them.

    def admit(
        self,
        flow: Flow,
        event: EventRecord,
        runs: Sequence[RunRecord],
    ) -> tuple[EventRecord, tuple[RunRecord, ...]]:
        """All of them, queued for the engine."""
        return event, tuple(runs)

    def forget(self, runs: Sequence[RunRecord]) -> None:
        """Nothing was set aside."""

    def wake(self, runs: Sequence[RunRecord]) -> None:
        """They were stored with their signals."""

    # For people and callers.

    def in_memory(self) -> dict[str, int]:
        return {"going": 0, "ready": 0, "queued": 0}

    async def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:  # noqa: ASYNC109
        """The run when it has finished. Raises `TimeoutError` after `timeout` seconds, and `NotFound`."""
        return await self._audience.end(run_id, timeout)

    async def response(self, run_id: str, timeout: float) -> Response | None:  # noqa: ASYNC109
        """What the run's `respond` answers; None when it ends, or the seconds pass, without one."""
        return await self._audience.response(run_id, timeout)

    async def cancel(self, run_id: str, reason: str = "") -> None:
        """Have the run ended as cancelled. Raises `NotFound`, and `Conflict` for a finished one."""
        run = await self._unfinished(run_id)
        await keep_cancel(self._store, run.id, reason or NO_REASON, self._store.signals.writing(run.id, "marked"))

    async def answer(self, run_id: str, path: Path, value: Json) -> None:
        """Give a waiting `ask` or `wait_for` its answer. Raises `NotFound`, and `Conflict` when it has one or the run ended."""
        run = await self._unfinished(run_id)
        await keep_answer(self._store, run.id, path, value, self._store.signals.writing(run.id, "marked"))

    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Be told of every run that changes; call what it gives to be told no more."""
        if not self._audience.watched:
            self._stood = None  # what happened while nobody watched is no news
        return self._audience.subscribe(watcher)

    async def _unfinished(self, run_id: str) -> RunRecord:
        run = await self._store.runs.get(run_id)
        if run.status.finished:
            raise Conflict(f"run {run.id} has ended as {run.status} already")
        return run

    async def _ended_already(self, run_id: str) -> RunRecord | None:
        run = await self._store.runs.get(run_id)
        if not run.status.finished:
            return None
        await self._tell_responses([run_id])  # it may have responded between two looks
        return run

    # Looking.

    async def _look_on(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(LOOK_EVERY)
            looks += 1
            try:
                if awaited := sorted(self._audience.awaited):
                    await self._look_at(awaited)
                if self._audience.watched and looks % WATCH_EVERY == 0:
                    await self._look_around()
            except FlowEngineError as error:
                log.warning("the engine's runs could not be looked at, it is tried again: %s", error)
            except Exception:
                log.exception("looking at the engine's runs went wrong; it is tried again")

    async def _look_at(self, awaited: Sequence[str]) -> None:
        """Runs first: what a run responds is on record before its end is."""
        ended = [run for run in await self._store.runs.get_many(awaited) if run.status.finished]
        await self._tell_responses(awaited)
        for run in ended:
            self._audience.ended(run)

    async def _tell_responses(self, run_ids: Sequence[str]) -> None:
        for run_id, said in (await self._store.runs.responses(run_ids)).items():
            self._audience.heard(run_id, Response(said["status"], said["headers"], said["body"]))

    async def _look_around(self) -> None:
        before, self._stood = self._stood, await self._store.runs.standing(NEWEST)
        if before is None:
            return
        changed = [run_id for run_id, stands in self._stood.items() if before.get(run_id) != stands]
        gone = [run_id for run_id in before if run_id not in self._stood]
        for run in await self._store.runs.get_many([*changed, *gone]) if changed or gone else ():
            self._audience.changed(run, None)
