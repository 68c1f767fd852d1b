"""Doing several things side by side, so that what comes of it does not depend on which was faster."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from flowengine.interpreter.effects import Suspended
from flowengine.interpreter.signals import Stopped

T = TypeVar("T")


async def side_by_side(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all of them and give their results in order.

    One that fails does not end the others; the failure that comes first in order is raised when all have ended. A `stop` in
    one cancels the others. When one is suspended, so is all of it, as soon as the others have got as far as they can.
    """
    parts = [asyncio.ensure_future(work) for work in works]

    def ended(part: asyncio.Future[T]) -> None:
        if not part.cancelled() and isinstance(part.exception(), Stopped):
            for other in parts:
                other.cancel()

    for part in parts:
        part.add_done_callback(ended)
    results = await asyncio.gather(*parts, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise min(failures, key=_rank)
    return [result for result in results if not isinstance(result, BaseException)]


def _rank(failure: BaseException) -> int:
    match failure:
        case Stopped():
            return 0
        case Suspended():
            return 1
        case asyncio.CancelledError():
            return 3
        case _:
            return 2
