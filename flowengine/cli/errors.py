"""From errors to one clear message on stderr and an exit code; the only place where the command line catches them all.

| exit code | |
|---|---|
| 0 | fine |
| 1 | findings, or the awaited run did not succeed |
| 2 | wrong usage, or a file that cannot be used |
| 3 | engine or project not reachable or not set up |
| 4 | a connection needs signing in |
| 5 | `--timeout` passed, the run goes on |
| 130 | Ctrl-C |
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from flowengine.errors import (
    ActionError,
    DatabaseUnusable,
    EngineRunning,
    FlowEngineError,
    InvalidFile,
    ServiceUnreachable,
    StorageUnavailable,
    Unauthorized,
)


class Exit(IntEnum):
    """The exit codes that scripts rely on."""

    FINE = 0
    FOUND = 1
    USAGE = 2
    NOT_READY = 3
    SIGN_IN = 4
    TIMED_OUT = 5
    MISTAKE_OF_OURS = 70
    INTERRUPTED = 130


class WrongUsage(FlowEngineError):
    """The command cannot be understood."""


class NotReady(FlowEngineError):
    """The engine or the project is not set up or cannot be reached."""


class DidNotStart(FlowEngineError):
    """The event started no run."""


def guarded(command: Callable[[], int]) -> int:
    """Run a command; give its exit code, or that of the error it ended with, told on stderr."""
    try:
        return _flushed(command())
    except KeyboardInterrupt:
        return _tell("stopped", Exit.INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # Typer leaves with SystemExit when the reader of a pipe went away
        _silence_stdout()
        return Exit.FINE
    except Exception as error:
        if os.environ.get("FLOWENGINE_DEBUG"):
            raise
        return _told(error)


def exit_code(error: FlowEngineError) -> Exit:
    """The exit code that an error stands for."""
    match error:
        case NotReady() | ServiceUnreachable() | EngineRunning() | StorageUnavailable() | DatabaseUnusable():
            return Exit.NOT_READY
        case Unauthorized():
            return Exit.SIGN_IN
        case ActionError() | DidNotStart():
            return Exit.FOUND
        case _:
            return Exit.USAGE


def _told(error: Exception) -> int:
    if isinstance(error, InvalidFile):
        from flowengine.cli.sources import findings_with_lines

        sys.stderr.write(findings_with_lines(error.findings).rstrip("\n") + "\n")
        return Exit.USAGE
    if isinstance(error, FlowEngineError):
        return _tell(error.message, exit_code(error))
    if callable(show := getattr(error, "show", None)):  # Typer's usage errors know how to print themselves
        _in_our_words(error)
        show()
        return int(getattr(error, "exit_code", Exit.USAGE))
    if type(error).__name__ == "Abort":
        return _tell("stopped", Exit.INTERRUPTED)
    if isinstance(error, OSError):
        return _tell(_os_error(error), Exit.USAGE)
    return _tell(
        f"a mistake inside flowengine: {type(error).__name__}: {error}\n"
        "Run the command again with FLOWENGINE_DEBUG=1 to see where, and please report it.",
        Exit.MISTAKE_OF_OURS,
    )


def _in_our_words(error: Any) -> None:
    """Typer has pydantic look at values, and tells what it said."""
    from pydantic import ValidationError

    from flowengine.cli.output import clean
    from flowengine.findings import wrong_value

    if isinstance(error.__cause__, ValidationError):
        error.message = clean(wrong_value(error.__cause__.errors()[0]))


def _os_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _tell(message: str, code: Exit) -> int:
    from flowengine.cli.output import clean, tell

    tell(f"flowengine: {clean(message, lines=True)}")
    return code


def _flushed(code: int) -> int:
    sys.stdout.flush()
    return code


def _silence_stdout() -> None:
    # The reader of a pipe went away: what Python flushes on its way out must not fail a second time.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
