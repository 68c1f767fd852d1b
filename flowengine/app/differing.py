"""Where two JSON values differ, told by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flowengine.spec.source import Location
from flowengine.types import Json, JsonObject

ANY = "<any>"
"""An expected value that everything fits."""
ABSENT = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `also` tells what else is known, such as an error's message."""

    loc: Location
    expected: Json
    found: Json
    also: str = ""

    @property
    def where(self) -> str:
        """`calls[1].with.assignee.id`"""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.loc)
        return text.removeprefix(".")

    def to_json(self) -> JsonObject:
        return {"where": self.where, "expected": self.expected, "found": self.found, "also": self.also}


def missing(loc: Location, expected: Json, hint: str) -> Difference:
    """Something that is expected of an action that is not there."""
    return Difference(loc, expected, "there is no such action", hint)


def differences(
    expected: Json, found: Json, loc: Location, *, exact: bool = False, also: Json = None
) -> Iterator[Difference]:
    """Where the two differ. Unless `exact`, objects may have more fields than are expected."""
    if expected == ANY:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name in found:
                yield from differences(value, found[name], (*loc, name), exact=exact)
            elif value != ANY:
                yield Difference((*loc, name), value, ABSENT)
        for name in found if exact else ():
            if name not in expected:
                yield Difference((*loc, name), ABSENT, found[name])
    elif isinstance(expected, list) and isinstance(found, list):
        for index in range(max(len(expected), len(found))):
            at = (*loc, index)
            if index >= len(found):
                yield Difference(at, expected[index], ABSENT)
            elif index >= len(expected):
                yield Difference(at, ABSENT, found[index])
            else:
                yield from differences(expected[index], found[index], at, exact=exact)
    elif expected != found or isinstance(expected, bool) != isinstance(found, bool):
        yield Difference(loc, expected, found, "" if also is None else str(also))
