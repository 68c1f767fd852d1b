"""Starting a run and showing its progress, in this process or through the engine's API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowengine.cli import output, place
from flowengine.cli.errors import DidNotStart
from flowengine.cli.run_watch import PAUSE, Progress
from flowengine.errors import Conflict

if TYPE_CHECKING:
    from flowengine.cli.server_client import Server
    from flowengine.config import Settings
    from flowengine.store import Store
    from flowengine.store.records import RunRecord


async def run_here(
    here: Settings, flow: str, event: Any, inputs: Mapping[str, Any], *, seconds: float | None, quiet: bool
) -> RunRecord:
    """Run a flow in this process, which is the project's engine for as long."""
    from flowengine.app import Engine, NotStarted

    async with Engine.open(here) as engine:
        try:
            run = await engine.submit(flow, event=event, inputs=inputs)
        except NotStarted as error:
            more = f"{_empty(event, inputs)}\nMore: flowengine events show {error.event.id}"
            raise DidNotStart(f"{error.message}{more}") from None
        try:
            return await shown(engine.app.store, run, seconds, quiet=quiet)
        except asyncio.CancelledError:  # Ctrl-C
            _tell_left(run, "it is kept, and goes on as soon as an engine runs: flowengine serve")
            raise


async def run_there(
    here: Settings,
    server: Server,
    flow: str,
    event: Any,
    inputs: Mapping[str, Any],
    *,
    wait: bool,
    seconds: float | None,
    quiet: bool,
) -> RunRecord:
    """Have the running engine run a flow, and follow it in the history."""
    body = {"flow": flow, "inputs": dict(inputs)} | ({} if event is None else {"event": event})
    try:
        answer = await asyncio.to_thread(server.ask, "POST", "/runs", body)
    except Conflict as error:
        more = f"{_empty(event, inputs)}\nMore: flowengine events list --flow {flow} -L 1"
        raise DidNotStart(f"{error.message}{more}") from None
    async with place.history(here) as store:
        run = await store.runs.get(answer["run"]["id"])
        if not wait:
            return run
        try:
            return await shown(store, run, seconds, quiet=quiet)
        except asyncio.CancelledError:  # Ctrl-C
            _tell_left(run, f"it goes on in the engine. End it: flowengine runs cancel {run.id}")
            raise


def _tell_left(run: RunRecord, what: str) -> None:
    """What becomes of a run that nobody waits for any more."""
    output.tell(f"\nRun {run.id} has not ended; {what}\nLook at it: flowengine runs show {run.id}")


def _empty(event: Any, inputs: Mapping[str, Any]) -> str:
    """What to do about an event that held nothing, for a flow that wanted something of it."""
    return "" if inputs or event is not None else "\nThe event was empty. Give it a body, a JSON file: --event FILE"


async def shown(store: Store, run: RunRecord, seconds: float | None, *, quiet: bool) -> RunRecord:
    """Follow the run to its end or to the limit; actions are printed as they come unless `quiet`."""
    if not quiet:
        output.tell(f"Run {run.id} of {output.clean(run.flow)}")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _follow(store, run.id, None if quiet else Progress())
    return await store.runs.get(run.id)


async def _follow(store: Store, run_id: str, progress: Progress | None) -> None:
    pause = PAUSE / 10
    while True:
        run = await store.runs.get(run_id)
        if progress:
            progress.show(await store.runs.actions(run_id))
        if run.status.finished:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE)
