"""Source files: YAML 1.2 read with the position of every key and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from flowengine.findings import Span
from flowengine.types import Json

Location: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a file's data, such as `("actions", 2, "with", "body")`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, its data, and where each key and value stands."""

    file: str
    text: str
    data: Json = None
    keys: Mapping[Location, Span] = field(default_factory=dict)
    values: Mapping[Location, Span] = field(default_factory=dict)

    def span(self, loc: Location) -> Span:
        """Where the value at `loc` stands; the nearest parent's place when it has none."""
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.values.get(loc, Span(1, 1, 1, 1))
