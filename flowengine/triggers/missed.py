"""What a service delivered while nobody listened: asked for after a downtime, through the same dedupe keys.

Services deliver a webhook a few times and then give it up, so that an outage of minutes loses events. Where a manifest says
under `missed` which operation lists what happened, the trigger keeps up to which time it has heard of everything. After a gap the
list is asked for, each item becomes the event that its delivery would have been, and events, runs and the new time are one
commit. What was delivered after all is a duplicate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

import orjson

from flowengine.errors import ActionError, FlowEngineError
from flowengine.manifests.extensions import Missed, WebhookSpec
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger
from flowengine.store import Store
from flowengine.store.records import SubscriptionRecord
from flowengine.triggers.deliveries import at_path
from flowengine.triggers.dispatch import Arrival, Dispatcher, Judged
from flowengine.triggers.subscriptions import Wanted
from flowengine.types import Disposition, Json, JsonObject, Outputs

log = logging.getLogger(__name__)

SETTLE_EVERY: Final = timedelta(minutes=1)
"""How often a trigger that hears everything notes so: a downtime is asked about from then on."""
OVERLAP: Final = timedelta(minutes=5)
"""Asked about in addition: clocks differ, and services deliver late."""
ITEMS_AT_MOST: Final = 10_000

Place: TypeAlias = tuple[str, str]
"""Flow id and trigger key."""

AskAll: TypeAlias = Callable[[str, str, str | None, JsonObject, int], Awaitable[Outputs]]
"""Calls an operation, following its pages: (connector, operation, connection, inputs, most items). Raises `ActionError`."""


class CatchUp:
    """Asks for what was missed, once after each gap."""

    def __init__(self, store: Store, dispatcher: Dispatcher, ask: AskAll) -> None:
        self.store = store
        self.dispatcher = dispatcher
        self.ask = ask
        self._one_at_a_time = asyncio.Lock()
        self._hears: set[Place] = set()
        """Triggers that have caught up and whose webhook has been active since."""
        self._off: set[Place] = set()
        """Triggers that heard everything until their flow was switched off."""
        self._told: set[Place] = set()
        """Triggers whose failure is on record."""

    async def round(self, wanted: Sequence[Wanted], records: Mapping[Place, SubscriptionRecord]) -> int:
        """Catch up where there was a gap, and note the time where there is none; how many runs came of it."""
        async with self._one_at_a_time:
            places = {one.place for one in wanted}
            # What happens while a flow is switched off is nobody's loss.
            self._off |= self._hears - places
            self._hears &= places
            return sum(
                [await self._look(one, records.get(one.place)) for one in wanted if one.spec and one.spec.missed]
            )

    async def _look(self, wanted: Wanted, record: SubscriptionRecord | None) -> int:
        flow, trigger, place, now = wanted.flow, wanted.trigger, wanted.place, self.dispatcher.clock.now()
        if record is None or record.state != "active":
            self._hears.discard(place)  # from the last noted time on, events may be missing
            return 0
        since = await self.store.schedules.get(*place)
        if place in self._off:
            since = None
        if place in self._hears or since is None:
            # Nothing from before the beginning is missed: the overlap of a gap that follows soon must not reach behind it.
            await self.store.schedules.commit(*place, now + OVERLAP if since is None else max(since, now))
            self._hears.add(place)
            self._off.discard(place)
            return 0
        assert wanted.spec is not None
        try:
            started = await self._catch_up(flow, trigger, wanted.spec, since - OVERLAP, now)
        except ActionError as error:
            await self._tell(flow, trigger, error)
            return 0
        self._hears.add(place)
        self._told.discard(place)
        if started:
            log.info("%s: %d runs for what happened while nobody listened", flow.id, started)
        return started

    async def _catch_up(
        self, flow: Flow, trigger: OperationTrigger, spec: WebhookSpec, since: datetime, now: datetime
    ) -> int:
        judged: list[Judged] = []
        for missed in spec.missed:
            for item in await self._items(trigger, missed, since, now):
                value = formed(missed.event, item)
                arrival = Arrival(
                    value=value,
                    body=orjson.dumps(value),
                    dedupe_key=_key(spec, value),
                    source=f"{trigger.connector}.{missed.operation}",
                )
                judged.append(await self.dispatcher.judge(flow, trigger, arrival))
        write = partial(self.store.schedules.commit, flow.id, trigger.key, max(now, since + OVERLAP))
        stored = await self.dispatcher.commit(flow, judged, write)
        return sum(len(one.runs) for one in stored)

    async def _items(self, trigger: OperationTrigger, missed: Missed, since: datetime, now: datetime) -> list[Json]:
        """What happened since then, the oldest first."""
        inputs = formed(missed.inputs, {"since": _text(since - missed.lookback), "until": _text(now)})
        outputs = await self.ask(trigger.connector, missed.operation, trigger.connection, inputs, ITEMS_AT_MOST)
        found = at_path(outputs.body, missed.items) if missed.items else outputs.body
        if not isinstance(found, list):
            raise ActionError(f"{missed.operation} gave no list" + (f' at "{missed.items}"' if missed.items else ""))
        fitting = [
            item for item in found if all(at_path(item, path) == wanted for path, wanted in missed.where.items())
        ]
        timed = [(_time(_at(item, missed.at)), item) for item in fitting]
        start = since.replace(microsecond=0)  # many services tell whole seconds
        return [item for at, item in sorted(timed, key=lambda pair: pair[0] or now) if at is None or at >= start]

    async def _tell(self, flow: Flow, trigger: OperationTrigger, error: FlowEngineError) -> None:
        """On record once; it is tried again every minute until it succeeds, about the whole time."""
        log.warning("%s: what was missed could not be asked for: %s", flow.id, error)
        place = (flow.id, trigger.key)
        if place not in self._told:
            self._told.add(place)
            told = f"what happened while nobody listened could not be asked for: {error.message}"
            await self.dispatcher.refuse(
                flow, trigger, Arrival(value=None, source=trigger.name), told, Disposition.FAILED
            )


def formed(template: Json, values: Mapping[str, Json]) -> Json:
    """The template with each text `{some.path}` replaced by the value there; a field whose value is missing is left out."""
    match template:
        case dict():
            made = {name: formed(each, values) for name, each in template.items()}
            return {name: each for name, each in made.items() if each is not None}
        case list():
            return [formed(each, values) for each in template]
        case str() if template.startswith("{") and template.endswith("}"):
            return values if template == "{}" else at_path(values, template[1:-1])
        case _:
            return template


def _key(spec: WebhookSpec, value: Json) -> str | None:
    parts = [at_path(value, path) for path in spec.dedupe]
    return None if not parts or any(part is None for part in parts) else ":".join(map(str, parts))


def _at(item: Json, path: str) -> Json:
    """As `at_path`; `last` is the last of a list."""
    for part in path.split(".") if path else ():
        item = (item[-1] if item else None) if part == "last" and isinstance(item, list) else at_path(item, part)
    return item if path else None


def _time(value: Json) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    """With microseconds and offset, as the strictest of the services wants it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
