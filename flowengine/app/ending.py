"""Cancelling many runs, after a look at which."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowengine.app.again import MANY_AT_MOST, Wanted
from flowengine.errors import FlowEngineError
from flowengine.store.documents import run_document
from flowengine.store.records import RunRecord
from flowengine.types import JsonObject, Status

if TYPE_CHECKING:
    from flowengine.app.project import App

UNFINISHED: Final = tuple(status for status in Status if not status.finished)
_AT_ONCE: Final = 200
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Ended:
    """What became, or would become, of many runs."""

    found: tuple[RunRecord, ...]
    cancelled: tuple[RunRecord, ...]
    refused: tuple[tuple[str, str], ...]
    """Run id and why: most have come to their end meanwhile."""
    really: bool

    def to_json(self) -> JsonObject:
        """With the runs that are being cancelled, or, when it was only a look, those that would be."""
        return {
            "dry_run": not self.really,
            "runs": [run_document(run) for run in (self.cancelled if self.really else self.found)],
            "total": len(self.found),
            "refused": [{"run": run_id, "message": why} for run_id, why in self.refused],
        }


async def cancel_many(app: App, wanted: Wanted, reason: str, *, really: bool) -> Ended:
    """Cancel all unfinished runs that fit; without `really` only tell which."""
    found = await going_on(app, wanted)
    refused: dict[str, str] = {}
    for start in range(0, len(found) if really else 0, _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        answers = await asyncio.gather(*(app.engine.cancel(run.id, reason) for run in some), return_exceptions=True)
        for run, answer in zip(some, answers, strict=True):
            if isinstance(answer, FlowEngineError):
                refused[run.id] = answer.message
            elif isinstance(answer, BaseException):
                raise answer
    cancelled = [run for run in found if really and run.id not in refused]
    now = await app.store.runs.get_many([run.id for run in cancelled])
    return Ended(tuple(found), tuple(now), tuple(refused.items()), really)


async def going_on(app: App, wanted: Wanted) -> list[RunRecord]:
    """The unfinished runs that fit, oldest first. What another of them has called ends with its caller and is left out."""
    found: list[RunRecord] = []
    before = wanted.before
    while len(found) < MANY_AT_MOST:
        page = await wanted.page(app, _PAGE, before)
        found += [run for run in page if not run.status.finished]
        if len(page) < _PAGE:
            break
        before = page[-1].id
    chosen = {run.id for run in found}
    return sorted((run for run in found if run.parent is None or run.parent[0] not in chosen), key=lambda run: run.id)
