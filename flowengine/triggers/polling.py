"""Polls: a reading operation asked again and again, one event for each item that was not seen before.

The cursor, the ids that were seen and the runs are saved in one commit. A page that fails changes nothing: it is asked for
again. Pages may overlap and items may share a timestamp; only ids count.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import orjson

from flowengine import failpoints
from flowengine.connectors.announcing import Announcement, Position
from flowengine.errors import ActionError, ExpressionError, FlowEngineError, OperationFailed
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger, Poll
from flowengine.store import Store
from flowengine.store.records import PollState
from flowengine.triggers.dispatch import Arrival, Dispatcher
from flowengine.types import Json, JsonObject, Outputs

log = logging.getLogger(__name__)

POLL_EVERY: Final = timedelta(minutes=1)
"""For polling triggers of manifests whose flow says nothing."""

SHORTEST_PAUSE: Final = 1.0
"""Seconds between two polls, however soon a service wants to be asked again."""

SLOWEST_RETRY: Final = timedelta(hours=1)

SEEN_AT_MOST: Final = 20_000
"""Beyond this many ids, those that the newest page does not show are forgotten. Their events still carry them as dedupe
keys, so that an old item that comes back is a duplicate, not a run."""

Ask = Callable[[str, str, str | None, JsonObject], Awaitable[Outputs]]
"""Calls an operation once: (connector, operation, connection, inputs). Raises `ActionError`."""


Announce = Callable[[OperationTrigger, JsonObject, Position], Awaitable[Announcement]]
"""Polls a manifest's trigger once: (trigger, inputs, from where to go on). Raises `ActionError`."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll gave."""

    fresh: int
    """How many items there were that had not been seen."""
    wait: float | None = None
    """Seconds after which the service wants to be asked again, if it said."""

    def pause(self, every: timedelta | None) -> timedelta:
        """Until the next poll: what the service asks for, and never more often than the author says."""
        if self.wait is None:
            return every or POLL_EVERY
        asked = timedelta(seconds=max(self.wait, SHORTEST_PAUSE))
        return min(max(every or timedelta(), asked), max(SLOWEST_RETRY, every or POLL_EVERY))


@dataclass(frozen=True, slots=True)
class Page:
    """The items of one poll."""

    items: list[Item]
    position: Position | None = None
    """For manifests' triggers: from where the next poll goes on."""
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a page."""

    id: str
    value: Json


class Polls:
    """Asks, compares, commits."""

    def __init__(self, store: Store, dispatcher: Dispatcher, ask: Ask, announce: Announce) -> None:
        self.store = store
        self.dispatcher = dispatcher
        self.ask = ask
        self.announce = announce
        self.evaluator = dispatcher.evaluator

    async def poll(self, flow: Flow, trigger: Poll | OperationTrigger) -> Polled:
        """Ask once. Raises `ActionError` when the page or its reading failed."""
        state = await self.store.polls.get(flow.id, trigger.key) or PollState()
        now = self.dispatcher.clock.now()
        scope = {"cursor": state.cursor, "vars": flow.vars, SEED: seed(now, f"poll {flow.id} {trigger.key} {now}")}
        inputs = await self.evaluator.render(trigger.inputs, scope)
        match trigger:
            case OperationTrigger():
                page = await self._announced(trigger, inputs, _position(trigger, state.cursor))
            case Poll():
                page = await self._page(trigger, inputs)
        fresh = _fresh(page.items, state.seen)
        after = PollState(await self._cursor(trigger, state.cursor, page), _seen(state.seen, page.items))
        if fresh or after.cursor != state.cursor:
            await self._commit(flow, trigger, after, fresh)
        return Polled(len(fresh), page.wait)

    async def _announced(self, trigger: OperationTrigger, inputs: JsonObject, position: Position) -> Page:
        found = await self.announce(trigger, inputs, position)
        # A service that remembers how far it told shows an item again only when it has changed.
        name = _content if found.position.kept_by_service else _fingerprint
        return Page([Item(name(value), value) for value in found.events], found.position, found.wait)

    async def _page(self, trigger: Poll, inputs: JsonObject) -> Page:
        outputs = await self.ask(trigger.connector, trigger.operation, trigger.connection, inputs)
        page = await self.evaluator.render(trigger.items, outputs.to_json())
        if not isinstance(page, list):
            raise ExpressionError(f"items must give a list, not {page!r:.80}", template=trigger.items)
        return Page([Item(await self._id(trigger, value), value) for value in page])

    async def _id(self, trigger: Poll, value: Json) -> str:
        found = await self.evaluator.render(trigger.item_id, {"item": value})
        if found in (None, ""):
            raise ExpressionError(f"item_id gave nothing for the item {value!r:.80}", template=trigger.item_id)
        return found if isinstance(found, str) else orjson.dumps(found).decode()

    async def _cursor(self, trigger: Poll | OperationTrigger, before: Json, page: Page) -> Json:
        """The greatest cursor of the page, as numbers or texts compare; the one before when nothing is greater."""
        if page.position is not None:
            return {**page.position.to_json(), "of": _asked(trigger)} if page.position.kept_by_service else before
        if not isinstance(trigger, Poll) or trigger.cursor is None:
            return before
        newest = before
        for item in page.items:
            found = await self.evaluator.render(trigger.cursor, {"item": item.value})
            if newest is None or _is_greater(found, newest):
                newest = found
        return newest

    async def _commit(self, flow: Flow, trigger: Poll | OperationTrigger, after: PollState, fresh: list[Item]) -> None:
        failpoints.reach("after_poll_answer")
        judged = [await self.dispatcher.judge(flow, trigger, _arrival(trigger, item)) for item in fresh]
        await self.dispatcher.commit(flow, judged, partial(self.store.polls.commit, flow.id, trigger.key, after))


def _is_greater(found: Json, newest: Json) -> bool:
    """As numbers, whole or not, or as texts compare; values of two sorts have no order."""
    numbers = all(isinstance(each, (int, float)) for each in (found, newest)) and not isinstance(found, bool)
    texts = isinstance(found, str) and isinstance(newest, str)
    return (numbers or texts) and bool(found > newest)


def _position(trigger: OperationTrigger, kept: Json) -> Position:
    """From where to go on: where the last poll ended, unless the trigger asks for something else by now."""
    same = isinstance(kept, dict) and kept.get("of") == _asked(trigger)
    return Position.from_json(kept) if same else Position()


def _asked(trigger: Poll | OperationTrigger) -> str:
    return _content([trigger.connector, trigger.operation, trigger.connection, trigger.inputs])


def _arrival(trigger: Poll | OperationTrigger, item: Item) -> Arrival:
    return Arrival(value=item.value, body=orjson.dumps(item.value), dedupe_key=item.id, source=trigger.name)


def _fingerprint(value: Json) -> str:
    """The item's own id where it has one, else a hash of all it says."""
    known = value.get("id", value.get("Id", value.get("ID"))) if isinstance(value, dict) else None
    if isinstance(known, (str, int)) and not isinstance(known, bool):
        return str(known)
    return _content(value)


def _content(value: Json) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _fresh(items: list[Item], seen: frozenset[str]) -> list[Item]:
    """Each unseen item once, in the order of the page."""
    first: dict[str, Item] = {}
    for item in items:
        if item.id not in seen:
            first.setdefault(item.id, item)
    return list(first.values())


def _seen(before: frozenset[str], items: list[Item]) -> frozenset[str]:
    page = frozenset(item.id for item in items)
    together = before | page
    return page if len(together) > SEEN_AT_MOST else together


def told_of(error: Exception) -> str:
    """Why a poll failed, for its event."""
    if isinstance(error, FlowEngineError):
        return error.message
    log.error("a poll failed in the engine itself", exc_info=error)
    return f"{type(error).__name__} in the engine itself"


def asked_to_wait(error: Exception) -> timedelta:
    """How long the service wants to be left alone after a poll that failed."""
    seconds = error.retry_after if isinstance(error, OperationFailed) else None
    return min(timedelta(seconds=seconds or 0), SLOWEST_RETRY) if isinstance(error, ActionError) else timedelta()
