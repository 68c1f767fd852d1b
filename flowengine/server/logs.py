"""Logs: lines for people, or one JSON object a line with the run and the path it is about."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO, Final, Literal

from flowengine.engine.trail import PATH, RUN
from flowengine.errors import ConfigurationError, DatabaseUnusable, EngineRunning, StorageUnavailable
from flowengine.store.records import ActionRecord, RunRecord
from flowengine.types import Status, format_path

log = logging.getLogger("flowengine.runs")

FORMATS: Final = ("text", "json")


class Lines(logging.Formatter):
    """One line a record whatever is in it: control characters of what came from outside are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        run, path = about(record)
        where = f" [{run}{':' + path if path else ''}]" if run else ""
        text = f"{_moment(record)} {record.levelname.lower():<7} {record.name}{where} {_message(record)}"
        if not _surprise(record):
            return _plain(text)
        assert record.exc_info
        # An exception's message may be what somebody sent.
        return "\n".join(map(_plain, [text, *self.formatException(record.exc_info).splitlines()]))


class JsonLines(logging.Formatter):
    """`{"at", "level", "logger", "message", "run"?, "path"?, "exception"?, ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        run, path = about(record)
        said = {
            "at": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        said |= {name: value for name, value in (("run", run), ("path", path)) if value}
        said |= getattr(record, "about", {})
        if _surprise(record):
            assert record.exc_info
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def _reason(record: logging.LogRecord) -> str | None:
    """Of an error that may happen to anybody and says in words what is wrong: the database is away, or another engine's.

    Not of a database that cannot be used: that may be a statement of ours.
    """
    match record.exc_info and record.exc_info[1]:
        case DatabaseUnusable():
            return None
        case StorageUnavailable() | EngineRunning() | ConfigurationError() as error:
            return error.message
        case _:
            return None


def _surprise(record: logging.LogRecord) -> bool:
    """Whether there is more to tell than words: where in the program it happened."""
    return bool(record.exc_info and record.exc_info[1]) and _reason(record) is None


def _message(record: logging.LogRecord) -> str:
    reason = _reason(record)
    return f"{record.getMessage()}: {reason}" if reason else record.getMessage()


def about(record: logging.LogRecord) -> tuple[str, str]:
    """The run and the path that a record is about."""
    run: str = getattr(record, "run", "")
    return (run, getattr(record, "path", "")) if run else (RUN.get(), PATH.get())


def begin(form: Literal["text", "json"], level: str, stream: IO[str] | None = None) -> None:
    """Send the program's logs to stderr in this form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("flowengine").setLevel(level.upper())


def tell(run: RunRecord, action: ActionRecord | None) -> None:
    """A watcher of the engine: the end of each run, and each action that failed."""
    if action is None:
        if run.status.finished:
            _tell_end(run)
    elif action.status in (Status.FAILED, Status.TIMED_OUT):
        code = (action.error or {}).get("code")
        # Not the message: it may repeat what a service answered.
        log.info("%s %s: %s", action.kind, action.status, code, extra={"run": run.id, "path": format_path(action.path)})


def _tell_end(run: RunRecord) -> None:
    took = (run.finished_at - run.started_at).total_seconds() * 1000 if run.finished_at and run.started_at else None
    facts = {"flow": run.flow, "status": str(run.status), "duration_ms": took, "code": (run.error or {}).get("code")}
    log.info("%s %s", run.flow, run.status, extra={"run": run.id, "about": facts})


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
