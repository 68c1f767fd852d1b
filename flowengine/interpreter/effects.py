"""The port: everything a flow can do to the outside world.

The interpreter leaves only through these methods. With the same answers it does the same again, which is what makes recovery
a plain second walk: finished paths answer at once.

Two things unwind a walk from inside an effect, and they differ:

- `asyncio.CancelledError` at any await: the run was cancelled, by a person or by `mode: restart`. `finally` parts run (each may
  use the effects again), then the outcome is `cancelled`.
- `Suspended`: the run is put aside, because its process stops or because it waits for long. Nothing runs and nothing is
  recorded; a later walk from the top comes to the same place again.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from flowengine.record import record
from flowengine.spec.actions import OperationAction
from flowengine.types import Json, JsonObject, Outputs, Path, Status

T = TypeVar("T")


class Suspended(BaseException):
    """The run is put aside: raised by the effects, passed on untouched by the interpreter out of `run_flow`.

    Branches that run side by side are let go on until each has finished or is suspended too; then it goes up.
    """


@record(frozen=True, slots=True)
class WaitForTime:
    """`wait` and `wait_until`: nothing until this moment."""

    until: datetime


@record(frozen=True, slots=True)
class WaitForAnswer:
    """`ask`: a person's choice; gives `{choice, by, comment, at}`."""

    to: Json
    question: str
    choices: tuple[str, ...]
    deadline: datetime | None = None


@record(frozen=True, slots=True)
class WaitForCallback:
    """`wait_for: callback`: a POST at the callback's URL; gives its body."""

    deadline: datetime | None = None


@record(frozen=True, slots=True)
class WaitForFlow:
    """`call`: another flow's run; gives its output."""

    flow: str
    inputs: JsonObject = field(default_factory=dict)
    deadline: datetime | None = None


Wait: TypeAlias = WaitForTime | WaitForAnswer | WaitForCallback | WaitForFlow


@record(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an action or a run failed: the ERROR of every document."""

    action: str
    """The failed action's path as text; empty when no action is to blame."""
    name: str
    code: str
    message: str
    status_code: int | None = None
    body: Json = None
    line: int | None = None
    column: int | None = None

    def to_json(self) -> JsonObject:
        return {
            "action": self.action,
            "name": self.name,
            "code": self.code,
            "message": self.message,
            "status_code": self.status_code,
            "body": self.body,
            "line": self.line,
            "column": self.column,
        }


@record(frozen=True, slots=True, kw_only=True)
class ActionEvent:
    """Something to put on record about a control action, a skipped action or a log line.

    Operation actions and waits are recorded by `invoke` and `wait` themselves. The effects stamp the time; `RUNNING` marks
    the beginning of an action that holds others, a finished status its end.
    """

    path: Path
    name: str
    kind: str
    status: Status
    inputs: Json = None
    outputs: Json = None
    error: Failure | None = None
    skipped_because: str | None = None
    secure: frozenset[str] = frozenset()


@record(frozen=True, slots=True)
class Response:
    """What `respond` answers the caller."""

    status: int
    headers: dict[str, str]
    body: Json


class Effects(Protocol):
    """Everything a flow can do to the outside world; `path` is unique and stable within a run."""

    async def invoke(self, path: Path, action: OperationAction, inputs: JsonObject) -> Outputs:
        """Call the operation, with its retries, and put inputs, attempts and outputs on record before returning.

        A path that finished before gives its recorded outputs, or raises its recorded error, without a call.
        Raises `ActionError`.
        """
        ...

    async def wait(self, path: Path, name: str, wait: Wait) -> Json:
        """Wait durably and give what came: None for a time. Raises `ActionTimedOut` at the wait's deadline."""
        ...

    async def now(self, path: Path) -> datetime:
        """The time as this path saw it first."""
        ...

    async def limit(self, path: Path, until: datetime, work: Coroutine[Any, Any, T]) -> T:
        """Do `work`, but cancel it, await its end and raise `ActionTimedOut` when `until` passes first.

        For the `timeout` of the run (path `()`) and of actions that hold others; `invoke` and `wait` keep to their own. A run
        that is suspended inside is due at `until` at the latest. Work that needs only recorded answers always gets through,
        even when `until` is long past.
        """
        ...

    async def record(self, event: ActionEvent) -> None:
        """Put an event on record; idempotent on path and status."""
        ...

    async def respond(self, path: Path, response: Response) -> None:
        """Answer whoever started the run, if they still wait for it."""
        ...

    def address(self, path: Path, kind: Literal["approval", "callback"]) -> JsonObject:
        """What an `ask` or `wait_for` at this path will be answered at: `{links: {choice: url}}` or `{url}`."""
        ...


@record(frozen=True, slots=True, kw_only=True)
class Start:
    """What a run begins with."""

    run_id: str
    started_at: datetime
    trigger: Json = None
    """The event's body, or one item of it after `split`; the inputs of a manual run without an event."""
    event: JsonObject = field(default_factory=dict)
    """`{id, received_at, headers, source}`."""
    inputs: JsonObject = field(default_factory=dict)
    link: str = ""


@record(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run ended as."""

    status: Status
    output: Json = None
    error: Failure | None = None
