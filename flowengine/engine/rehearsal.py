"""Rehearsed runs: the same interpreter and the same retries, but answers from a script and a clock that jumps over waits.

Nothing is stored, and nothing leaves the process but what the `Outside` lets out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from flowengine.engine.attempt import policy_of, try_until
from flowengine.engine.checkpoint import failure_of
from flowengine.engine.limits import TimeLimit
from flowengine.engine.port import Repeatable
from flowengine.engine.scripted import Script, Scripted
from flowengine.engine.virtual import VirtualClock
from flowengine.errors import ActionError, ActionTimedOut, OutcomeUnknown
from flowengine.interpreter.effects import (
    ActionEvent,
    Response,
    Wait,
    WaitForAnswer,
    WaitForCallback,
    WaitForFlow,
    WaitForTime,
)
from flowengine.spec.actions import Ask, OperationAction
from flowengine.spec.flow import Flow
from flowengine.store.records import ActionRecord, Attempt
from flowengine.types import Json, JsonObject, Outputs, Path, Status, format_path

T = TypeVar("T")


class NotMocked(ActionError):
    """Nothing answers this action in a rehearsal."""

    code = "not_mocked"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of an operation, tried again or not, as the flow made it."""

    path: Path
    name: str
    use: str
    inputs: JsonObject
    scripted: bool


class Outside(Protocol):
    """What answers where the script is silent."""

    async def call(
        self, flow: Flow, path: Path, action: OperationAction, inputs: JsonObject, seconds: float
    ) -> Outputs:
        """The operation's answer. Raises `ActionError`; `NotMocked` when it does not answer at all."""
        ...

    def answer(self, path: Path, name: str, wait: WaitForAnswer | WaitForCallback) -> Json:
        """What a person or a service says. Raises `NotMocked`."""
        ...

    async def run(self, path: Path, wait: WaitForFlow) -> Json:
        """The output of the called flow. Raises `ActionError`."""
        ...


@dataclass(slots=True)
class Told:
    """What a rehearsal leaves behind."""

    actions: dict[Path, ActionRecord] = field(default_factory=dict)
    calls: list[Asked] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)


class RehearsedEffects:
    """The effects of one rehearsed run."""

    def __init__(
        self,
        run_id: str,
        flow: Flow,
        *,
        script: Script,
        outside: Outside,
        clock: VirtualClock,
        repeatable: Repeatable,
        attempt_seconds: float,
        told: Told,
        under: Path = (),
    ) -> None:
        self.told = told
        self._under = under
        """Where the `call` stands that began this run: its own calls are answered and listed below that."""
        self._run_id = run_id
        self._flow = flow
        self._script = script
        self._outside = outside
        self._clock = clock
        self._repeatable = repeatable
        self._attempt_seconds = attempt_seconds
        self._times: dict[Path, datetime] = {}
        self._limits: list[TimeLimit] = []
        self._live: set[Path] = set()

    # The port.

    async def invoke(self, path: Path, action: OperationAction, inputs: JsonObject) -> Outputs:
        await self._come_to(path)
        begun = self._begin(path, action.name, action.kind, inputs, action.secure)
        return await self._alive(path, action.name, self._operate(begun, action, inputs))

    async def wait(self, path: Path, name: str, wait: Wait) -> Json:
        await self._come_to(path)
        kind, inputs = _described(wait)
        begun = self._begin(path, name, kind, inputs, frozenset(), Status.WAITING)
        return await self._alive(path, name, self._wait(begun, wait))

    async def now(self, path: Path) -> datetime:
        return self._times.setdefault(path, self._clock.now())

    async def limit(self, path: Path, until: datetime, work: Coroutine[Any, Any, T]) -> T:
        limit = TimeLimit(path, until, self._clock, frozenset())  # only `strikes` asks: the clock is not the machine's
        self._limits.append(limit)
        try:
            async with limit:
                return await work
        finally:
            self._limits.remove(limit)

    async def record(self, event: ActionEvent) -> None:
        self._clock.stir()
        begun = self._begin(event.path, event.name, event.kind, event.inputs, event.secure)
        if event.status is not Status.RUNNING:
            inputs = begun.inputs if event.inputs is None else event.inputs
            self._end(
                replace(begun, inputs=inputs),
                event.status,
                outputs=event.outputs,
                error=event.error.to_json() if event.error else None,
                skipped_because=event.skipped_because,
            )

    async def respond(self, path: Path, response: Response) -> None:
        self.told.responses.append(response)

    def address(self, path: Path, kind: Literal["approval", "callback"]) -> JsonObject:
        here = f"http://rehearsal.invalid/{kind}s/{format_path(path)}"
        if kind == "callback":
            return {"url": here}
        written = tuple(part for part in path if isinstance(part, str))
        asked = (action for place, action in self._flow.walk() if place == written and isinstance(action, Ask))
        return {"links": {choice: f"{here}/{choice}" for choice in next((one.choices for one in asked), ())}}

    # Operations.

    async def _operate(self, begun: ActionRecord, action: OperationAction, inputs: JsonObject) -> Outputs:
        journey = _Journey(lambda until: self._pass_to(until, begun.path))
        tried = await try_until(
            lambda seconds: self._call(begun.path, action, inputs, seconds),
            policy_of(action.retry, repeatable=self._repeatable(action, inputs)),
            journey,
            self._clock,
            deadline=begun.started_at + action.timeout if action.timeout else None,
            longest=self._attempt_seconds,
        )
        begun = replace(begun, attempts=tried.attempts)
        if tried.outputs is not None:
            self._end(begun, Status.SUCCEEDED, outputs=tried.outputs.to_json())
            return replace(tried.outputs, attempts=len(tried.attempts))
        assert tried.error is not None
        tried.error.attempts = max(len(tried.attempts), 1)
        error = failure_of(begun.path, action.name, tried.error, action.span.line, action.span.column)
        self._end(begun, _status_of(tried.error), error=error)
        raise tried.error

    async def _call(self, path: Path, action: OperationAction, inputs: JsonObject, seconds: float) -> Outputs:
        scripted = self._script.take((*self._under, *path), action.name, action.use)
        self.told.calls.append(Asked((*self._under, *path), action.name, action.use, inputs, scripted is not None))
        if scripted is None:
            return await self._outside.call(self._flow, path, action, inputs, seconds)
        if scripted.takes.total_seconds() > seconds:
            await self._pass(seconds, path)
            raise OutcomeUnknown(f"no answer came within {seconds:g} seconds")
        await self._pass(scripted.takes.total_seconds(), path)
        return scripted.outputs()

    # Waits.

    async def _wait(self, begun: ActionRecord, wait: Wait) -> Json:
        try:
            value = await self._what_comes(begun, wait)
        except ActionError as error:
            self._end(begun, _status_of(error), error=failure_of(begun.path, begun.name, error))
            raise
        self._end(begun, Status.SUCCEEDED, outputs=value)
        return value

    async def _what_comes(self, begun: ActionRecord, wait: Wait) -> Json:
        if isinstance(wait, WaitForTime):
            await self._pass_to(wait.until, begun.path)
            return None
        use = f"call {wait.flow}" if isinstance(wait, WaitForFlow) else ""
        scripted = self._script.take((*self._under, *begun.path), begun.name, use)
        if scripted is not None:
            return await self._scripted(begun.path, wait, scripted)
        if isinstance(wait, WaitForFlow):
            return await self._outside.run(begun.path, wait)
        try:
            return self._came(wait, self._outside.answer(begun.path, begun.name, wait))
        except NotMocked:
            if wait.deadline is None:
                raise
            await self._pass_to(wait.deadline, begun.path)
            raise ActionTimedOut("nobody answered in time") from None

    async def _scripted(
        self, path: Path, wait: WaitForAnswer | WaitForCallback | WaitForFlow, scripted: Scripted
    ) -> Json:
        until = self._clock.now() + scripted.takes
        if scripted.error or (wait.deadline is not None and until > wait.deadline):
            if wait.deadline is not None:
                await self._pass_to(wait.deadline, path)
            raise ActionTimedOut(scripted.message or "nobody answered in time")
        await self._pass_to(until, path)
        if scripted.status_code >= 400:
            raise ActionError(scripted.message, body=scripted.body)
        return self._came(wait, scripted.body)

    def _came(self, wait: Wait, value: Json) -> Json:
        if not isinstance(wait, WaitForAnswer):
            return value
        answer = value if isinstance(value, dict) else {"choice": value}
        if answer.get("choice") not in wait.choices:
            choices = ", ".join(wait.choices)
            raise NotMocked(f"the answer's choice is {answer.get('choice')!r}, but the choices are: {choices}")
        return {"by": "", "comment": "", "at": self._clock.now().isoformat(), **answer}

    # Time.

    async def _come_to(self, path: Path) -> None:
        self._clock.stir()
        await self._struck(path)

    async def _struck(self, path: Path) -> None:
        for limit in self._limits:
            if limit.strikes(path):
                await asyncio.get_running_loop().create_future()

    async def _pass(self, seconds: float, path: Path) -> None:
        await self._pass_to(self._clock.after(seconds), path)

    async def _pass_to(self, until: datetime, path: Path) -> None:
        """Let the time come, or the first limit that ends the wait for it."""
        ends = [limit.until for limit in self._limits if limit.covers(path) and not limit.struck]
        await self._clock.pass_to(min([until, *ends]))
        await self._struck(path)

    # Records.

    async def _alive(self, path: Path, name: str, work: Awaitable[T]) -> T:
        try:
            return await work
        except asyncio.CancelledError:
            error = failure_of(path, name, ActionError("its time was over"))
            self._end(self.told.actions[path], Status.CANCELLED, error={**error, "code": "cancelled"})
            raise

    def _begin(
        self,
        path: Path,
        name: str,
        kind: str,
        inputs: Json,
        secure: frozenset[str],
        status: Status = Status.RUNNING,
    ) -> ActionRecord:
        if path not in self.told.actions:
            self.told.actions[path] = ActionRecord(
                run_id=self._run_id,
                path=path,
                name=name,
                kind=kind,
                status=status,
                started_at=self._clock.now(),
                inputs=inputs,
                number=len(self.told.actions) + 1,
                secure=secure,
            )
        return self.told.actions[path]

    def _end(self, record: ActionRecord, status: Status, **more: Any) -> None:
        self.told.actions[record.path] = replace(record, status=status, finished_at=self._clock.now(), **more)


@dataclass(frozen=True, slots=True)
class _Journey:
    """What the retry loop needs: nothing is kept, and pauses jump."""

    pass_to: Callable[[datetime], Awaitable[None]]

    async def tried(self, attempts: tuple[Attempt, ...], due_at: datetime | None, *, unknown: bool) -> None:
        """Nothing to keep: a rehearsal has no second life."""

    async def pause(self, until: datetime) -> None:
        await self.pass_to(until)

    async def again(self, attempts: tuple[Attempt, ...], started_at: datetime) -> None:
        """Nothing to keep."""


def _status_of(error: ActionError) -> Status:
    return Status.TIMED_OUT if isinstance(error, ActionTimedOut) else Status.FAILED


def _described(wait: Wait) -> tuple[str, JsonObject]:
    match wait:
        case WaitForTime():
            return "wait", {"until": wait.until.isoformat()}
        case WaitForAnswer():
            return "ask", {"to": wait.to, "question": wait.question, "choices": list(wait.choices)}
        case WaitForCallback():
            return "wait_for", {}
        case WaitForFlow():
            return "call", {"flow": wait.flow, "inputs": wait.inputs}
