"""Requests in the making, as bytes, and the answers to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from flowengine.record import record
from flowengine.types import Json


@record(frozen=True, slots=True)
class Request:
    """What is sent: after authentication and policies, to the byte."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def __repr__(self) -> str:
        """Without the URL's query, the headers' values and the body: they hold credentials."""
        names = ", ".join(name for name, _ in self.headers)
        return (
            f"Request({self.method} {self.url.split('?', 1)[0]}, headers: {names}, body: {len(self.body or b'')} bytes)"
        )


@record(frozen=True, slots=True)
class Answer:
    """What came back: the header names are in lower case, the body is decoded (not compressed any more)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@record(frozen=True, slots=True)
class DataBody:
    """A value that `content_type` says how to write: JSON, or text and XML for text."""

    value: Json
    content_type: str
    binary: bool = False
    """Whether the value is a file: text, or Microsoft's envelope."""


@record(frozen=True, slots=True)
class FormField:
    """One field of a form; `file` says that it is sent as a file."""

    name: str
    value: Json
    file: bool = False


@record(frozen=True, slots=True)
class FormBody:
    """A form: `multipart` with files, else urlencoded."""

    fields: tuple[FormField, ...]
    multipart: bool


Body: TypeAlias = DataBody | FormBody


class Headers:
    """Ordered headers whose names differ in letter case only when they are the same."""

    def __init__(self) -> None:
        self._pairs: dict[str, tuple[str, str]] = {}

    def get(self, name: str) -> str | None:
        found = self._pairs.get(name.lower())
        return found[1] if found else None

    def set(self, name: str, value: str) -> None:
        self._pairs[name.lower()] = (name, value)

    def remove(self, name: str) -> None:
        self._pairs.pop(name.lower(), None)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs.values())


@dataclass(slots=True)
class QueryPair:
    """One query parameter, not encoded yet; `double` encodes it twice."""

    name: str
    value: str
    double: bool = False


@dataclass(slots=True)
class Draft:
    """What becomes a `Request`."""

    method: str
    base: str
    """Scheme, host and base path, without a slash at the end."""
    path: str
    """Below the base, encoded; begins with a slash unless empty."""
    query: list[QueryPair] = field(default_factory=list)
    headers: Headers = field(default_factory=Headers)
    body: Body | None = None
    path_values: dict[str, str] = field(default_factory=dict)
    """The path's parameters, encoded: routing policies put them into another path."""

    def query_value(self, name: str) -> str | None:
        """The first query parameter of that name."""
        return next((pair.value for pair in self.query if pair.name.lower() == name.lower()), None)

    def set_query(self, name: str, value: str) -> None:
        """Replace the query parameter, or add it."""
        self.query = [pair for pair in self.query if pair.name.lower() != name.lower()]
        self.query.append(QueryPair(name, value))
