"""Durable points by name, at which crash tests stop the process: `after_http_response:2` at the second pass.

`name:count:action`, where the action is `kill` (the default; as the operating system would, without a farewell), `stop` (SIGSTOP) or
`raise`; several are separated by commas. Unset, a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

from flowengine.errors import ConfigurationError
from flowengine.findings import did_you_mean

POINTS = (
    "before_event_commit",
    "after_event_commit",
    "before_answer",
    "after_answer",
    "before_http_request",
    "after_http_response",
    "before_record_commit",
    "after_record_commit",
    "before_run_finish",
    "after_run_finish",
    "in_wait",
    "in_backoff",
    "before_park",
    "after_park",
    "after_poll_answer",
    "schedule_due",
    "after_migration",
    "before_migration_commit",
    "after_migration_commit",
)
ACTIONS = ("kill", "stop", "raise")


class Reached(BaseException):
    """A failpoint that raises: nothing in the engine expects it, as nothing expects a bug."""


_armed: dict[str, tuple[int, str]] = {}
"""How many passes are left at each armed point, and what happens then."""


def arm(setting: str) -> None:
    """Read `FLOWENGINE_FAILPOINT`; empty text disarms. Raises `ConfigurationError`."""
    _armed.clear()
    for one in filter(None, setting.split(",")):
        name, _, rest = one.strip().partition(":")
        count, _, action = rest.partition(":")
        if name not in POINTS:
            raise ConfigurationError(f'there is no failpoint "{name}"; {did_you_mean(name, POINTS)}')
        if (count and not count.isdecimal()) or (action or "kill") not in ACTIONS:
            raise ConfigurationError(f'failpoint "{one}": write {name}:2 or {name}:2:stop')
        _armed[name] = int(count or 1), action or "kill"


def reach(name: str) -> None:
    """Pass a point."""
    if _armed and name in _armed:
        left, action = _armed.pop(name)
        if left > 1:
            _armed[name] = left - 1, action
        else:
            _act(name, action)


def _act(name: str, action: str) -> None:
    match action:
        case "raise":
            raise Reached(name)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case _:
            os.kill(os.getpid(), signal.SIGKILL)
