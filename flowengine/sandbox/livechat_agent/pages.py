"""Paging by `page_id`: it remembers filters, limit and order, so these cannot be sent with it; it lives one month."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson

from flowengine.sandbox.livechat_agent.asked import Asked
from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.types import Json, JsonObject

REMEMBERED: Final = ("filters", "limit", "sort_order")
LIFETIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which page is asked for: with what remembered parameters, and after or before which item's key."""

    remembered: JsonObject
    after: list[str] | None = None
    before: list[str] | None = None

    @property
    def filters(self) -> JsonObject:
        return dict(self.remembered.get("filters") or {})


def wish(asked: Asked) -> Wish:
    """Read the paging parameters. Refuses a page id beside what it remembers, and one that is not ours or too old."""
    given = asked.given
    page_id = given.get("page_id")
    if page_id is None:
        return Wish({key: given[key] for key in REMEMBERED if given.get(key) is not None})
    for key in REMEMBERED:
        if given.get(key) is not None:
            raise refused("validation", f"`{key}` cannot be used together with `page_id`")
    try:
        read = orjson.loads(base64.urlsafe_b64decode(page_id))
        age = asked.licence.world.clock.now().timestamp() - read["at"]
        wanted = Wish(read["remembered"], read["after"], read["before"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refused("validation", "`page_id` is not known") from None
    if age > LIFETIME.total_seconds():
        raise refused("validation", "`page_id` has expired")
    return wanted


def page(
    asked: Asked, wanted: Wish, items: Sequence[Json], key: Callable[[Json], list[str]], limit: int
) -> tuple[list[Json], JsonObject]:
    """The wanted page of `items` and the ids of its neighbours; `limit` is the default size. Newest first by default."""
    descending = wanted.remembered.get("sort_order", "desc") == "desc"
    ordered = sorted(items, key=key, reverse=descending)
    size = wanted.remembered.get("limit", limit)
    first = _first(wanted, [key(item) for item in ordered], size, descending=descending)
    found = ordered[first : first + size]
    ids = {}
    if found and first + size < len(ordered):
        ids["next_page_id"] = _page_id(asked, wanted, after=key(found[-1]))
    if found and first > 0:
        ids["previous_page_id"] = _page_id(asked, wanted, before=key(found[0]))
    return found, ids


def _first(wanted: Wish, keys: list[list[str]], size: int, *, descending: bool) -> int:
    """Where the page begins. Counting by keys, a new chat that comes in between pages moves nothing."""
    if wanted.after is not None:
        return sum(1 for key in keys if (key >= wanted.after if descending else key <= wanted.after))
    if wanted.before is not None:
        end = sum(1 for key in keys if (key > wanted.before if descending else key < wanted.before))
        return max(0, end - size)
    return 0


def _page_id(asked: Asked, wanted: Wish, after: list[str] | None = None, before: list[str] | None = None) -> str:
    at = asked.licence.world.clock.now().timestamp()
    kept = {"remembered": wanted.remembered, "after": after, "before": before, "at": at}
    return base64.urlsafe_b64encode(orjson.dumps(kept)).decode()
