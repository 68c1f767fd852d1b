"""One run from being claimed to being finished or put aside: read what it knows, walk, keep what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from flowengine import failpoints
from flowengine.config import Limits
from flowengine.engine import broken_off, checkpoint
from flowengine.engine.admission import TurnedAway
from flowengine.engine.checkpoint import Checkpoints
from flowengine.engine.effects import RunEffects
from flowengine.engine.giving_up import MOST_WITHOUT_FAILING, calls_under_way, died_without_progress, given_up_after
from flowengine.engine.port import FlowSource
from flowengine.engine.services import Services
from flowengine.errors import FlowEngineError, RecoveryExhausted, StorageUnavailable
from flowengine.expressions.evaluate import Evaluator
from flowengine.interpreter.effects import Failure, Outcome, Start, Suspended
from flowengine.interpreter.run import run_flow
from flowengine.record import replace
from flowengine.spec.flow import Flow
from flowengine.store import Store, action_rows
from flowengine.store.documents import timestamp
from flowengine.store.events import dropping
from flowengine.store.journal import Fenced
from flowengine.store.records import RunRecord
from flowengine.store.runs import Runs, nudge
from flowengine.types import Json, JsonObject, Path, Status, format_path

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Going:
    """A run that is in memory."""

    run: RunRecord
    resumed: bool
    """Whether it has a past: records to read before it walks."""
    task: asyncio.Task[None] | None = None
    effects: RunEffects | None = None
    cancelled: str | None = None
    """Why, when somebody cancelled it."""
    nudged: bool = False
    """Something it waits for came while it was not walking."""
    leaving: bool = False
    """The process is going to end."""
    unserved: bool = False
    """The database was away when it was needed: to be taken up again when it is back."""

    def leave(self) -> None:
        self.leaving = True
        if self.effects is not None:
            self.effects.parking.leave()

    def nudge(self) -> None:
        """Walk once more before putting it aside."""
        self.nudged = True
        if self.effects is not None:
            self.effects.again = True

    def take(self, path: Path, value: Json) -> None:
        """An answer has come for the wait at this path."""
        if self.effects is None or not self.effects.answered(path, value):
            self.nudge()

    def cancel(self, reason: str) -> None:
        self.cancelled = reason
        self.nudged = True
        if self.effects is not None:
            self.effects.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Walks runs."""

    store: Store
    services: Services
    flows: FlowSource
    evaluator: Evaluator
    limits: Limits
    link: Callable[[str], str]

    async def carry_out(self, going: Going) -> RunRecord | None:
        """The finished run; None when it was put aside or belongs to another owner now."""
        try:
            return await self._carry_out(going)
        except (Fenced, Suspended) as error:
            log.warning("run %s is left to its next owner: %s", going.run.id, error)
            return None
        except StorageUnavailable:
            going.unserved = True
            return None

    async def _carry_out(self, going: Going) -> RunRecord | None:
        while True:
            going.nudged = False
            known = await self._claim(going)
            try:
                flow = await self.flows(going.run.flow, going.run.flow_version)
            except StorageUnavailable:
                raise
            except FlowEngineError as error:
                outcome: Outcome | None = _failed("flow_version_unusable", error.message)
            else:
                outcome = _without_walking(going, known)
            if outcome is not None:
                self._end_open(going, known, outcome)
            else:
                outcome = await self._walk(going, flow, known)
            if outcome is not None:
                return await self._finish(going, outcome)
            if not await self._put_aside(going):
                return None
            going.resumed = True

    def _end_open(self, going: Going, known: Checkpoints, outcome: Outcome) -> None:
        """What was under way in a run that ends without another walk ends with it. Written before the run's own end."""
        error = outcome.error.to_json() if outcome.error else None
        for each in known.unfinished.values():
            if not each.status.finished:
                own = error and {**error, "action": format_path(each.path), "name": each.name}
                known_end = broken_off.ended(each, broken_off.STOPPED)
                ended = replace(
                    known_end, status=outcome.status, finished_at=self.store.clock.now(), due_at=None, error=own
                )
                self.store.journal.append(action_rows.put(ended, going.run.epoch, self.store.seal))
                self.services.changed(going.run, ended)

    async def _put_aside(self, going: Going) -> bool:
        """Whether the run is to walk again at once, after all."""
        assert going.effects is not None
        if going.effects.lost:
            going.unserved = going.effects.unserved
            return False
        if going.leaving or not (going.nudged or going.effects.again):
            await self._park(going)
        return not going.leaving and (going.nudged or going.effects.again)

    async def _claim(self, going: Going) -> Checkpoints:
        """Make the run this session's. Not awaited: whatever the run writes comes after it in the one journal."""
        run, epoch, now = going.run, self.store.epoch, self.store.clock.now()
        known = await self._read(going) if going.resumed else Checkpoints()
        if run.status is Status.RUNNING and run.epoch != epoch:
            known.unsure = not run.recoveries  # after the first death every call is on record before it is made
            run = _recovered(run, known.progress)
        elif run.status is Status.RUNNING:
            return known
        began = run.started_at or (None if _never_begins(going) else now)
        going.run = replace(run, status=Status.RUNNING, epoch=epoch, due_at=None, started_at=began)
        self.store.journal.append(Runs.claim(going.run, epoch, began))
        self.services.changed(going.run, None)
        return known

    async def _read(self, going: Going) -> Checkpoints:
        await self.store.journal.settled()
        run_id = going.run.id
        return checkpoint.read(await self.store.runs.actions(run_id, reveal=True), await self.store.runs.marks(run_id))

    async def _walk(self, going: Going, flow: Flow, known: Checkpoints) -> Outcome | None:
        """One walk from the top; None when it was suspended."""
        start = await self._start(going.run, flow)
        known.cancelled = known.cancelled if going.cancelled is None else going.cancelled
        going.cancelled = known.cancelled
        effects = going.effects = RunEffects(going.run, flow, known, self.services)
        effects.task = asyncio.current_task()
        if going.leaving:
            effects.parking.leave()
        try:
            return await run_flow(flow, start, effects, self.evaluator, self.limits)
        except Suspended:
            return None
        except asyncio.CancelledError:
            if going.leaving:
                effects.parking.interrupted = True
                return None
            return Outcome(status=Status.CANCELLED)
        except BaseExceptionGroup as group:
            if group.subgroup(Suspended) is None:
                raise
            return None
        except Exception as error:
            log.exception("run %s broke", going.run.id)
            return _failed("engine_mistake", f"the engine made a mistake ({type(error).__name__}); its log tells more")
        finally:
            # From here on the run ends or is put aside whole: whoever cancels it now is too late, or is seen afterwards.
            effects.task = None

    async def _start(self, run: RunRecord, flow: Flow) -> Start:
        assert run.started_at is not None
        return Start(
            run_id=run.id,
            started_at=run.started_at,
            trigger=run.trigger,
            event=await self._event(run, flow),
            inputs=run.inputs,
            link=self.link(run.id),
        )

    async def _event(self, run: RunRecord, flow: Flow) -> JsonObject:
        """What templates see as `event`; not read for a flow whose text never says the word."""
        if run.event_id is None or "event" not in flow.source.text:
            return {}
        event = await self.store.events.get(run.event_id)
        received = timestamp(event.received_at)
        return {"id": event.id, "received_at": received, "headers": dict(event.headers), "source": event.source}

    async def _park(self, going: Going) -> None:
        """Put the run aside until it is due, or at the head of the queue when it was interrupted."""
        effects = going.effects
        assert effects is not None
        effects.flush()
        status = Status.QUEUED if effects.parking.interrupted else Status.WAITING
        due_at = None if effects.parking.interrupted else effects.parking.due_at
        failpoints.reach("before_park")
        await self.store.journal.commit(Runs.park(going.run.id, going.run.epoch, status, due_at))
        failpoints.reach("after_park")
        going.run = replace(going.run, status=status, due_at=due_at)
        going.resumed = True
        self.services.changed(going.run, None)

    async def _finish(self, going: Going, outcome: Outcome) -> RunRecord:
        run, now = going.run, self.store.clock.now()
        error = _error_of(going, outcome)
        done = replace(run, status=outcome.status, finished_at=now, error=error, output=outcome.output, due_at=None)
        writes = [Runs.finish(run.id, run.epoch, done.status, now, error, done.output)]
        if run.parent is not None:
            writes.append(nudge(run.parent[0], now))
        if _came_to_nothing(going) and run.event_id is not None and error is not None:
            writes += dropping(run.event_id, run.id, error)
        failpoints.reach("before_run_finish")
        await self.store.journal.commit(*writes)
        failpoints.reach("after_run_finish")
        going.run = done
        return done


def _recovered(run: RunRecord, progress: int) -> RunRecord:
    """The counts after a crash: only crashes without progress in between add up (reliability's G7)."""
    return replace(run, recoveries=run.recoveries + 1 if progress <= run.progress else 1, progress=progress)


def _failed(code: str, message: str, action: str = "", name: str = "") -> Outcome:
    return Outcome(status=Status.FAILED, error=Failure(action=action, name=name, code=code, message=message))


def _without_walking(going: Going, known: Checkpoints) -> Outcome | None:
    """What becomes of a run that is not to walk any more, or never was."""
    if died_without_progress(going.run, known) >= MOST_WITHOUT_FAILING:
        return _exhausted(going.run, known)
    return Outcome(status=Status.CANCELLED) if _never_begins(going) else None


def _exhausted(run: RunRecord, known: Checkpoints) -> Outcome:
    at = next((known.unfinished[path] for path in calls_under_way(known)), None)
    return _failed(
        RecoveryExhausted.code,
        given_up_after(run.recoveries),
        format_path(at.path) if at else "",
        at.name if at else "",
    )


def _never_begins(going: Going) -> bool:
    """Whether the run was cancelled while it waited for its place."""
    return going.cancelled is not None and not going.resumed and going.effects is None


def _came_to_nothing(going: Going) -> bool:
    """Whether this is what became of its event: runs that are done again have one that started another run before."""
    return isinstance(going.cancelled, TurnedAway) and _never_begins(going) and going.run.resubmitted_from is None


def _error_of(going: Going, outcome: Outcome) -> JsonObject | None:
    if outcome.error is not None:
        error = outcome.error.to_json()
        hidden = going.effects is not None and outcome.error.action in going.effects.secured
        return action_rows.hidden_error(error) if hidden else error
    if outcome.status is Status.CANCELLED:
        message = str(going.cancelled or "the run was cancelled")
        return Failure(action="", name="", code="cancelled", message=message).to_json()
    return None
