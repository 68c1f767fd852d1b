"""Polls: a reading operation asked again and again, one event for each item that was not seen before.

The cursor, the ids that were seen and the runs are saved in one commit. A page that fails changes nothing: it is asked for
again. Pages may overlap and items may share a timestamp; only ids count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson

from flowengine.errors import ExpressionError
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger, Poll
from flowengine.store import Store
from flowengine.store.records import PollState
from flowengine.triggers.dispatch import Arrival, Dispatcher
from flowengine.types import Json, JsonObject, Outputs

SEEN_AT_MOST: Final = 20_000
"""Beyond this many ids, those that the newest page does not show are forgotten. Their events still carry them as dedupe
keys, so that an old item that comes back is a duplicate, not a run."""

Ask = Callable[[str, str, str | None, JsonObject], Awaitable[Outputs]]
"""Calls an operation once: (connector, operation, connection, inputs). Raises `ActionError`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a page."""

    id: str
    value: Json


class Polls:
    """Asks, compares, commits."""

    def __init__(self, store: Store, dispatcher: Dispatcher, ask: Ask) -> None:
        self.store = store
        self.dispatcher = dispatcher
        self.ask = ask
        self.evaluator = dispatcher.evaluator

    async def poll(self, flow: Flow, trigger: Poll | OperationTrigger) -> int:
        """Ask once; how many new items there were. Raises `ActionError` when the page or its reading failed."""
        state = await self.store.polls.get(flow.id, trigger.key) or PollState()
        now = self.dispatcher.clock.now()
        scope = {"cursor": state.cursor, "vars": flow.vars, SEED: seed(now, f"poll {flow.id} {trigger.key} {now}")}
        inputs = await self.evaluator.render(trigger.inputs, scope)
        outputs = await self.ask(trigger.connector, trigger.operation, trigger.connection, inputs)
        items = await self._items(trigger, outputs)
        fresh = _fresh(items, state.seen)
        if fresh:
            await self._commit(flow, trigger, state, items, fresh)
        return len(fresh)

    async def _items(self, trigger: Poll | OperationTrigger, outputs: Outputs) -> list[Item]:
        if isinstance(trigger, OperationTrigger):
            return [Item(_fingerprint(value), value) for value in _announced(outputs)]
        page = await self.evaluator.render(trigger.items, outputs.to_json())
        if not isinstance(page, list):
            raise ExpressionError(f"items must give a list, not {page!r:.80}", template=trigger.items)
        return [Item(await self._id(trigger, value), value) for value in page]

    async def _id(self, trigger: Poll, value: Json) -> str:
        found = await self.evaluator.render(trigger.item_id, {"item": value})
        if found in (None, ""):
            raise ExpressionError(f"item_id gave nothing for the item {value!r:.80}", template=trigger.item_id)
        return found if isinstance(found, str) else orjson.dumps(found).decode()

    async def _cursor(self, trigger: Poll | OperationTrigger, before: Json, items: list[Item]) -> Json:
        """The greatest cursor of the page, as numbers or texts compare; the one before when nothing is greater."""
        if isinstance(trigger, OperationTrigger) or trigger.cursor is None:
            return before
        newest = before
        for item in items:
            found = await self.evaluator.render(trigger.cursor, {"item": item.value})
            if newest is None or (type(found) is type(newest) and found > newest):
                newest = found
        return newest

    async def _commit(
        self, flow: Flow, trigger: Poll | OperationTrigger, state: PollState, items: list[Item], fresh: list[Item]
    ) -> None:
        judged = [await self.dispatcher.judge(flow, trigger, _arrival(trigger, item)) for item in fresh]
        after = PollState(await self._cursor(trigger, state.cursor, items), _seen(state.seen, items))
        await self.dispatcher.commit(flow, judged, partial(self.store.polls.commit, flow.id, trigger.key, after))


def _arrival(trigger: Poll | OperationTrigger, item: Item) -> Arrival:
    return Arrival(value=item.value, body=orjson.dumps(item.value), dedupe_key=item.id, source=trigger.name)


def _announced(outputs: Outputs) -> list[Json]:
    """What a manifest's polling trigger announces: nothing with 202; a list of items, or one event."""
    if outputs.status_code == 202 or outputs.body in (None, "", []):
        return []
    if isinstance(outputs.body, dict) and isinstance(outputs.body.get("value"), list):
        return list(outputs.body["value"])
    return outputs.body if isinstance(outputs.body, list) else [outputs.body]


def _fingerprint(value: Json) -> str:
    """The item's own id where it has one, else a hash of all it says."""
    known = value.get("id", value.get("Id", value.get("ID"))) if isinstance(value, dict) else None
    if isinstance(known, (str, int)) and not isinstance(known, bool):
        return str(known)
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
