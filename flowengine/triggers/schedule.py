"""Schedules: which times are due since the last settled one, and what follows for those that were missed.

The settled time stands in the store and moves in the same commit as the runs it starts, so that a time is neither lost nor
run twice, whatever dies in between. Clocks that jump forward leave missed times; clocks that jump back start nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, takewhile
from typing import Final

import orjson

from flowengine import failpoints
from flowengine.spec.flow import Flow
from flowengine.spec.schedules import read_schedule
from flowengine.spec.triggers import Schedule
from flowengine.store import Store
from flowengine.triggers.dispatch import Arrival, Dispatcher, Judged
from flowengine.types import Disposition, Json

GRACE: Final = timedelta(seconds=60)
"""How late a time may be met and still count as met."""

RUN_ALL_AT_MOST: Final = 1_000
"""How many missed times `run_all` makes up for; the older ones are recorded as missed."""

LOOK_BACK_AT_MOST: Final = 100_000
"""How many missed times one record counts. Where more have passed, the older ones are put on record before the newest are
judged."""


@dataclass(frozen=True, slots=True)
class Due:
    """Times since the last settled one: those to run for, and those that are missed."""

    run: tuple[datetime, ...] = ()
    missed: tuple[datetime, ...] = ()

    @property
    def settled(self) -> datetime | None:
        """The newest of all these times."""
        return max((*self.run, *self.missed), default=None)


def due(trigger: Schedule, settled: datetime, now: datetime) -> Due:
    """What is due by `now`, by the trigger's `if_missed`."""
    found = takewhile(lambda time: time <= now, times(trigger, settled))
    passed = list(islice(found, LOOK_BACK_AT_MOST + 1))
    if not passed:
        return Due()
    if len(passed) > LOOK_BACK_AT_MOST:
        return Due(missed=tuple(passed[:-1]))
    on_time = [time for time in passed if now - time <= GRACE][-1:]
    match trigger.if_missed:
        case "run_all":
            run = passed[-RUN_ALL_AT_MOST:]
        case "skip":
            run = on_time
        case "run_once":
            run = passed[-1:]
    return Due(tuple(run), tuple(passed[: len(passed) - len(run)]))


def times(trigger: Schedule, after: datetime) -> Iterator[datetime]:
    """The times after a moment, in UTC, one after another."""
    schedule = read_schedule(trigger.recurrence, trigger.timezone)
    moment = schedule.next_after(after)
    while moment is not None:
        yield moment.astimezone(UTC)
        moment = schedule.next_after(moment)


def coming(trigger: Schedule, after: datetime) -> datetime | None:
    """The next time after a moment, in UTC."""
    return next(times(trigger, after), None)


class Schedules:
    """Settles schedule triggers against the store."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self.store = store
        self.dispatcher = dispatcher
        self.clock = dispatcher.clock

    async def settle(self, flow: Flow, trigger: Schedule, *, enabled: bool) -> datetime | None:
        """Start what is due; the next time to look, or None when no time will come.

        A schedule that was never seen begins now: no time before its first deployment is missed.
        """
        now = self.clock.now()
        settled = await self.store.schedules.get(flow.id, trigger.key)
        if settled is None:
            await self.store.schedules.commit(flow.id, trigger.key, now, [])
            return coming(trigger, now)
        found = due(trigger, settled, now)
        if found.settled is None:
            return coming(trigger, max(settled, now))
        if not enabled:  # times that pass while a flow is switched off are nobody's loss
            await self.store.schedules.commit(flow.id, trigger.key, found.settled, [])
            return coming(trigger, now)
        await self._commit(flow, trigger, found, now)
        if len(found.missed) == LOOK_BACK_AT_MOST:  # there may be more
            return await self.settle(flow, trigger, enabled=enabled)
        return coming(trigger, now)

    async def _commit(self, flow: Flow, trigger: Schedule, found: Due, now: datetime) -> None:
        failpoints.reach("schedule_due")
        judged = [await self._judge(flow, trigger, moment, now) for moment in found.run]
        if found.missed:
            judged.insert(0, await self._missed(flow, trigger, found.missed, now))
        assert found.settled is not None
        write = partial(self.store.schedules.commit, flow.id, trigger.key, found.settled)
        await self.dispatcher.commit(flow, judged, write)

    async def _judge(self, flow: Flow, trigger: Schedule, moment: datetime, now: datetime) -> Judged:
        value = {"scheduled_at": _text(moment), "late": now - moment > GRACE}
        return await self.dispatcher.judge(flow, trigger, _arrival(value, now, _text(moment)))

    async def _missed(self, flow: Flow, trigger: Schedule, missed: tuple[datetime, ...], now: datetime) -> Judged:
        """One record for all missed times: how many there were, the first and the last."""
        value = {"first": _text(missed[0]), "last": _text(missed[-1]), "count": len(missed)}
        judged = await self.dispatcher.judge(
            flow, trigger, _arrival(value, now, f"missed {_text(missed[-1])}"), enabled=False
        )
        told = "time passed" if len(missed) == 1 else "times passed"
        reason = {"message": f"{len(missed)} {told} while the engine was not running", **value}
        return Judged(replace(judged.event, disposition=Disposition.MISSED, reason=reason))


def _arrival(value: Json, now: datetime, dedupe_key: str) -> Arrival:
    return Arrival(value=value, body=orjson.dumps(value), received_at=now, dedupe_key=dedupe_key, source="schedule")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
