"""Effects that answer from a script and remember what was done: the interpreter's world in tests.

Time stands still but for waits and for answers that say how long they `take`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flowengine.errors import (
    ActionError,
    ActionTimedOut,
    OperationFailed,
    OutcomeUnknown,
    ServiceUnreachable,
    Throttled,
)
from flowengine.interpreter.effects import (
    ActionEvent,
    Response,
    Suspended,
    Wait,
    WaitForAnswer,
    WaitForCallback,
    WaitForFlow,
    WaitForTime,
)
from flowengine.spec.actions import OperationAction
from flowengine.spec.times import parse_duration
from flowengine.types import Json, JsonObject, Outputs, Path, Status, format_path

ERRORS = {
    error.code: error for error in (OperationFailed, Throttled, ServiceUnreachable, OutcomeUnknown, ActionTimedOut)
}
START = datetime(2026, 3, 15, 13, 27, 36, tzinfo=UTC)


@dataclass
class Journal:
    """What outlives a walk."""

    finished: dict[Path, Any] = field(default_factory=dict)
    """Results, or the errors that were raised, by path, in the order they came."""
    times: dict[Path, datetime] = field(default_factory=dict)
    moments: dict[Path, datetime] = field(default_factory=dict)
    """When each path finished."""
    time: datetime = START
    statuses: dict[str, Status] = field(default_factory=dict)
    events: dict[str, ActionEvent] = field(default_factory=dict)
    calls: list[tuple[str, str, Json]] = field(default_factory=list)
    waits: dict[str, Wait] = field(default_factory=dict)
    responses: list[Response] = field(default_factory=list)

    def upto(self, count: int) -> Journal:
        """As if the process had died after so many finished paths."""
        kept = dict(list(self.finished.items())[:count])
        time = max([START, *(self.moments[path] for path in kept)])
        return Journal(finished=kept, times={path: at for path, at in self.times.items() if at <= time}, time=time)


@dataclass
class _Limit:
    path: Path
    until: datetime
    task: asyncio.Task[Any]
    struck: bool = False


class ScriptedEffects:
    """`answers` by path or by operation; a list gives one after another. `suspend_after`: live effects until `Suspended`."""

    def __init__(
        self,
        answers: Mapping[str, Json] | None = None,
        *,
        journal: Journal | None = None,
        cancel_at: str | None = None,
        suspend_after: int | None = None,
        known: Mapping[Path, Any] | None = None,
    ) -> None:
        self.answers = {
            key: list(value) if isinstance(value, list) else value for key, value in (answers or {}).items()
        }
        self.journal = journal or Journal()
        self.cancel_at = cancel_at
        self.suspend_after = suspend_after
        self.known = known or {}
        """Answers by path that win over the script: what an earlier walk got."""
        self.limits: list[_Limit] = []

    async def invoke(self, path: Path, action: OperationAction, inputs: JsonObject) -> Outputs:
        if path in self.journal.finished:
            return self._again(path)
        await self._come_to(path)
        self.journal.calls.append((format_path(path), action.use, inputs))
        try:
            result = await self._answer(path, action.use)
        except asyncio.CancelledError:
            self.journal.statuses[format_path(path)] = Status.CANCELLED
            raise
        return self._finish(path, result)

    async def wait(self, path: Path, name: str, wait: Wait) -> Json:
        if path in self.journal.finished:
            return self._again(path)
        await self._come_to(path)
        self.journal.waits[format_path(path)] = wait
        match wait:
            case WaitForTime():
                self.journal.time = max(self.journal.time, wait.until)
                result: Any = None
            case WaitForAnswer() | WaitForCallback() | WaitForFlow():
                result = self._scripted(path, type(wait).__name__)
                if isinstance(result, dict) and "error" in result:
                    result = _error(result)
        await self._struck(path)
        return self._finish(path, result)

    async def now(self, path: Path) -> datetime:
        return self.journal.times.setdefault(path, self.journal.time)

    async def limit(self, path: Path, until: datetime, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        limit = _Limit(path, until, task)
        self.limits.append(limit)
        try:
            return await work
        except asyncio.CancelledError:
            if not limit.struck:
                raise
            task.uncancel()
            raise ActionTimedOut(f"the time limit of {format_path(path) or 'the run'} passed") from None
        finally:
            self.limits.remove(limit)

    async def record(self, event: ActionEvent) -> None:
        text = format_path(event.path)
        if event.status.finished or text not in self.journal.events:
            self.journal.events[text] = event
            self.journal.statuses[text] = event.status

    async def respond(self, path: Path, response: Response) -> None:
        self.journal.responses.append(response)

    def address(self, path: Path, kind: str) -> JsonObject:
        url = f"https://flows.example.com/{kind}/{format_path(path)}"
        return {"links": {"Approve": f"{url}/approve"}} if kind == "approval" else {"url": url}

    async def _come_to(self, path: Path) -> None:
        await asyncio.sleep(0)
        await self._struck(path)
        if self.suspend_after is not None:
            self.suspend_after -= 1
            if self.suspend_after < 0:
                raise Suspended
        if format_path(path) == self.cancel_at:
            self.cancel_at = None
            for task in {limit.task for limit in self.limits[:1]}:
                task.cancel()
            await asyncio.Event().wait()

    async def _struck(self, path: Path) -> None:
        for limit in self.limits:
            if self.journal.time >= limit.until and not limit.struck and path[: len(limit.path)] == limit.path:
                limit.struck = True
                limit.task.cancel()
                await asyncio.Event().wait()

    async def _answer(self, path: Path, use: str) -> Any:
        answer = self._scripted(path, use)
        if path in self.known:
            return self.known[path]
        answer = answer if isinstance(answer, dict) else {"body": answer}
        if "takes" in answer:
            self.journal.time += parse_duration(answer["takes"])
            await self._struck(path)
        if "error" in answer:
            return _error(answer)
        return Outputs(answer.get("status_code", 200), answer.get("headers", {}), answer.get("body"))

    def _scripted(self, path: Path, kind: str) -> Any:
        if path in self.known:
            return self.known[path]
        for key in (format_path(path), kind):
            if key in self.answers:
                answer = self.answers[key]
                return answer.pop(0) if isinstance(answer, list) else answer
        return {}

    def _finish(self, path: Path, result: Any) -> Any:
        self.journal.finished[path] = result
        self.journal.moments[path] = self.journal.time
        return self._again(path)

    def _again(self, path: Path) -> Any:
        result = self.journal.finished[path]
        timed_out = isinstance(result, ActionTimedOut)
        failed = Status.TIMED_OUT if timed_out else Status.FAILED
        self.journal.statuses[format_path(path)] = failed if isinstance(result, ActionError) else Status.SUCCEEDED
        if isinstance(result, ActionError):
            raise result
        return result


def _error(answer: JsonObject) -> ActionError:
    kind = ERRORS[answer["error"]]
    return kind(answer.get("message", ""), status_code=answer.get("status_code"), body=answer.get("body"))
