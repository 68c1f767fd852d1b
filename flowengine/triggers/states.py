"""How triggers stand, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from flowengine.types import JsonObject

State = Literal["active", "registering", "failed", "removing", "off"]

STATES: Final[dict[str, State]] = {"registering": "registering", "removing": "removing"}


@dataclass(slots=True)
class PollState:
    """How a poll goes in this process: failures in a row, the last one's message, and when it is polled next."""

    failures: int = 0
    error: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerState:
    """How a trigger stands, for `flows list`."""

    key: str
    kind: str
    name: str
    state: State
    detail: str = ""
    """What is wrong, when something is."""
    next_at: datetime | None = None
    address: str = ""
    """Of webhooks: where deliveries go."""

    def to_json(self) -> JsonObject:
        return {
            "key": self.key,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "detail": self.detail,
            "next_at": self.next_at.isoformat() if self.next_at else None,
            "address": self.address,
        }
