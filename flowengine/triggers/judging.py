"""What an event is and which runs it starts. Pure but for templates: nothing is written here.

dedupe key -> split -> conditions. Every event gets its disposition and the reason, whether or not it starts anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime

from flowengine.errors import ExpressionError
from flowengine.expressions.evaluate import Evaluator
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.interpreter.conditions import evaluate
from flowengine.record import record, replace
from flowengine.spec.conditions import Condition
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import Trigger
from flowengine.store.ids import new_id
from flowengine.store.records import EventRecord, RunRecord
from flowengine.types import Clock, Disposition, Json, JsonObject, Status

DEDUPE_KEY_LENGTH = 512
"""Of longer keys the end is stored as its hash: two that begin alike are two."""


@record(frozen=True, slots=True, kw_only=True)
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


@record(frozen=True, slots=True)
class Judged:
    """What is to be committed for one event."""

    event: EventRecord
    runs: tuple[RunRecord, ...] = ()


class Judge:
    """Weighs events."""

    def __init__(self, evaluator: Evaluator, clock: Clock) -> None:
        self.evaluator = evaluator
        self.clock = clock

    async def judge(self, flow: Flow, trigger: Trigger, arrival: Arrival, *, enabled: bool = True) -> Judged:
        """Decide what the event is and which runs it starts. Nothing is written."""
        event = self.event(flow, trigger, arrival)
        if not enabled:
            return Judged(
                replace(event, disposition=Disposition.DISABLED, reason={"message": "the flow is switched off"})
            )
        scope = _scope(flow, trigger, event, arrival)
        try:
            key = await self._dedupe_key(trigger, scope, arrival.dedupe_key)
            event = event if key is None else replace(event, dedupe_key=key)
            return await self._runs(flow, trigger, event, scope)
        except ExpressionError as error:
            return Judged(replace(event, disposition=Disposition.FAILED, reason=_told(flow, error)))

    async def _runs(self, flow: Flow, trigger: Trigger, event: EventRecord, scope: JsonObject) -> Judged:
        conditions = (*flow.conditions, *trigger.conditions)
        runs: list[RunRecord] = []
        refusals: list[JsonObject] = []
        for item in await self._items(trigger, scope):
            seen = scope if trigger.split is None else {**scope, "trigger": item}
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
            return default and _storable(default)
        key = await self.evaluator.render(trigger.dedupe, scope)
        return None if key in (None, "") else _storable(str(key))

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

    def event(self, flow: Flow, trigger: Trigger, arrival: Arrival) -> EventRecord:
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


def _storable(key: str) -> str:
    if len(key) <= DEDUPE_KEY_LENGTH:
        return key
    ending = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{key[: DEDUPE_KEY_LENGTH - len(ending)]}{ending}"


def _scope(flow: Flow, trigger: Trigger, event: EventRecord, arrival: Arrival) -> JsonObject:
    """What the trigger's templates see; only what makes a run where there are none."""
    if not (flow.conditions or flow.per or trigger.conditions or trigger.split or trigger.dedupe):
        return {"trigger": arrival.value, "inputs": arrival.inputs}
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
