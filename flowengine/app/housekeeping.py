"""What an engine looks after while it runs: old history goes, and a ballast that was given up is laid again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from flowengine.errors import FlowEngineError
from flowengine.store import Store
from flowengine.store.retention import Pruned
from flowengine.triggers.library import Library

log = logging.getLogger(__name__)

FIRST_AFTER: Final = 60.0
"""Seconds after the start: there is enough to do at a start."""
EVERY: Final = 3_600.0
KEEP_NOTHING_ELSE: Final[Mapping[str, timedelta]] = {}


async def keep_house(store: Store, library: Library, history_days: int) -> None:
    """Goes on until it is cancelled."""
    pause = FIRST_AFTER
    while True:
        await asyncio.sleep(pause)
        pause = EVERY
        try:
            keeps = {flow.id: flow.keep for flow in library.flows()}
            gone = await prune_by(store, keeps, history_days)
        except FlowEngineError as error:
            log.warning("old history could not be let go, it is tried again in an hour: %s", error)
        else:
            if gone != Pruned():
                log.info("let go of %s that are older than is kept", gone)
        store.prepare_for_full_disk()


async def prune_by(
    store: Store,
    keeps: Mapping[str, Mapping[str, timedelta]],
    history_days: int,
    *,
    flow: str | None = None,
    age: timedelta | None = None,
    really: bool = True,
) -> Pruned:
    """Delete by each flow's `keep`, or all that is older than `age`."""
    gone, now = Pruned(), store.clock.now()
    otherwise = timedelta(days=history_days) if age is None else age
    for each in [flow] if flow is not None else await store.retention.flows():
        keep = keeps.get(each, KEEP_NOTHING_ELSE) if age is None else KEEP_NOTHING_ELSE
        gone += await store.retention.prune(each, keep, otherwise, now, really=really)
    return gone
