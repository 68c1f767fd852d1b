"""Durable waits: for a time, an answer, a callback, another flow."""

from __future__ import annotations

import asyncio
from datetime import datetime

from flowengine import failpoints
from flowengine.engine import parking
from flowengine.engine.checkpoint import Checkpoints, failure_of
from flowengine.engine.giving_up import GivingUp
from flowengine.engine.ledger import Ledger
from flowengine.engine.parking import Parking
from flowengine.engine.services import Services
from flowengine.errors import ActionError, ActionTimedOut
from flowengine.interpreter.effects import Wait, WaitForAnswer, WaitForCallback, WaitForFlow, WaitForTime
from flowengine.record import replace
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Json, JsonObject, Path, Status


class Waits:
    """The waits of one walk."""

    def __init__(
        self,
        run: RunRecord,
        known: Checkpoints,
        ledger: Ledger,
        parked: Parking,
        services: Services,
        giving_up: GivingUp,
    ) -> None:
        self._run = run
        self._known = known
        self._ledger = ledger
        self._parking = parked
        self._services = services
        self._giving_up = giving_up
        self._asked: dict[Path, asyncio.Event] = {}

    async def wait(self, path: Path, name: str, wait: Wait) -> Json:
        """What came. Its end is on record, but for a cancelled one; raises `ActionError`, `Suspended`."""
        begun = self._ledger.begun(path) if self._ledger.is_under_way(path) else self._begin(path, name, wait)
        try:
            self._giving_up.check(path)
            value = await self._what_comes(path, wait, begun.due_at)
        except ActionError as error:
            status = Status.TIMED_OUT if isinstance(error, ActionTimedOut) else Status.FAILED
            await self._ledger.conclude(path, status, error=failure_of(path, name, error))
            raise
        await self._ledger.conclude(path, Status.SUCCEEDED, outputs=value)
        return value

    async def open(self, path: Path, name: str, wait: Wait) -> None:
        """Begin a wait whose answer may come before `wait` is reached; durable on return."""
        if path not in self._known.finished and not self._ledger.is_under_way(path):
            self._known.unsure = self._known.unsure and path in self._known.unfinished
            await self._ledger.commit(self._begin(path, name, wait))

    def answered(self, path: Path, value: Json) -> bool:
        """An answer has come for the wait at this path; gives whether the walk is just there."""
        self._known.answers[path] = value
        if path not in self._asked:
            return False
        self._asked[path].set()
        return True

    def _begin(self, path: Path, name: str, wait: Wait) -> ActionRecord:
        kind, inputs, due_at = _described(wait)
        begun = self._ledger.begin(path, name, kind, inputs, frozenset(), Status.WAITING)
        before = self._known.unfinished.get(path)
        if before is None or before.status is not Status.WAITING:
            begun = replace(begun, due_at=due_at)
            self._ledger.change(begun)
            self._ledger.put(begun)
        failpoints.reach("in_wait")
        return begun

    async def _what_comes(self, path: Path, wait: Wait, due_at: datetime | None) -> Json:
        match wait:
            case WaitForTime():
                await self._parking.pause(due_at or wait.until)
                return None
            case WaitForAnswer() | WaitForCallback():
                return await self._answer(path, due_at)
            case WaitForFlow():
                return await self._output(path, wait, due_at)

    async def _answer(self, path: Path, deadline: datetime | None) -> Json:
        came = self._asked.setdefault(path, asyncio.Event())
        patience = self._parking.clock.now() + parking.PATIENCE
        try:
            while path not in self._known.answers:
                now = self._parking.clock.now()
                if deadline is not None and now >= deadline:
                    raise ActionTimedOut("nobody answered in time")
                if now >= patience:
                    raise self._parking.put_aside(deadline)
                await self._parking.doze(min(parking.DOZE, (patience - now).total_seconds()), came)
        finally:
            del self._asked[path]
        return self._known.answers[path]

    async def _output(self, path: Path, wait: WaitForFlow, deadline: datetime | None) -> Json:
        child = await self._services.begin_child(self._run, path, wait)
        if not child.status.finished:
            child = await self._end_of(child, wait, deadline)
        if child.status is Status.SUCCEEDED:
            return child.output
        why = (child.error or {}).get("message", "")
        raise ActionError(f'flow "{wait.flow}" ended as {child.status}: {why} (run {child.id})', body=child.output)

    async def _end_of(self, child: RunRecord, wait: WaitForFlow, deadline: datetime | None) -> RunRecord:
        clock = self._parking.clock
        patience = clock.now() + parking.PATIENCE
        seconds = (min(deadline or patience, patience) - clock.now()).total_seconds()
        ended = await self._parking.unless_leaving(self._services.ended(child.id, max(seconds, 0)))
        if ended is not None:
            return ended
        if deadline is not None and clock.now() >= deadline:
            raise ActionTimedOut(f'flow "{wait.flow}" did not end in time (run {child.id})')
        raise self._parking.put_aside(deadline)


def _described(wait: Wait) -> tuple[str, JsonObject, datetime | None]:
    """Kind, recorded inputs and due time of a wait."""
    match wait:
        case WaitForTime():
            return "wait", {"until": wait.until.isoformat()}, wait.until
        case WaitForAnswer():
            return "ask", {"to": wait.to, "question": wait.question, "choices": list(wait.choices)}, wait.deadline
        case WaitForCallback():
            return "wait_for", {}, wait.deadline
        case WaitForFlow():
            return "call", {"flow": wait.flow, "inputs": wait.inputs}, wait.deadline
