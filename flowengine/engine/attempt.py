"""The one retry loop.

Which failures are tried again follows the flow language: an author's `retry` first, else what the method allows. A call that
may have acted is repeated only where repeating does no harm, or where the author says so.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from flowengine.engine.broken_off import tries
from flowengine.errors import (
    ActionError,
    ActionTimedOut,
    OperationFailed,
    OutcomeUnknown,
    ServiceUnreachable,
    Unauthorized,
)
from flowengine.record import record
from flowengine.spec.actions import Retry
from flowengine.store.records import Attempt
from flowengine.types import Clock, Outputs, Sent

DEFAULT_TIMES = 4
SHORTEST = timedelta(seconds=5)
LONGEST = timedelta(seconds=45)
LONGEST_ASKED = timedelta(hours=1)
"""The most that a service's Retry-After is obeyed, and that `grow: double` grows to."""
DEFAULT_ON = ("408", "429", "5xx", "timeout", "unreachable")


class Journey(Protocol):
    """What the loop needs of the run: to keep what was tried, and to wait."""

    async def tried(self, attempts: tuple[Attempt, ...], due_at: datetime | None, *, unknown: bool) -> None:
        """Put a failed attempt on record; `due_at` is when the next follows. An unknown outcome is durable on return."""
        ...

    async def pause(self, until: datetime) -> None:
        """Wait, in memory or put aside."""
        ...

    async def again(self, attempts: tuple[Attempt, ...], started_at: datetime) -> None:
        """Put on record that another attempt begins, after these."""
        ...


@record(frozen=True, slots=True)
class Policy:
    """How a failing operation is tried again."""

    times: int
    wait: timedelta | None
    """None: 5 to 45 seconds, growing, with chance in it, so that many runs do not come back at once."""
    double: bool
    longest: timedelta
    on: tuple[str, ...] | None
    """None: only where the service cannot have acted."""
    on_unknown: bool | None
    """Whether to try again when a request was sent and no answer came; None: as `on` says."""

    def allows(self, error: ActionError) -> bool:
        """Whether this failure is one to try again after."""
        if not error.retryable or isinstance(error, Unauthorized):
            return False
        if isinstance(error, OutcomeUnknown) and self.on_unknown is not None:
            return self.on_unknown
        return _cannot_have_acted(error) if self.on is None else any(_is(error, word) for word in self.on)

    def delay(self, failures: int, error: ActionError) -> timedelta:
        """How long to wait after this many failures."""
        own = self._own_delay(failures)
        asked = error.retry_after if isinstance(error, OperationFailed) else None
        return own if asked is None else max(own, min(timedelta(seconds=asked), LONGEST_ASKED))

    def _own_delay(self, failures: int) -> timedelta:
        if self.wait is None:
            return min(SHORTEST * (_doubled(failures) * random.uniform(1, 1.5)), LONGEST)  # noqa: S311  # no secret
        return min(self.wait * _doubled(failures), self.longest) if self.double else self.wait


def _doubled(failures: int) -> int:
    """1, 2, 4, ...: bounded, so that no time overflows."""
    return 1 << min(failures - 1, 16)


def policy_of(retry: Retry | None, *, repeatable: bool) -> Policy:
    """The author's `retry`, completed by what the method allows."""
    default_on = DEFAULT_ON if repeatable else None
    if retry is None:
        return Policy(DEFAULT_TIMES, None, double=False, longest=LONGEST, on=default_on, on_unknown=None)
    return Policy(
        times=retry.times,
        wait=retry.wait,
        double=retry.grow == "double",
        longest=retry.max_wait or LONGEST_ASKED,
        on=default_on if retry.on is None else retry.on,
        on_unknown=None if retry.on_unknown is None else retry.on_unknown == "retry",
    )


@record(frozen=True, slots=True)
class Tried:
    """How it came out: `outputs`, or the `error` that ended it."""

    attempts: tuple[Attempt, ...]
    outputs: Outputs | None = None
    error: ActionError | None = None


async def try_until(
    call: Callable[[float], Awaitable[Outputs]],
    policy: Policy,
    journey: Journey,
    clock: Clock,
    *,
    before: tuple[Attempt, ...] = (),
    deadline: datetime | None = None,
    longest: float,
) -> Tried:
    """Call until it succeeds or the policy ends.

    `before` are the attempts of an earlier life of the run; `deadline` ends the action, `longest` (seconds) one attempt.
    """
    attempts = before
    while True:
        started = clock.now()
        seconds = _seconds_left(started, deadline, longest)
        if seconds <= 0:
            return Tried(attempts, error=_too_late(attempts))
        if attempts:
            await journey.again(attempts, started)
        try:
            outputs = await call(seconds)
        except ActionError as error:
            attempts = (*attempts, _attempt(attempts, started, clock, error.status_code, error, error.request))
            after = _verdict(error, attempts, policy, deadline, clock)
            if isinstance(after, ActionError):
                return Tried(attempts, error=after)
            await journey.tried(attempts, after, unknown=isinstance(error, OutcomeUnknown))
            await journey.pause(after)
        else:
            return Tried(
                (*attempts, _attempt(attempts, started, clock, outputs.status_code, None, outputs.request)), outputs
            )


def _verdict(
    error: ActionError, attempts: tuple[Attempt, ...], policy: Policy, deadline: datetime | None, clock: Clock
) -> datetime | ActionError:
    """When to try again, or the error that ends the action. What an engine's end broke off is no failure."""
    now = clock.now()
    if deadline is not None and now >= deadline:
        return _too_late(attempts)
    failures = tries(attempts)
    if failures > policy.times or not policy.allows(error):
        return error
    due = now + policy.delay(failures, error)
    return error if deadline is not None and due >= deadline else due


def _attempt(
    before: tuple[Attempt, ...],
    started: datetime,
    clock: Clock,
    status_code: int | None,
    error: ActionError | None = None,
    request: Sent | None = None,
) -> Attempt:
    return Attempt(
        number=len(before) + 1,
        started_at=started,
        duration_ms=(clock.now() - started) / timedelta(milliseconds=1),
        status_code=status_code,
        error={"code": error.code, "message": error.message} if error else None,
        request=request,
    )


def _seconds_left(now: datetime, deadline: datetime | None, longest: float) -> float:
    return longest if deadline is None else min(longest, (deadline - now).total_seconds())


def _too_late(attempts: tuple[Attempt, ...]) -> ActionTimedOut:
    last = attempts[-1].error if attempts else None
    return ActionTimedOut("the action's time limit passed" + (f"; the last try: {last['message']}" if last else ""))


def _cannot_have_acted(error: ActionError) -> bool:
    if isinstance(error, ServiceUnreachable):
        return True
    asked = isinstance(error, OperationFailed) and error.retry_after is not None
    return error.status_code == 429 or (error.status_code == 503 and asked)


def _is(error: ActionError, word: str) -> bool:
    """Whether a word of `retry: {on: [...]}` means this error: `429`, `5xx`, `timeout`, `unreachable`."""
    status = str(error.status_code or "")
    return word in (error.kind, status, error.code) or (
        word.endswith("xx") and len(status) == 3 and status[0] == word[0]
    )
