"""Unfinished runs as the store has them: what an engine takes over when it starts, and that none is left out afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container
from datetime import timedelta

from flowengine.engine.admission import Admission
from flowengine.engine.modes import LaneKey, at_once
from flowengine.engine.port import FlowSource
from flowengine.errors import FlowEngineError, StorageUnavailable
from flowengine.store import Store
from flowengine.store.ids import first_id_at
from flowengine.types import Status

PAGE = 10_000
SETTLING = timedelta(seconds=10)
"""How old a run must be before a scan takes nobody's having it for a mistake."""


async def take_over(
    store: Store, flows: FlowSource, admission: Admission, *, but: Container[str] = ()
) -> AsyncIterator[str]:
    """Give every unfinished run its place as before; gives those that are to go on at once.

    Runs that wait hold their place but stay in the store until they are due. Of queued ones, those in `but` never had a place.
    """
    lanes, queues, after = admission.lanes, set[LaneKey](), ""
    while rows := await store.runs.unfinished(after, PAGE):
        for run_id, flow_id, version, key, status in rows:
            if status == Status.QUEUED and run_id in but:
                continue
            lane, (most, restart) = (flow_id, key), await _mode(flows, flow_id, version)
            if status == Status.QUEUED:
                lanes.queue(lane, run_id, most, restart=restart)
                queues.add(lane)
            else:
                lanes.hold(lane, run_id, most)
            if status == Status.RUNNING:
                yield run_id
        after = rows[-1][0]
    for lane in queues:
        for run_id in admission.promote(lane):
            yield run_id


async def left_out(store: Store, has: Callable[[str, LaneKey], bool]) -> list[str]:
    """Unfinished runs that nobody `has`: not under way, not ready, not queued, and not waiting for anything."""
    before = first_id_at(store.clock.now() - SETTLING)
    found, after = [], ""
    while rows := await store.runs.unfinished(after, PAGE, before=before, waiting=False):
        found += [run_id for run_id, flow_id, _, key, _ in rows if not has(run_id, (flow_id, key))]
        after = rows[-1][0]
    return found


async def _mode(flows: FlowSource, flow_id: str, version: str) -> tuple[int, bool]:
    """How many runs go side by side, and whether a newer one ends the older ones."""
    try:
        flow = await flows(flow_id, version)
    except StorageUnavailable:
        raise
    except FlowEngineError:
        return 1, False  # its runs will tell what is wrong with it
    return at_once(flow), flow.mode == "restart"
