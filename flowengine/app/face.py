"""The face for Python programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from flowengine.app.project import App
from flowengine.config import Settings
from flowengine.store.records import RunRecord
from flowengine.types import Clock, Json


class Engine:
    """The face for Python programs: an open project whose runs are started by calls, not by triggers."""

    def __init__(self, app: App) -> None:
        self.app = app

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Engine]:
        async with App.open(settings, clock=clock) as app:
            yield cls(app)

    async def submit(self, flow_id: str, event: Json = None, inputs: Mapping[str, Json] | None = None) -> RunRecord:
        """Start a run; it is durable when this returns.

        Raises `NotFound`, `InvalidInputs`, and `NotStarted` when the flow's conditions do not hold.
        """
        return await self.app.submit_run(flow_id, event=event, inputs=inputs)

    async def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:  # noqa: ASYNC109 - part of the contract
        """The run when it has finished. Raises `TimeoutError` after `timeout` seconds; the run goes on."""
        return await self.app.engine.wait(run_id, timeout)
