"""Rehearsing a flow: an event is judged and its runs are walked as they would be, with nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import orjson

from flowengine.app.manual import by_hand
from flowengine.config import Limits
from flowengine.engine.port import Repeatable
from flowengine.engine.rehearsal import Asked, NotMocked, Outside, RehearsedEffects, Told
from flowengine.engine.scripted import Script
from flowengine.engine.virtual import VirtualClock
from flowengine.errors import ActionError, FlowEngineError
from flowengine.expressions.evaluate import Evaluator
from flowengine.interpreter.effects import Outcome, Response, Start, WaitForAnswer, WaitForCallback, WaitForFlow
from flowengine.interpreter.run import run_flow
from flowengine.spec.actions import ForEach, OperationAction, Parallel
from flowengine.spec.flow import Flow
from flowengine.store.records import ActionRecord, EventRecord, RunRecord
from flowengine.triggers.inputs import settle_inputs
from flowengine.triggers.judging import Arrival, Judge, Judged
from flowengine.types import Json, JsonObject, Outputs, Path, Status, format_path

DEEPEST: Final = 20
"""Flows that call flows: more are taken for a circle."""
RUN_ID: Final = "00000000000000000000000000"
"""The id of a rehearsed run: always the same, so that what is drawn by chance is, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a flow is rehearsed with."""

    now: datetime
    event: Json = None
    """The event's body; judged by the flow's conditions, and split."""
    trigger: Json = None
    """What `trigger` is to one run, past conditions and split; wins over `event`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)
    script: Script = field(default_factory=lambda: Script({}))
    run_id: str = RUN_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """One rehearsed run."""

    run: RunRecord
    actions: tuple[ActionRecord, ...]
    responses: tuple[Response, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of it."""

    event: EventRecord
    runs: tuple[Rehearsed, ...]
    calls: tuple[Asked, ...]


class Offline:
    """Nothing answers but the script."""

    def __init__(self) -> None:
        self.unanswered: list[str] = []
        """What found no answer, in words: a flow may catch the failure, and would hide it."""

    async def call(
        self, flow: Flow, path: Path, action: OperationAction, inputs: JsonObject, seconds: float
    ) -> Outputs:
        raise self._unanswered(
            f"no answer is given for {action.use} at {format_path(path)}; write one under `answers:`"
        )

    def answer(self, path: Path, name: str, wait: WaitForAnswer | WaitForCallback) -> Json:
        what = "choice" if isinstance(wait, WaitForAnswer) else "body"
        raise NotMocked(f'nobody answers "{name}"; write the {what} under `answers:`')

    def _unanswered(self, told: str) -> NotMocked:
        self.unanswered.append(told)
        return NotMocked(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where flows are rehearsed: what they may call, and what answers."""

    outside: Offline
    flows: Callable[[str], Flow]
    """The flow of an id, for `call`. Raises `FlowEngineError`."""
    evaluator: Evaluator
    repeatable: Repeatable
    limits: Limits = field(default_factory=Limits)

    async def rehearse(self, flow: Flow, given: Given) -> Rehearsal:
        """Judge the event and walk each run it starts to its end. Raises `InvalidInputs` for the inputs."""
        clock = VirtualClock(given.now, alone=not _side_by_side(flow))
        judged = await self._judge(flow, given, clock)
        calls: list[Asked] = []
        runs = [
            await self._walk(
                flow, replace(run, id=_numbered(given.run_id, at)), judged.event, given.script, clock, calls
            )
            for at, run in enumerate(judged.runs)
        ]
        return Rehearsal(judged.event, tuple(runs), tuple(calls))

    async def _judge(self, flow: Flow, given: Given, clock: VirtualClock) -> Judged:
        inputs = settle_inputs(flow, given.inputs)
        direct = given.trigger is not None
        value = given.trigger if direct else inputs if given.event is None else given.event
        arrival = Arrival(
            value=value, body=orjson.dumps(value), headers=given.headers, inputs=inputs, source="rehearsal"
        )
        trigger = by_hand(flow, with_event=given.event is not None and not direct)
        if direct:
            flow, trigger = replace(flow, conditions=()), replace(trigger, conditions=(), split=None)
        return await Judge(self.evaluator, clock).judge(flow, trigger, arrival)

    async def _walk(
        self,
        flow: Flow,
        run: RunRecord,
        event: EventRecord | None,
        script: Script,
        clock: VirtualClock,
        calls: list[Asked],
        under: Path = (),
        depth: int = 0,
    ) -> Rehearsed:
        run = replace(run, started_at=clock.now())
        told = Told(calls=calls)
        effects = RehearsedEffects(
            run.id,
            flow,
            script=script,
            outside=_Called(self, script, clock, calls, under, depth),
            clock=clock,
            repeatable=self.repeatable,
            attempt_seconds=self.limits.attempt_seconds,
            told=told,
            under=under,
        )
        start = Start(
            run_id=run.id,
            started_at=clock.now(),
            trigger=run.trigger,
            event=_event(event),
            inputs=run.inputs,
            link=f"http://rehearsal.invalid/runs/{run.id}",
        )
        outcome = await run_flow(flow, start, effects, self.evaluator, self.limits)
        return Rehearsed(
            run=_finished(run, outcome, clock.now()),
            actions=tuple(sorted(told.actions.values(), key=lambda action: action.number)),
            responses=tuple(told.responses),
        )

    async def call(
        self, wait: WaitForFlow, script: Script, clock: VirtualClock, calls: list[Asked], under: Path, depth: int
    ) -> Json:
        """Walk the flow that a `call` names, and give its output. Raises `ActionError`."""
        if depth >= DEEPEST:
            raise ActionError(f"flows call each other more than {DEEPEST} deep")
        try:
            flow = self.flows(wait.flow)
            inputs = settle_inputs(flow, wait.inputs)
        except ActionError:
            raise
        except FlowEngineError as error:
            raise ActionError(error.message) from None
        run = RunRecord(
            id=RUN_ID,
            flow=flow.id,
            flow_version=flow.version,
            status=Status.RUNNING,
            event_id=None,
            trigger_kind="call",
            trigger_name="call",
            created_at=clock.now(),
            trigger=inputs,
            inputs=inputs,
        )
        ended = (await self._walk(flow, run, None, script, clock, calls, under, depth)).run
        if ended.status is Status.SUCCEEDED:
            return ended.output
        why = (ended.error or {}).get("message", "")
        raise ActionError(f'flow "{wait.flow}" ended as {ended.status}: {why}', body=ended.output)


@dataclass(frozen=True, slots=True)
class _Called(Outside):
    """The stage's outside, and the flows that this run calls."""

    stage: Stage
    script: Script
    clock: VirtualClock
    calls: list[Asked]
    under: Path
    depth: int

    async def call(
        self, flow: Flow, path: Path, action: OperationAction, inputs: JsonObject, seconds: float
    ) -> Outputs:
        return await self.stage.outside.call(flow, path, action, inputs, seconds)

    def answer(self, path: Path, name: str, wait: WaitForAnswer | WaitForCallback) -> Json:
        return self.stage.outside.answer(path, name, wait)

    async def run(self, path: Path, wait: WaitForFlow) -> Json:
        return await self.stage.call(wait, self.script, self.clock, self.calls, (*self.under, *path), self.depth + 1)


def _side_by_side(flow: Flow) -> bool:
    return any(
        isinstance(action, Parallel) or (isinstance(action, ForEach) and action.at_once > 1)
        for _, action in flow.walk()
    )


def _numbered(run_id: str, at: int) -> str:
    return run_id if at == 0 else f"{run_id[:-4]}{at:04d}"


def _event(event: EventRecord | None) -> JsonObject:
    if event is None:
        return {}
    received = event.received_at.isoformat()
    return {"id": RUN_ID, "received_at": received, "headers": dict(event.headers), "source": event.source}


def _finished(run: RunRecord, outcome: Outcome, now: datetime) -> RunRecord:
    error = outcome.error.to_json() if outcome.error else None
    return replace(run, status=outcome.status, finished_at=now, error=error, output=outcome.output)
