"""Every error of the engine.

    FlowEngineError
    ├ InvalidFile(findings)        a flow, manifest or connection file cannot be used   exit 1 · HTTP 422
    ├ ConfigurationError           settings, keys                                        exit 2 · HTTP 500
    │ └ DatabaseUnusable           the database cannot be opened                         exit 3
    ├ NotFound                     nothing of that name                                  exit 2 · HTTP 404
    ├ Conflict                     it is not in a state that allows this                 exit 2 · HTTP 409
    │ └ EngineRunning              another engine has the database                       exit 3
    ├ StorageUnavailable           the database cannot be written now                    exit 3 · HTTP 503
    └ ActionError(code, message)   one action failed: becomes history, not a crash
      ├ ExpressionError            a template or condition could not be computed
      ├ InvalidInputs              the inputs do not fit the operation; nothing was sent
      ├ OperationFailed            the service answered with an error
      ├ Throttled                  the service said: not so fast (429)
      ├ ServiceUnreachable         no connection could be made; the service cannot have acted
      ├ OutcomeUnknown             sent, and no answer came: the service may have acted
      ├ Unauthorized               the service does not accept the connection's credentials
      │ └ SignInNeeded             a person has to sign in (again) before the connection works
      ├ ActionTimedOut             a limit of time passed
      ├ ConnectionMissing          no connection, or several, where one is needed
      ├ Blocked                    the address is not one that this connection may call
      ├ ResponseTooLarge           the answer is larger than the limit
      └ RecoveryExhausted          the engine died at this action again and again

Problems in files are findings (values); problems at run time are these. A class's docstring is its default message. No
secret ever enters a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flowengine.findings import Finding, Span
from flowengine.types import Sent


class FlowEngineError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(self.message)


class InvalidFile(FlowEngineError):
    """The file cannot be used."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class ConfigurationError(FlowEngineError):
    """The settings cannot be used."""


class DatabaseUnusable(ConfigurationError):
    """The database cannot be opened."""


class NotFound(FlowEngineError):
    """There is nothing of that name."""


class Conflict(FlowEngineError):
    """That cannot be done in its present state."""


class EngineRunning(Conflict):
    """Another engine has the database."""


class StorageUnavailable(FlowEngineError):
    """The database cannot be written now."""


class ActionError(FlowEngineError):
    """The action failed."""

    code: ClassVar[str] = "failed"
    retryable: ClassVar[bool] = False
    """Whether trying again may help at all; which tries follow is the action's `retry` and the method's default."""
    kind: ClassVar[str | None] = None
    """The word that `retry: {on: [...]}` uses for this class of error, if it has one."""

    def __init__(self, message: str = "", *, status_code: int | None = None, body: Any = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.body = body
        self.attempts = 1
        """How many tries were made, where there were several."""
        self.request: Sent | None = None
        """The request of what failed, when one was formed."""


class ExpressionError(ActionError):
    """The template could not be computed."""

    code = "expression_error"

    def __init__(self, message: str, *, template: str = "", span: Span | None = None) -> None:
        super().__init__(message)
        self.template = template
        self.span = span
        """Where in the template, lines and columns counted from 1."""
        self.at: tuple[str | int, ...] = ()
        """Where the template stands: in the value that was rendered, or in the file once the interpreter has placed it."""


class InvalidInputs(ActionError):
    """The inputs do not fit the operation."""

    code = "invalid_inputs"

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


class OperationFailed(ActionError):
    """The service answered with an error."""

    code = "operation_failed"
    retryable = True

    def __init__(
        self, message: str = "", *, status_code: int | None = None, body: Any = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status_code=status_code, body=body)
        self.retry_after = retry_after
        """Seconds that the service asks to wait, when it says."""


class Throttled(OperationFailed):
    """The service asks to slow down."""

    code = "throttled"


class ServiceUnreachable(ActionError):
    """No connection to the service could be made."""

    code = "unreachable"
    retryable = True
    kind = "unreachable"


class OutcomeUnknown(ActionError):
    """The request was sent and no answer came: the service may have acted."""

    code = "outcome_unknown"
    retryable = True
    kind = "timeout"


class Unauthorized(OperationFailed):
    """The service does not accept the connection's credentials."""

    code = "unauthorized"
    retryable = False


class SignInNeeded(Unauthorized):
    """The connection needs signing in."""

    code = "sign_in_needed"


class ActionTimedOut(ActionError):
    """The time limit passed."""

    code = "timed_out"
    retryable = True
    kind = "timeout"


class ConnectionMissing(ActionError):
    """There is no connection that this could use."""

    code = "no_connection"


class Blocked(ActionError):
    """The address is not one that this connection may call."""

    code = "blocked"


class ResponseTooLarge(ActionError):
    """The answer is larger than the limit."""

    code = "response_too_large"


class RecoveryExhausted(ActionError):
    """The engine died at this action again and again."""

    code = "recovery_exhausted"
