"""Which trace a call belongs to, in the words of W3C Trace Context.

The numbers are made of the run's id and the action's path alone: every process that has a part in a run gives its spans the same
parents, before and after a restart, and none has to remember any.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

NAME = "traceparent"
_HEADER: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A span of somebody else's."""

    trace: int
    span: int
    sampled: bool


def parse_traceparent(header: str) -> Elsewhere | None:
    """The span that a request says it comes from; None for what is no such header, as the recommendation wants it.

    What later versions of it add behind is left out; version 00 has nothing there.
    """
    found = _HEADER.fullmatch(header.strip())
    if found is None or (found[1] == "00" and found[5]):
        return None
    trace, span = int(found[2], 16), int(found[3], 16)
    return Elsewhere(trace, span, bool(int(found[4], 16) & 1)) if trace and span else None


def trace_id(run_id: str) -> int:
    """128 bits: one trace a run."""
    return _number(f"run:{run_id}", 16)


def span_id(run_id: str, path: str = "", attempt: int = 0) -> int:
    """64 bits: the run's own span, an action's, or one of its attempts'."""
    return _number(f"span:{run_id}:{path}:{attempt}", 8)


def traceparent(key: str) -> str:
    """The header of a call with this idempotency key (`run id:path`); empty for calls outside of runs."""
    run_id, colon, path = key.partition(":")
    return f"00-{trace_id(run_id):032x}-{span_id(run_id, path):016x}-01" if colon else ""


def _number(text: str, size: int) -> int:
    # Zero means "no trace".
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest()) or 1
