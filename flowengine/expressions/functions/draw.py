"""What a template may draw from the run: its clock and its chance, both the same again when the run is resumed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from jinja2.runtime import Context

from flowengine.errors import ExpressionError

SEED = "__seed__"
"""The scope's key for `{"now": RFC 3339 text, "key": text}`; templates cannot name it."""


@dataclass(slots=True)
class Draw:
    """One template's share of a seed. The key says where in which run it stands, so that no two draw the same."""

    now: datetime
    key: str
    turns: count[int] = field(default_factory=count)

    def digest(self) -> bytes:
        """32 bytes that look random and depend only on the key and on how often was drawn before."""
        return hashlib.sha256(f"{self.key}#{next(self.turns)}".encode()).digest()

    def uuid(self) -> str:
        """A version 4 UUID."""
        return str(UUID(bytes=self.digest()[:16], version=4))

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, not including, `limit`."""
        return int.from_bytes(self.digest()[:16], "big") % limit


def seed(now: datetime, key: str) -> dict[str, Any]:
    """What to put into a scope under `SEED` so that templates can ask for the time and for chance."""
    return {"now": now.isoformat(), "key": key}


def drawn(context: Context) -> Draw:
    """The draw of the template that is being rendered."""
    found = context.parent.get(SEED)
    if not isinstance(found, Draw):
        raise ExpressionError("the time and random values are not available here")
    return found
