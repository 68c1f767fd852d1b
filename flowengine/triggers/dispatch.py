"""The one place where an event becomes runs.

disabled? -> dedupe key -> split -> conditions -> event and runs in one commit -> the engine is told. Every event leaves a
record with its disposition and the reason, whether or not it started anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from flowengine import failpoints
from flowengine.expressions.evaluate import Evaluator
from flowengine.record import replace
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import Trigger
from flowengine.store import Store
from flowengine.store.records import EventRecord, RunRecord
from flowengine.triggers.judging import Arrival, Judge, Judged
from flowengine.types import Clock, Disposition

__all__ = ["Arrival", "Dispatcher", "Gatekeeper", "Judged", "Write"]


class Gatekeeper(Protocol):
    """The part of the engine that dispatch needs; see `engine.port`."""

    def admit(
        self, flow: Flow, event: EventRecord, runs: Sequence[RunRecord]
    ) -> tuple[EventRecord, tuple[RunRecord, ...]]: ...

    def forget(self, runs: Sequence[RunRecord]) -> None: ...

    def wake(self, runs: Sequence[RunRecord]) -> None: ...


Write = Callable[[Sequence[tuple[EventRecord, Sequence[RunRecord]]]], Awaitable[list[EventRecord]]]
"""Commits events with their runs, and whatever goes with them; gives the events as stored."""


class Dispatcher:
    """Turns events into records and runs."""

    def __init__(self, store: Store, engine: Gatekeeper, evaluator: Evaluator, clock: Clock) -> None:
        self.store = store
        self.engine = engine
        self.evaluator = evaluator
        self.clock = clock
        self._judge = Judge(evaluator, clock)
        self.counts: Counter[tuple[str, str]] = Counter()
        """Events of this process by the trigger's kind and what became of them."""

    async def dispatch(self, flow: Flow, trigger: Trigger, arrival: Arrival, *, enabled: bool = True) -> Judged:
        """Judge the event, commit it with its runs, start them. What comes back is what the store says."""
        judged = await self.judge(flow, trigger, arrival, enabled=enabled)
        (stored,) = await self.commit(flow, [judged], self._accept)
        return stored

    async def commit(self, flow: Flow, judged: Sequence[Judged], write: Write) -> list[Judged]:
        """Let the flow's mode decide, have `write` commit the events with their runs, and tell the engine.

        What comes back is what the store says: events that it knew already are duplicates and have no runs.
        """
        admitted = [self._admitted(flow, one) for one in judged]
        try:
            failpoints.reach("before_event_commit")
            events = await write([(one.event, one.runs) for one in admitted])
            failpoints.reach("after_event_commit")
        except BaseException:
            self.engine.forget([run for one in admitted for run in one.runs])
            raise
        stored = [
            Judged(event) if event.disposition is Disposition.DUPLICATE else Judged(event, one.runs)
            for one, event in zip(admitted, events, strict=True)
        ]
        self.counts.update((event.trigger_kind, str(event.disposition)) for event in events)
        kept = {run.id for one in stored for run in one.runs}
        self.engine.forget([run for one in admitted for run in one.runs if run.id not in kept])
        self.engine.wake([run for one in stored for run in one.runs])
        return stored

    async def _accept(self, found: Sequence[tuple[EventRecord, Sequence[RunRecord]]]) -> list[EventRecord]:
        return [await self.store.events.accept(event, runs) for event, runs in found]

    def _admitted(self, flow: Flow, judged: Judged) -> Judged:
        return Judged(*self.engine.admit(flow, judged.event, judged.runs)) if judged.runs else judged

    async def refuse(
        self,
        flow: Flow,
        trigger: Trigger,
        arrival: Arrival,
        reason: str,
        disposition: Disposition = Disposition.REJECTED,
    ) -> EventRecord:
        """Put an event on record that starts nothing."""
        event = replace(self._judge.event(flow, trigger, arrival), disposition=disposition, reason={"message": reason})
        stored = await self.store.events.accept(event, ())
        self.counts[stored.trigger_kind, str(stored.disposition)] += 1
        return stored

    async def judge(self, flow: Flow, trigger: Trigger, arrival: Arrival, *, enabled: bool = True) -> Judged:
        """Decide what the event is and which runs it starts. Nothing is written."""
        return await self._judge.judge(flow, trigger, arrival, enabled=enabled)
