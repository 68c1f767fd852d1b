"""What an engine is to those above it, and what it asks of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from flowengine.interpreter.effects import Response
from flowengine.spec.actions import OperationAction
from flowengine.spec.flow import Flow
from flowengine.store.records import ActionRecord, EventRecord, RunRecord
from flowengine.types import Json, JsonObject, Outputs, Path, Status


class Invoker(Protocol):
    """Calls an operation once. Trying again is the engine's business."""

    async def __call__(
        self,
        run: RunRecord,
        flow: Flow,
        path: Path,
        action: OperationAction,
        inputs: JsonObject,
        idempotency_key: str,
        deadline: float | None,
        /,
    ) -> Outputs:
        """`deadline` is the number of seconds the call may take. Raises `ActionError`."""
        ...


FlowSource: TypeAlias = Callable[[str, str], Awaitable[Flow]]
"""Gives the flow of `(flow id, version)`. Raises `NotFound` and `InvalidFile`."""

CalledFlow: TypeAlias = Callable[[str, JsonObject], tuple[Flow, JsonObject]]
"""Gives the deployed flow of an id and the inputs as it takes them, for `call`. Raises `NotFound` and `InvalidInputs`."""

Repeatable: TypeAlias = Callable[[OperationAction, JsonObject], bool]
"""Whether an operation called twice does what one call does: GET, HEAD, PUT, DELETE, and a POST that only reads."""

Address: TypeAlias = Callable[[str, Path, Literal["approval", "callback"], tuple[str, ...]], JsonObject]
"""What a waiting action of `(run id, path)` is answered at: `{links: {choice: url}}` with the choices given, or `{url}`."""

Watcher: TypeAlias = Callable[[RunRecord, ActionRecord | None], None]
"""Told of every change of a run, and of which action."""


class Engine(Protocol):
    """Carries runs out."""

    async def start(self) -> None:
        """Resume every unfinished run, and take new ones from now on."""
        ...

    async def stop(self, grace: float = 25.0) -> None:
        """Begin nothing more, let calls under way finish for `grace` seconds, and put the rest aside for the next start."""
        ...

    def admit(
        self, flow: Flow, event: EventRecord, runs: Sequence[RunRecord]
    ) -> tuple[EventRecord, tuple[RunRecord, ...]]:
        """Decide by the flow's mode which runs may begin; before they are stored, so that the event tells what became of it."""
        ...

    def forget(self, runs: Sequence[RunRecord]) -> None:
        """Give back what `admit` set aside for runs that were not stored after all."""
        ...

    def wake(self, runs: Sequence[RunRecord]) -> None:
        """Begin these runs, which are stored."""
        ...

    async def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:  # noqa: ASYNC109
        """The run when it is finished. Raises `TimeoutError`, and `NotFound`."""
        ...

    async def response(self, run_id: str, timeout: float) -> Response | None:  # noqa: ASYNC109
        """What the run's `respond` answers; None when it ends, or the seconds pass, without one."""
        ...

    async def cancel(self, run_id: str, reason: str = "") -> None:
        """End the run as cancelled; its `finally` parts run. Raises `NotFound`, and `Conflict` for a finished one."""
        ...

    async def answer(self, run_id: str, path: Path, value: Json) -> None:
        """Give a waiting `ask` or `wait_for` its answer. Raises `NotFound`, and `Conflict` when it has one."""
        ...

    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Be told of every change; call what it gives to be told no more."""
        ...

    finished: Counter[Status]
    """Runs that this process has finished, by what they ended as."""

    def in_memory(self) -> dict[str, int]:
        """How many runs of this process are under way, are ready to begin, and wait in their lane's queue."""
        ...
