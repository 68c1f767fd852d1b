"""Server-sent events for open pages: only that something changed. A page then asks for what it shows, as it would anyway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from flowengine.server.context import app_of
from flowengine.server.pages.routing import Row
from flowengine.store.records import ActionRecord, RunRecord

PAUSE: Final = 0.7
"""Seconds between two messages at least, however much happens."""
CHANGED: Final = "event: changed\ndata: \n\n"
SETTLED: Final = 1.5
"""Seconds after a change at which a page looks once more."""
LISTENERS_AT_MOST: Final = 1_000
"""Open pages that are told; more are answered 429 and go on without."""
SILENCE: Final = 15.0
"""Seconds after which an empty line shows that the connection stands."""


async def live_runs(request: Request) -> Response:
    """`GET /live/runs`: a `changed` whenever a run changes, of one `?flow=` or of one `?run=` where that is asked."""
    if getattr(request.app.state, "listeners", 0) >= LISTENERS_AT_MOST:
        raise HTTPException(429, "too many pages are listening; try again later")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_changes(request), media_type="text/event-stream", headers=headers)


async def _changes(request: Request) -> AsyncIterator[str]:
    app = app_of(request)
    flow, run_id = request.query_params.get("flow"), request.query_params.get("run")
    stirred = asyncio.Event()

    def watch(run: RunRecord, _: ActionRecord | None) -> None:
        if flow in (None, run.flow) and run_id in (None, run.id):
            stirred.set()

    async def close() -> None:
        await app.closing.wait()
        stirred.set()

    shared = request.app.state
    shared.listeners = getattr(shared, "listeners", 0) + 1
    unsubscribe = app.engine.subscribe(watch)
    closing = asyncio.create_task(close())
    try:
        # What happened while the page was on its way is looked at once more.
        yield f"retry: 2000\n\n{CHANGED}"
        calm = False
        while not app.closing.is_set():
            try:
                await asyncio.wait_for(stirred.wait(), SILENCE if calm else SETTLED)
            except TimeoutError:
                # Once after the last change: a run that is put aside to wait tells nobody.
                yield ":\n\n" if calm else CHANGED
                calm = True
                continue
            stirred.clear()
            calm = False
            yield CHANGED
            await asyncio.sleep(PAUSE)
    finally:
        shared.listeners -= 1
        unsubscribe()
        closing.cancel()


ROUTES: tuple[Row, ...] = (("GET", "/live/runs", live_runs),)
