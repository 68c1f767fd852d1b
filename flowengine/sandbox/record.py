"""The record of what a stand-in was asked: every call, who may read it, and counters that stay fast."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from flowengine.sandbox.messages import Call
from flowengine.types import Json, JsonObject

KEPT: Final = 100_000
"""Calls kept; older ones are forgotten, though still counted."""
_CREDENTIALS: Final = ("authorization", "cookie", "proxy-authorization", "x-api-key")
_SECRETS: Final = ("secret_key", "password", "token", "apikey", "access_token")
_TEXT: Final = 10_000


class Record:
    """What was asked, newest last."""

    def __init__(self) -> None:
        self.calls: deque[JsonObject] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()
        """Calls by method and path."""
        self.statuses: Counter[str] = Counter()
        """Calls by the answer's status; `none` where the connection was cut."""
        self.keys: Counter[str] = Counter()
        """Calls by idempotency key."""
        self.total = 0

    def begin(self, call: Call, at: datetime) -> JsonObject:
        """Note a call before it is answered, and give its entry, to be completed by `finish`."""
        body = _body(call)
        key = idempotency_key(call, body)
        self.total += 1
        self.counts[f"{call.method} {call.path}"] += 1
        if key:
            self.keys[key] += 1
        entry = {
            "number": self.total,
            "time": at.isoformat(),
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "headers": {name: value for name, value in call.headers.items() if name not in _CREDENTIALS},
            "body": without_secrets(body),
            "idempotency_key": key,
            "status": None,
            "fault": None,
        }
        self.calls.append(entry)
        return entry

    def finish(self, entry: JsonObject, status: int | None, fault: str | None = None) -> None:
        """Note how a call was answered; a status of None says that the connection was cut."""
        entry["status"], entry["fault"] = status, fault
        self.statuses[str(status or "none")] += 1

    def find(self, method: str | None = None, path: str | None = None, after: int = 0) -> Iterator[JsonObject]:
        """The calls after a number, of one method and to one path when these are given."""
        for entry in self.calls:
            if entry["number"] > after and method in (None, entry["method"]) and path in (None, entry["path"]):
                yield entry

    def clear(self) -> None:
        """Forget everything."""
        self.calls.clear()
        for counter in (self.counts, self.statuses, self.keys):
            counter.clear()
        self.total = 0


def idempotency_key(call: Call, body: Json) -> str | None:
    """The key that makes a repeated call recognisable: a header, or LiveChat's `custom_id` of an event."""
    header = call.headers.get("idempotency-key") or call.headers.get("x-idempotency-key")
    event = body.get("event") if isinstance(body, dict) else None
    custom = event.get("custom_id") if isinstance(event, dict) else None
    return header or (custom if isinstance(custom, str) else None)


def without_secrets(value: Json) -> Any:
    """The same JSON with the values of secret fields struck out."""
    match value:
        case dict():
            return {key: "***" if key in _SECRETS else without_secrets(item) for key, item in value.items()}
        case list():
            return [without_secrets(item) for item in value]
    return value


def _body(call: Call) -> Json:
    if "multipart/" in call.headers.get("content-type", ""):
        return f"({len(call.body)} bytes)"
    try:
        return call.json()
    except ValueError:
        return call.body[:_TEXT].decode("utf-8", "replace")
