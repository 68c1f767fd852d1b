"""Operations: attempts on record, so that another life of the process goes on where this one stopped."""

from __future__ import annotations

import logging
from datetime import datetime

from flowengine import failpoints
from flowengine.engine import broken_off, trail
from flowengine.engine.attempt import Tried, policy_of, try_until
from flowengine.engine.checkpoint import Checkpoints, failure_of
from flowengine.engine.giving_up import GivingUp
from flowengine.engine.ledger import Ledger
from flowengine.engine.parking import Parking
from flowengine.engine.services import Services
from flowengine.errors import (
    ActionError,
    ActionTimedOut,
    FlowEngineError,
    OutcomeUnknown,
    RecoveryExhausted,
    StorageUnavailable,
)
from flowengine.record import record, replace
from flowengine.spec.actions import OperationAction
from flowengine.spec.flow import Flow
from flowengine.store.records import ActionRecord, Attempt, RunRecord
from flowengine.types import JsonObject, Outputs, Path, Status, format_path

log = logging.getLogger(__name__)


class Operations:
    """The operations of one walk. Each is begun, tried and settled; only the trying may be cancelled or put aside."""

    def __init__(
        self,
        run: RunRecord,
        flow: Flow,
        known: Checkpoints,
        ledger: Ledger,
        parked: Parking,
        services: Services,
        giving_up: GivingUp,
    ) -> None:
        self._run = run
        self._flow = flow
        self._known = known
        self._ledger = ledger
        self._parking = parked
        self._services = services
        self._giving_up = giving_up
        self._clock = services.store.clock
        self._careful: set[Path] = set()
        """Operations that are not to be repeated when it is unknown whether they were carried out."""

    async def begin(self, path: Path, action: OperationAction, inputs: JsonObject) -> ActionRecord:
        """The record, with the attempts of an earlier life; durable where a repetition could harm."""
        if action.retry is not None and action.retry.on_unknown == "fail":
            self._careful.add(path)
        begun = self._with_its_past(self._ledger.begin(path, action.name, action.kind, inputs, action.secure))
        self._ledger.change(begun)
        if not begun.attempts and self._must_be_known(path):
            await self._ledger.commit(begun)
        await self._ledger.settle()
        return begun

    def _with_its_past(self, begun: ActionRecord) -> ActionRecord:
        """With what became of a call that was, or may have been, under way when a former engine died."""
        before = self._known.unfinished.get(begun.path)
        if before is not None:
            return broken_off.taken_up(begun) if before.status is Status.RUNNING else begun
        if self._known.unsure and begun.path not in self._careful:
            return broken_off.perhaps(begun, self._known.latest or self._run.started_at or begun.started_at)
        return begun

    def _must_be_known(self, path: Path) -> bool:
        """Whether a call is on record before it is made: were the process to die in it, the next life must know."""
        return path in self._careful or self._run.recoveries > 0

    async def attempt(self, begun: ActionRecord, action: OperationAction, inputs: JsonObject) -> Tried:
        """Try until it succeeds or is given up. Raises `Suspended`."""
        path, before = begun.path, begun.attempts
        try:
            self._giving_up.check(path)
        except RecoveryExhausted as error:
            return Tried(before, error=error)
        if begun.due_at is not None:
            await self.pause(path, begun.due_at)
        policy = policy_of(action.retry, repeatable=self._services.repeatable(action, inputs))
        if before and broken_off.is_broken_off(before[-1]) and policy.on_unknown is False:
            return Tried(before, error=OutcomeUnknown(broken_off.STOPPED))
        return await try_until(
            lambda seconds: self._call(path, action, inputs, seconds),
            policy,
            _Journey(self, path),
            self._clock,
            before=before,
            deadline=self._ledger.begun(path).started_at + action.timeout if action.timeout else None,
            longest=self._services.attempt_seconds,
        )

    async def settle(self, path: Path, action: OperationAction, tried: Tried) -> Outputs:
        """Put the end on record. Raises the `ActionError` of one that failed."""
        if tried.outputs is not None:
            count = len(tried.attempts)
            outputs = tried.outputs if count == 1 else replace(tried.outputs, attempts=count)
            await self._ledger.conclude(path, Status.SUCCEEDED, attempts=tried.attempts, outputs=outputs.to_json())
            return outputs
        assert tried.error is not None
        tried.error.attempts = max(len(tried.attempts), 1)
        error = failure_of(path, action.name, tried.error, action.span.line, action.span.column)
        status = Status.TIMED_OUT if isinstance(tried.error, ActionTimedOut) else Status.FAILED
        await self._ledger.conclude(path, status, attempts=tried.attempts, error=error)
        raise tried.error

    async def _call(self, path: Path, action: OperationAction, inputs: JsonObject, seconds: float) -> Outputs:
        """One call. What is not an `ActionError` becomes one, so that a mistake in here fails an action and not the engine."""
        failpoints.reach("before_http_request")
        where = format_path(path)
        trail.PATH.set(where)
        key = f"{self._run.id}:{where}"
        try:
            outputs = await self._services.call(self._run, self._flow, path, action, inputs, key, seconds)
        except (ActionError, StorageUnavailable):
            raise
        except FlowEngineError as error:
            raise ActionError(error.message) from error
        except Exception as error:
            log.exception("run %s: %s broke", self._run.id, where)
            raise ActionError(f"the engine made a mistake ({type(error).__name__}); its log tells more") from error
        failpoints.reach("after_http_response")
        return outputs

    async def tried(self, path: Path, attempts: tuple[Attempt, ...], due_at: datetime | None, *, unknown: bool) -> None:
        """A failed attempt that another follows."""
        record = replace(self._ledger.begun(path), attempts=attempts, due_at=due_at)
        self._ledger.change(record)
        if unknown:
            await self._ledger.commit(record)
        else:
            self._ledger.put(record)
        failpoints.reach("in_backoff")

    async def pause(self, path: Path, until: datetime) -> None:
        """Between two attempts."""
        await self._parking.pause(until)

    async def again(self, path: Path, attempts: tuple[Attempt, ...], started_at: datetime) -> None:
        """Another attempt begins: on record before it, and durable where a repetition could harm."""
        begun = replace(self._ledger.begun(path), attempts=attempts, due_at=None)
        record = broken_off.again(begun, started_at)
        self._ledger.change(record)
        if self._must_be_known(path):
            await self._ledger.commit(record)
        else:
            self._ledger.put(record)
        await self._ledger.settle()

    def cancelled(self, path: Path, error: JsonObject) -> None:
        """The action was cancelled while it was tried."""
        self._ledger.finish(
            broken_off.ended(self._ledger.begun(path), broken_off.CANCELLED), Status.CANCELLED, error=error
        )


@record(frozen=True, slots=True)
class _Journey:
    """What the retry loop sees of an operation."""

    operations: Operations
    path: Path

    async def tried(self, attempts: tuple[Attempt, ...], due_at: datetime | None, *, unknown: bool) -> None:
        await self.operations.tried(self.path, attempts, due_at, unknown=unknown)

    async def pause(self, until: datetime) -> None:
        await self.operations.pause(self.path, until)

    async def again(self, attempts: tuple[Attempt, ...], started_at: datetime) -> None:
        await self.operations.again(self.path, attempts, started_at)
