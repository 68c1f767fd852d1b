"""The effects of one walk of one run: every call, wait and record, kept under its path.

What finished before answers at once. Everything else is live: it is done, put on record, and durable before the flow goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, TypeVar

from flowengine.engine import broken_off
from flowengine.engine.checkpoint import Checkpoints, failure_of, outputs_of, value_of
from flowengine.engine.giving_up import GivingUp
from flowengine.engine.ledger import Ledger
from flowengine.engine.limits import TimeLimit
from flowengine.engine.operations import Operations
from flowengine.engine.parking import Parking
from flowengine.engine.services import Services
from flowengine.engine.waits import Waits
from flowengine.errors import ActionError, ActionTimedOut, StorageUnavailable
from flowengine.interpreter.effects import (
    ActionEvent,
    Response,
    Suspended,
    Wait,
    WaitForCallback,
)
from flowengine.manifests.operation import CALLBACK
from flowengine.spec.actions import Ask, OperationAction
from flowengine.spec.flow import Flow
from flowengine.store.records import RunRecord
from flowengine.types import Json, JsonObject, Outputs, Path, Status, format_path

T = TypeVar("T")


class RunEffects:
    """One walk. Made anew for each: what it knows at the beginning are the records of the walks before."""

    def __init__(self, run: RunRecord, flow: Flow, known: Checkpoints, services: Services) -> None:
        self.run = run
        self.flow = flow
        self.task: asyncio.Task[Any] | None = None
        """The walk's own, for cancelling it; set by who starts it."""
        self.again = False
        """Something that a suspended branch waited for has come: walk again as soon as the live branches have stopped."""
        self.secured: set[str] = set()
        """Paths of actions whose errors are shown to nobody."""
        self._known = known
        self._services = services
        self._clock = services.store.clock
        self._ledger = Ledger(run, known, services.store, services.changed, services.tenure)
        self.parking = Parking(self._clock)
        giving_up = GivingUp(run, known)
        self._waits = Waits(run, known, self._ledger, self.parking, services, giving_up)
        self._operations = Operations(run, flow, known, self._ledger, self.parking, services, giving_up)
        self._live: set[Path] = set()
        self._limits: list[TimeLimit] = []
        self._cancelling = known.cancelled is not None
        self._choices: dict[Path, tuple[str, ...]] = {}
        """Of every `ask` whose links somebody wants."""

    # The port.

    async def invoke(self, path: Path, action: OperationAction, inputs: JsonObject) -> Outputs:
        if action.secure:
            self.secured.add(format_path(path))
        done = self._known.finished.get(path)
        if done is not None:
            return outputs_of(done)
        await self._come_to(path, action.name)
        self._live.add(path)
        try:
            if self._services.subscribes(action, inputs):
                return await self._subscribe_and_wait(path, action, inputs)
            return await self._operate(path, action, inputs)
        except StorageUnavailable:
            raise self._ledger.leave_unserved() from None
        finally:
            self._live.discard(path)

    async def wait(self, path: Path, name: str, wait: Wait) -> Json:
        done = self._known.finished.get(path)
        if done is not None:
            return value_of(done)
        await self._come_to(path, name)
        self._live.add(path)
        try:
            return await self._waits.wait(path, name, wait)
        except asyncio.CancelledError:
            if self._ledger.is_under_way(path):
                self._ledger.finish(self._ledger.begun(path), Status.CANCELLED, error=self._why_cancelled(path, name))
            raise
        except StorageUnavailable:
            raise self._ledger.leave_unserved() from None
        finally:
            self._live.discard(path)

    async def now(self, path: Path) -> datetime:
        if path not in self._known.times:
            at = self._known.times[path] = self._clock.now()
            self._ledger.note(path, "now", at.isoformat(), at)
        return self._known.times[path]

    async def limit(self, path: Path, until: datetime, work: Coroutine[Any, Any, T]) -> T:
        limit = TimeLimit(path, until, self._clock, self._live)
        self._limits.append(limit)
        try:
            async with limit:
                return await work
        except Suspended:
            self.parking.due(until)
            raise
        finally:
            self._limits.remove(limit)

    async def record(self, event: ActionEvent) -> None:
        done = self._known.finished.get(event.path)
        if done is not None and (done.status is event.status or event.status is Status.RUNNING):
            return
        if event.status.finished and self._ledger.is_new(event.path):
            self._ledger.put_whole(event)
            return
        begun = self._ledger.begin(event.path, event.name, event.kind, event.inputs, event.secure)
        if event.status is Status.RUNNING:
            return
        self._ledger.finish(
            begun,
            event.status,
            inputs=begun.inputs if event.inputs is None else event.inputs,
            secure=event.secure or begun.secure,
            outputs=event.outputs,
            error=event.error.to_json() if event.error else None,
            skipped_because=event.skipped_because,
        )

    async def respond(self, path: Path, response: Response) -> None:
        if not self._known.responded:
            self._known.responded = True
            said = {"status": response.status, "headers": response.headers, "body": response.body}
            self._ledger.note(path, "response", said, self._clock.now())
            self._services.responded(self.run.id, response)

    def address(self, path: Path, kind: Literal["approval", "callback"]) -> JsonObject:
        if kind == "approval" and path not in self._choices:
            written = tuple(part for part in path if isinstance(part, str))
            asked = (action for place, action in self.flow.walk() if place == written and isinstance(action, Ask))
            self._choices[path] = next((action.choices for action in asked), ())
        return self._services.address(self.run.id, path, kind, self._choices.get(path, ()))

    # For the engine.

    def cancel(self) -> None:
        """End the walk as cancelled; its `finally` parts run."""
        if self.task is not None:
            self.task.cancel()

    def answered(self, path: Path, value: Json) -> bool:
        """An answer has come for the wait at this path; gives whether the walk is just there."""
        return self._waits.answered(path, value)

    def flush(self, before: datetime | None = None) -> None:
        """Put actions on record that still go on; see `Ledger.flush`."""
        with suppress(Suspended):
            self._ledger.flush(before)

    @property
    def lost(self) -> bool:
        """The run has another owner, or the database is away: nothing more is written."""
        return self._ledger.lost

    @property
    def unserved(self) -> bool:
        """The database is away; the run is to be taken up again."""
        return self._ledger.unserved

    # Operations.

    async def _operate(self, path: Path, action: OperationAction, inputs: JsonObject) -> Outputs:
        begun = await self._operations.begin(path, action, inputs)
        try:
            tried = await self._operations.attempt(begun, action, inputs)
        except asyncio.CancelledError:
            if self.parking.leaving:
                raise self.parking.interrupt() from None
            self._operations.cancelled(path, self._why_cancelled(path, action.name))
            raise
        return await self._operations.settle(path, action, tried)

    async def _subscribe_and_wait(self, path: Path, action: OperationAction, inputs: JsonObject) -> Outputs:
        """An action that gives the service an address and is done when something is posted there, which is its body.

        Both halves have places of their own below the action: a service that was told is not told again after a crash.
        """
        self._ledger.begin(path, action.name, action.kind, inputs, action.secure)
        answer = (*path, "answer")
        deadline = self._clock.now() + action.timeout if action.timeout else None
        try:
            # The address is open before the service knows it: some call back before they have answered.
            await self._waits.open(answer, action.name, WaitForCallback(deadline))
            url = self.address(answer, "callback")["url"]
            await self.invoke((*path, "subscribe"), action, {**inputs, CALLBACK: url})
            body = await self.wait(answer, action.name, WaitForCallback(deadline))
        except ActionError as error:
            status = Status.TIMED_OUT if isinstance(error, ActionTimedOut) else Status.FAILED
            failure = failure_of(path, action.name, error, action.span.line, action.span.column)
            if self._ledger.is_under_way(answer):  # the service was not told where to answer
                self._ledger.finish(self._ledger.begun(answer), Status.CANCELLED, error=failure)
            await self._ledger.conclude(path, status, error=failure)
            raise
        except asyncio.CancelledError:
            if not self.parking.leaving:
                self._ledger.finish(
                    self._ledger.begun(path), Status.CANCELLED, error=self._why_cancelled(path, action.name)
                )
            raise
        outputs = Outputs(200, {}, body)
        await self._ledger.conclude(path, Status.SUCCEEDED, outputs=outputs.to_json())
        return outputs

    async def _come_to(self, path: Path, name: str) -> None:
        """Before anything live: is the run still to go on, and is there time left for this?"""
        if self.lost or self.again or self.parking.leaving:
            raise self.parking.interrupt()
        struck = any(limit.strikes(path) for limit in self._limits)
        if not struck and not self._cancelling:
            return
        if not struck:
            self._cancelling = False
            self.cancel()
        self._abandon(path, name)
        await _cancellation()

    def _abandon(self, path: Path, name: str) -> None:
        """What an earlier walk began here, such as a wait, is not gone on with."""
        before = self._known.unfinished.get(path)
        if before is not None and not before.status.finished:
            begun = self._ledger.begin(path, name, before.kind, before.inputs, before.secure)
            begun = broken_off.ended(begun, broken_off.STOPPED)
            self._ledger.finish(begun, Status.CANCELLED, error=self._why_cancelled(path, name))

    def _why_cancelled(self, path: Path, name: str) -> JsonObject:
        struck = next((limit for limit in self._limits if limit.struck and limit.covers(path)), None)
        error = ActionTimedOut(struck.message) if struck else ActionError("the run was cancelled")
        return {**failure_of(path, name, error), "code": "timed_out" if struck else "cancelled"}


async def _cancellation() -> None:
    """A cancellation of this very walk is on its way."""
    await asyncio.get_running_loop().create_future()
