"""The one place where an event becomes runs.

disabled? -> dedupe key -> split -> conditions -> event and runs in one commit -> the engine is told. Every event leaves a
record with its disposition and the reason, whether or not it started anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from flowengine.errors import ExpressionError
from flowengine.expressions.evaluate import Evaluator
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.interpreter.conditions import evaluate
from flowengine.spec.conditions import Condition
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import Trigger
from flowengine.store import Store
from flowengine.store.ids import new_id
from flowengine.store.records import EventRecord, RunRecord
from flowengine.types import Clock, Disposition, Json, JsonObject, Status

DEDUPE_KEY_LENGTH = 512


class Gatekeeper(Protocol):
    """The part of the engine that dispatch needs; see `engine.port`."""

    def admit(
        self, flow: Flow, event: EventRecord, runs: Sequence[RunRecord]
    ) -> tuple[EventRecord, tuple[RunRecord, ...]]: ...

    def forget(self, runs: Sequence[RunRecord]) -> None: ...

    def wake(self, runs: Sequence[RunRecord]) -> None: ...


Write = Callable[[Sequence[tuple[EventRecord, Sequence[RunRecord]]]], Awaitable[list[EventRecord]]]
"""Commits events with their runs, and whatever goes with them; gives the events as stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event on its way in: who sent it is known by now, and its secrets are struck out."""

    value: Json
    """What `trigger` is to the flow."""
    body: bytes = b""
    """The raw bytes that go on record."""
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    received_at: datetime | None = None
    dedupe_key: str | None = None
    """The trigger's own key; the flow's `dedupe:` comes before it."""
    inputs: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be committed for one event."""

    event: EventRecord
    runs: tuple[RunRecord, ...] = ()


class Dispatcher:
    """Turns events into records and runs."""

    def __init__(self, store: Store, engine: Gatekeeper, evaluator: Evaluator, clock: Clock) -> None:
        self.store = store
        self.engine = engine
        self.evaluator = evaluator
        self.clock = clock

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
            events = await write([(one.event, one.runs) for one in admitted])
        except BaseException:
            self.engine.forget([run for one in admitted for run in one.runs])
            raise
        stored = [
            Judged(event) if event.disposition is Disposition.DUPLICATE else Judged(event, one.runs)
            for one, event in zip(admitted, events, strict=True)
        ]
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
        event = replace(self._event(flow, trigger, arrival), disposition=disposition, reason={"message": reason})
        return await self.store.events.accept(event, ())

    async def judge(self, flow: Flow, trigger: Trigger, arrival: Arrival, *, enabled: bool = True) -> Judged:
        """Decide what the event is and which runs it starts. Nothing is written."""
        event = self._event(flow, trigger, arrival)
        if not enabled:
            return Judged(
                replace(event, disposition=Disposition.DISABLED, reason={"message": "the flow is switched off"})
            )
        scope = _scope(flow, event, arrival)
        try:
            event = replace(event, dedupe_key=await self._dedupe_key(trigger, scope, arrival.dedupe_key))
            return await self._runs(flow, trigger, event, scope)
        except ExpressionError as error:
            return Judged(replace(event, disposition=Disposition.FAILED, reason=_told(flow, error)))

    async def _runs(self, flow: Flow, trigger: Trigger, event: EventRecord, scope: JsonObject) -> Judged:
        conditions = (*flow.conditions, *trigger.conditions)
        runs: list[RunRecord] = []
        refusals: list[JsonObject] = []
        for item in await self._items(trigger, scope):
            seen = {**scope, "trigger": item}
            held, reasons = await self._weigh(conditions, seen)
            if held:
                runs.append(await self._run(flow, event, seen))
            refusals.extend(reasons)
        if runs:
            return Judged(event, tuple(runs))
        if refusals:
            return Judged(replace(event, disposition=Disposition.FILTERED, reason={"conditions": refusals}))
        return Judged(
            replace(event, disposition=Disposition.FILTERED, reason={"message": "the split gave an empty list"})
        )

    async def _items(self, trigger: Trigger, scope: JsonObject) -> list[Json]:
        if trigger.split is None:
            return [scope["trigger"]]
        items = await self.evaluator.render(trigger.split, scope)
        if not isinstance(items, list):
            raise ExpressionError(f"split must give a list, not {items!r:.80}", template=trigger.split)
        return items

    async def _weigh(self, conditions: Iterable[Condition], scope: JsonObject) -> tuple[bool, list[JsonObject]]:
        """Whether all conditions hold, and the comparisons that stood against it."""
        all_held = True
        against: list[JsonObject] = []
        for condition in conditions:
            verdict = await evaluate(condition, scope, self.evaluator)
            if not verdict.held:
                all_held = False
                against.extend([reason for reason in verdict.reasons if not reason["held"]] or verdict.reasons)
        return all_held, against

    async def _dedupe_key(self, trigger: Trigger, scope: JsonObject, default: str | None) -> str | None:
        if trigger.dedupe is None:
            return default and default[:DEDUPE_KEY_LENGTH]
        key = await self.evaluator.render(trigger.dedupe, scope)
        return None if key in (None, "") else str(key)[:DEDUPE_KEY_LENGTH]

    async def _run(self, flow: Flow, event: EventRecord, scope: JsonObject) -> RunRecord:
        key = await self.evaluator.render(flow.per, scope) if flow.per else None
        return RunRecord(
            id=new_id(self.clock),
            flow=flow.id,
            flow_version=flow.version,
            status=Status.QUEUED,
            event_id=event.id,
            trigger_kind=event.trigger_kind,
            trigger_name=event.trigger_name,
            created_at=event.received_at,
            trigger=scope["trigger"],
            inputs=scope["inputs"],
            key=None if key is None else str(key),
        )

    def _event(self, flow: Flow, trigger: Trigger, arrival: Arrival) -> EventRecord:
        return EventRecord(
            id=new_id(self.clock),
            flow=flow.id,
            trigger_kind=trigger.kind,
            trigger_name=trigger.name,
            trigger_key=trigger.key,
            received_at=arrival.received_at or self.clock.now(),
            disposition=Disposition.STARTED,
            body=arrival.body,
            headers=arrival.headers,
            source=arrival.source,
        )


def _scope(flow: Flow, event: EventRecord, arrival: Arrival) -> JsonObject:
    return {
        "trigger": arrival.value,
        "event": {
            "id": event.id,
            "received_at": event.received_at.isoformat(),
            "headers": dict(event.headers),
            "source": event.source,
        },
        "flow": {"id": flow.id, "name": flow.name, "version": flow.version},
        "inputs": arrival.inputs,
        "vars": flow.vars,
        SEED: seed(event.received_at, event.id),
    }


def _told(flow: Flow, error: ExpressionError) -> JsonObject:
    span = flow.source.span(error.at) if error.at else error.span
    place = {"line": span.line, "column": span.column} if span else {}
    return {"message": error.message, "template": error.template, **place}
