"""The few types that every floor speaks: JSON values, paths, statuses, outputs, and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias

from flowengine.record import record

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with text keys. `Any`, because a recursive alias helps no reader."""

JsonObject: TypeAlias = dict[str, Any]

Path: TypeAlias = tuple[str | int, ...]
"""Where an action stands in its run, such as `("notify_all", 3, "send_mail")`.

Unique and stable within a run: it is the checkpoint key, the history key and, after the run's id, the idempotency key.
"""


def format_path(path: Path) -> str:
    """`("notify_all", 3, "send_mail")` as people read it: `notify_all/3/send_mail`."""
    return "/".join(str(part) for part in path)


def parse_path(text: str) -> Path:
    """The inverse of `format_path`; parts made of digits only are iteration numbers."""
    return tuple(int(part) if part.isdecimal() else part for part in text.split("/") if part)


def is_deeper(value: Json, most: int) -> bool:
    """Whether lists and objects are nested more than `most` levels; a plain value has none."""
    level: list[Json] = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return bool(level)


class Status(StrEnum):
    """What a run or an action run is, or ended as."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to what has this status."""
        return self not in (Status.QUEUED, Status.RUNNING, Status.WAITING)


class Disposition(StrEnum):
    """What became of an event."""

    STARTED = "started"
    FILTERED = "filtered"
    DUPLICATE = "duplicate"
    QUEUED = "queued"
    DROPPED = "dropped"
    DISABLED = "disabled"
    MISSED = "missed"
    REJECTED = "rejected"
    FAILED = "failed"


@record(frozen=True, slots=True)
class Sent:
    """A request as the history keeps it: without credentials, and with no more of the body than people read."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name, as they were written; what the transport adds by itself (`Host`, `Content-Length`) is not among them."""
    body: str | None = None
    """As text; None when there was none, or when it is no text."""
    left_out: str | None = None
    """What of the body is not in `body`, in words: `3,201 bytes of image/png`, `48,112 more bytes`."""

    @property
    def line(self) -> str:
        """`POST https://api.example.com/v2/tickets`."""
        return f"{self.method} {self.url}"

    def to_json(self) -> JsonObject:
        """`{method, url, headers, body, left_out}`."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": dict(self.headers),
            "body": self.body,
            "left_out": self.left_out,
        }


@record(frozen=True, slots=True)
class Outputs:
    """What an operation gave back: the recorded outputs of an operation action."""

    status_code: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    attempts: int = 1
    """How many tries it took; not part of the recorded outputs."""
    request: Sent | None = None
    """What was sent; kept with the attempt."""

    def to_json(self) -> JsonObject:
        """`{status_code, headers, body}`, as histories and `actions['...']` show it."""
        return {"status_code": self.status_code, "headers": dict(self.headers), "body": self.body}


Duty: TypeAlias = Literal["everything", "worker", "web"]
"""What a serving process does: all of it; triggers and runs without pages; pages, API and hooks without runs."""


class Clock(Protocol):
    """The only source of the time of day, so that tests can move it."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
