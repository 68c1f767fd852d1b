"""What a run's effects need of the engine around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from flowengine.engine.port import Address, Invoker, Repeatable
from flowengine.engine.tenure import Tenure
from flowengine.interpreter.effects import Response, WaitForFlow
from flowengine.store import Store
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Bound once, when the engine is made."""

    store: Store
    tenure: Tenure
    call: Invoker
    repeatable: Repeatable
    subscribes: Repeatable
    """Whether an operation gives the service an address and is done when something is posted there."""
    address: Address
    attempt_seconds: float
    begin_child: Callable[[RunRecord, Path, WaitForFlow], Awaitable[RunRecord]]
    """Finds or starts the run of a `call`. Raises `ActionError`."""
    ended: Callable[[str, float], Coroutine[Any, Any, RunRecord | None]]
    """The run when it ends within the seconds; else None."""
    changed: Callable[[RunRecord, ActionRecord | None], None]
    responded: Callable[[str, Response], None]
