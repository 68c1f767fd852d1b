"""`/api/v1/runs/events`: what runs do, as it happens, by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from flowengine.app import App
from flowengine.server.access import Role
from flowengine.server.api.endpoint import FLOW, Endpoint, Query
from flowengine.server.context import app_of
from flowengine.store.documents import action_document, run_document
from flowengine.store.records import ActionRecord, RunRecord

SILENCE: Final = 15.0
"""Seconds after which a comment shows that the connection stands."""
BACKLOG: Final = 1_000
"""Changes that wait for a slow reader at most; then some are left out, and it is told."""
BYTES_AT_MOST: Final = 4_000_000
"""And so many bytes of them."""
LISTENERS_AT_MOST: Final = 200
LOST: Final = b"event: lost\ndata: {}\n\n"

_listening: set[asyncio.Queue[bytes]] = set()


@dataclass(slots=True)
class _Held:
    """What waits for one reader."""

    size: int = 0
    lost: bool = False


async def watch_runs(request: Request) -> Response:
    """Changes of runs as they happen (server-sent events): `run` with `{"run", "action"}`, `lost` when some were left out."""
    if len(_listening) >= LISTENERS_AT_MOST:
        raise HTTPException(429, "too many are listening; try again later")
    query = request.query_params
    changes = _changes(app_of(request), query.get("flow"), query.get("run"))
    return StreamingResponse(changes, headers={"cache-control": "no-store"}, media_type="text/event-stream")


async def _changes(app: App, flow: str | None, run_id: str | None) -> AsyncIterator[bytes]:
    waiting: asyncio.Queue[bytes] = asyncio.Queue(BACKLOG + 1)
    held = _Held()

    def tell(run: RunRecord, action: ActionRecord | None) -> None:
        if flow not in (None, run.flow) or run_id not in (None, run.id):
            return
        # One that does not read must not cost more than this, however large what runs carry is.
        if waiting.qsize() < BACKLOG and held.size < BYTES_AT_MOST:
            message = _message(run, action)
            held.size += len(message)
            held.lost = False
            waiting.put_nowait(message)
        elif not held.lost:
            held.lost = True
            waiting.put_nowait(LOST)

    _listening.add(waiting)
    unsubscribe = app.engine.subscribe(tell)
    closing = asyncio.create_task(app.closing.wait())
    try:
        yield b"retry: 2000\n\n"
        while not app.closing.is_set():
            coming = asyncio.create_task(waiting.get())
            await asyncio.wait({coming, closing}, timeout=SILENCE, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                message = coming.result()
                held.size -= 0 if message is LOST else len(message)
                yield message
            else:
                coming.cancel()
                yield b":\n\n"
    finally:
        unsubscribe()
        closing.cancel()
        _listening.discard(waiting)


def _message(run: RunRecord, action: ActionRecord | None) -> bytes:
    document = {"v": 1, "run": run_document(run), "action": action_document(action) if action else None}
    return b"event: run\ndata: " + orjson.dumps(document, default=str) + b"\n\n"


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/runs/events",
        handler=watch_runs,
        role=Role.VIEWER,
        query=(FLOW, Query("run", "Only this run's.")),
        media_type="text/event-stream",
    ),
)
