"""Faults that a test or a curious author orders: the service breaks a given number of matching calls."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from flowengine.findings import did_you_mean
from flowengine.types import Json, JsonObject

KINDS: Final = {
    "status": "answer `status` (500) and do nothing",
    "throttle": "answer 429 with Retry-After: `retry_after` and do nothing",
    "reset": "cut the connection without an answer, and do nothing unless `acted` is true",
    "slow": "do it, and answer `seconds` late",
    "half": "do it, and cut the connection in the middle of the answer",
    "garbage": "do it, and answer 200 with something that is not JSON",
}
_ACTING: Final = ("slow", "half", "garbage")
_KEYS: Final = ("match", "times", "kind", "status", "retry_after", "seconds", "acted")


@dataclass(slots=True)
class Fault:
    """One order: which calls (`match`: `POST /tickets`, `*` stands for anything), how often still, and what happens.

    `acted` tells whether the service does what it was asked to before the call breaks.
    """

    match: str = "*"
    times: int = 1
    kind: str = "status"
    status: int = 500
    retry_after: float = 1
    seconds: float = 1.0
    acted: bool = False

    def concerns(self, method: str, path: str) -> bool:
        """Whether this call is one to break. A match without a method means any; one without a leading `/` is a path's end."""
        wanted_method, _, pattern = self.match.rpartition(" ")
        if wanted_method and wanted_method.upper() != method:
            return False
        return fnmatchcase(path, pattern if pattern.startswith(("/", "*")) else f"*/{pattern}")

    def to_json(self) -> JsonObject:
        return {key: getattr(self, key) for key in _KEYS}


class Faults:
    """The faults that are in force, in the order of their arrival."""

    def __init__(self) -> None:
        self.ordered: list[Fault] = []

    def order(self, given: Json) -> Fault:
        """Put a fault in force. Raises `ValueError` with what is wrong with the order."""
        fault = _read(given)
        self.ordered.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that breaks this call, used up once."""
        for fault in self.ordered:
            if fault.concerns(method, path):
                fault.times -= 1
                self.ordered = [other for other in self.ordered if other.times > 0]
                return fault
        return None

    def clear(self) -> None:
        """Let everything work again."""
        self.ordered.clear()


def _read(given: Json) -> Fault:
    if not isinstance(given, dict):
        example = '{"match": "POST /tickets", "kind": "status", "status": 500}'
        raise ValueError(f"a fault is an object, such as {example}")  # noqa: TRY004  (what was sent is wrong)
    for key in given:
        if key not in _KEYS:
            raise ValueError(f'a fault has no "{key}"; {did_you_mean(key, _KEYS)}')
    kind = given.get("kind", "status")
    if kind not in KINDS:
        raise ValueError(f'there is no fault of kind "{kind}"; {did_you_mean(str(kind), KINDS)}')
    for key, smallest in (("times", 1), ("status", 100), ("retry_after", 0), ("seconds", 0)):
        value = given.get(key, smallest)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < smallest:
            raise ValueError(f'"{key}" of a fault is a number of at least {smallest}')
    return Fault(**{"acted": kind in _ACTING, **given})
