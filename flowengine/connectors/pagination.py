"""Pages: how the next one is asked for, and how all become one answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from flowengine.manifests.extensions import Pagination
from flowengine.manifests.operation import Operation
from flowengine.types import Json, JsonObject

MOST_PAGES = 1_000
_ITEMS = ("value", "items", "results", "data")


@dataclass(frozen=True, slots=True)
class NextInputs:
    """The next page is the same operation with these inputs."""

    inputs: JsonObject


@dataclass(frozen=True, slots=True)
class NextAddress:
    """The next page is at this address."""

    url: str


Next: TypeAlias = NextInputs | NextAddress


class Pages(Protocol):
    """One convention of paging."""

    def items(self, body: Json) -> list[Json] | None:
        """The page's items; None when the answer has no list where one is expected."""
        ...

    def next(self, inputs: Mapping[str, Json], body: Json) -> Next | None:
        """How the page after this one is asked for; None after the last."""
        ...

    def joined(self, first: Json, items: list[Json]) -> Json:
        """The first page's body with all items, and without the mark of a further page."""
        ...


def pages_of(operation: Operation) -> Pages | None:
    """The operation's convention; None when it has no pages."""
    if operation.pagination is not None:
        return ByParameter(operation.pagination)
    return ByLink(operation.next_link) if operation.next_link else None


@dataclass(frozen=True, slots=True)
class ByParameter:
    """The answer names the next page, and a parameter asks for it: LiveChat's `page_id`."""

    pagination: Pagination

    def items(self, body: Json) -> list[Json] | None:
        found = at(body, self.pagination.items)
        return found if isinstance(found, list) else None

    def next(self, inputs: Mapping[str, Json], body: Json) -> Next | None:
        token = at(body, self.pagination.next)
        if token in (None, "", False):
            return None
        kept = self.pagination.with_page if self.pagination.only else tuple(inputs)
        return NextInputs({**{name: inputs[name] for name in kept if name in inputs}, self.pagination.parameter: token})

    def joined(self, first: Json, items: list[Json]) -> Json:
        return without(replaced(first, self.pagination.items, items), self.pagination.next)


@dataclass(frozen=True, slots=True)
class ByLink:
    """The answer holds the next page's address: Microsoft's `x-ms-pageable`."""

    name: str

    def items(self, body: Json) -> list[Json] | None:
        place = self._place(body)
        return body[place] if place is not None else None

    def next(self, inputs: Mapping[str, Json], body: Json) -> Next | None:
        link = body.get(self.name) if isinstance(body, dict) else None
        link = at(body, self.name) if link is None else link
        return NextAddress(link) if isinstance(link, str) and link else None

    def joined(self, first: Json, items: list[Json]) -> Json:
        place = self._place(first)
        joined = {**first, place: items} if place is not None else first
        return {key: value for key, value in joined.items() if key != self.name} if isinstance(joined, dict) else joined

    def _place(self, body: Json) -> str | None:
        """Where the items are: `value` by convention, else the only list."""
        if not isinstance(body, dict):
            return None
        lists = [key for key, value in body.items() if isinstance(value, list)]
        return next((name for name in _ITEMS if name in lists), lists[0] if len(lists) == 1 else None)


def at(value: Json, path: str) -> Json:
    """What stands at a dotted path; None when nothing does."""
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def replaced(value: Json, path: str, item: Json) -> Json:
    """`value` with `item` at a dotted path; the original stays as it is."""
    name, _, rest = path.partition(".")
    if not isinstance(value, dict):
        return value
    return {**value, name: replaced(value.get(name, {}), rest, item) if rest else item}


def without(value: Json, path: str) -> Json:
    """`value` without what stands at a dotted path."""
    name, _, rest = path.partition(".")
    if not isinstance(value, dict) or name not in value:
        return value
    if rest:
        return {**value, name: without(value[name], rest)}
    return {key: item for key, item in value.items() if key != name}
