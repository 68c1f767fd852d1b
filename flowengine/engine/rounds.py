"""Looking around again and again: what is due several times a second, whether anybody was left out now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from flowengine.engine.takeover import SETTLING
from flowengine.errors import StorageUnavailable
from flowengine.store.journal import Journal

log = logging.getLogger(__name__)

TICK = 0.25
RETRY = 1.0
"""Seconds before something that broke off is tried again."""
SCAN = 30.0
"""Seconds between two proofs that every unfinished run has somebody or something that takes it on (reliability's G2)."""


async def go_round(journal: Journal, look: Callable[[], Awaitable[Any]], scan: Callable[[], Awaitable[Any]]) -> None:
    """Goes on until it is cancelled, whatever goes wrong on the way.

    After the database was away one scan comes early: what was committed while the word of it was lost has no owner yet.
    """
    scan_at, returns = time.monotonic() + SCAN, journal.returns
    while True:
        await asyncio.sleep(TICK)
        if returns != journal.returns:
            scan_at, returns = time.monotonic() + SETTLING.total_seconds() + 1, journal.returns
        try:
            await look()
            if time.monotonic() >= scan_at:
                scan_at = time.monotonic() + SCAN
                await scan()
        except Exception as error:
            if not isinstance(error, StorageUnavailable):  # the journal has told of that
                log.exception("looking for what is due went wrong; it is tried again")
            await asyncio.sleep(RETRY)
