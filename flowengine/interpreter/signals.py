"""How the end of an action travels up: failures that may be caught, and the end of the run, which may not."""

from __future__ import annotations

from flowengine.errors import ActionError
from flowengine.interpreter.effects import Failure
from flowengine.types import Status


class ActionFailed(Exception):
    """An action failed and is on record so; whoever holds it may catch this."""

    def __init__(self, failure: Failure, status: Status) -> None:
        self.failure = failure
        self.status = status
        """`failed` or `timed_out`."""
        super().__init__(failure.message)


class Stopped(Exception):
    """A `stop` was reached: the run ends, and no `catch` sees it."""

    def __init__(self, status: Status, told: Failure) -> None:
        self.status = status
        self.told = told
        """Which action stopped the run, where, and what it said."""
        super().__init__(told.message)


class OnRecord(Exception):
    """An action error that the effects have put on record themselves."""

    def __init__(self, error: ActionError) -> None:
        self.error = error
        super().__init__(error.message)


class RepeatExhausted(ActionError):
    """The condition of `repeat` did not come to hold."""

    code = "repeat_exhausted"
