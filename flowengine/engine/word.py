"""What people, services and processes beside the engine tell a run, on record: whoever carries it out finds it there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from flowengine.engine import checkpoint
from flowengine.errors import Conflict
from flowengine.store import Store
from flowengine.store.journal import Part, Write
from flowengine.store.records import RunRecord
from flowengine.store.runs import mark, nudge
from flowengine.store.signals import Signal
from flowengine.types import Json, Path, format_path

NO_REASON: Final = "the run was cancelled"


async def keep_answer(store: Store, run_id: str, path: Path, value: Json, told: Write) -> None:
    """The first answer counts; `told` is written with it. Raises `Conflict` when there is one."""
    first = mark(run_id, format_path(path), "answer", {"value": value}, store.clock.now(), first=True)
    taken = await store.journal.commit_parts([Part([first, told], otherwise=())])
    if not taken[0]:
        raise Conflict(f"{format_path(path)} has been answered already")


async def keep_cancel(store: Store, run_id: str, reason: str, told: Write) -> None:
    """That the run is to end as cancelled; `told` is written with it."""
    await store.journal.commit(mark(run_id, "", "cancel", reason, store.clock.now()), told)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a process beside the engine has stored of an unfinished run."""

    run: RunRecord
    new: bool
    cancelled: str | None
    """Why, when it is to end."""
    answers: Mapping[Path, Json]
    """Everything that was answered so far, by the path that asked."""


async def words(store: Store) -> AsyncIterator[Heard]:
    """Everything that was stored beside the engine; let go of when it was taken up."""
    while signals := await store.signals.pending():
        runs = {run.id: run for run in await store.runs.get_many(list({each.run_id for each in signals}))}
        for signal in signals:
            run = runs.get(signal.run_id)
            if run is not None and not run.status.finished:
                yield await _heard(store, signal, run)
        now = store.clock.now()
        await store.signals.let_go(signals, [nudge(each.run_id, now) for each in signals if each.about == "marked"])


async def _heard(store: Store, signal: Signal, run: RunRecord) -> Heard:
    if signal.about == "new":
        return Heard(run, new=True, cancelled=None, answers={})
    known = checkpoint.read((), await store.runs.marks(run.id))
    return Heard(run, new=False, cancelled=known.cancelled, answers=known.answers)
