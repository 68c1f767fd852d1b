"""All triggers of a project: started, kept in line with `flows/` and its switches, stopped.

`flows/` is looked at every second. A file that changed is read again; a file that has errors keeps its former version in
force. What is switched on has its hooks open, its webhooks registered, its schedules and polls set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from flowengine.errors import FlowEngineError
from flowengine.manifests.operation import Operation
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger, Poll, Schedule, Trigger, Webhook
from flowengine.store import Store
from flowengine.triggers.dispatch import Arrival, Dispatcher
from flowengine.triggers.hooks import Hooks
from flowengine.triggers.library import Library
from flowengine.triggers.missed import SETTLE_EVERY, CatchUp
from flowengine.triggers.polling import POLL_EVERY, Polls, asked_to_wait, told_of
from flowengine.triggers.schedule import Schedules, coming
from flowengine.triggers.states import STATES, PollState, State, TriggerState
from flowengine.triggers.subscriptions import Subscriptions, Wanted
from flowengine.triggers.timer import Timer
from flowengine.triggers.webhook import no_secret
from flowengine.types import Clock, Disposition, Duty

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at `flows/`."""

CHECK_SCHEDULES_EVERY: Final = timedelta(seconds=30)
"""Schedules are looked at this often whatever their alarms say, so that a clock that was set is noticed."""

log = logging.getLogger(__name__)


class Triggers:
    """The triggers of one project."""

    def __init__(
        self,
        *,
        store: Store,
        library: Library,
        dispatcher: Dispatcher,
        hooks: Hooks,
        schedules: Schedules,
        polls: Polls,
        subscriptions: Subscriptions,
        operation: Callable[[str, str], Operation | None],
        service_address: Callable[[str, str | None], str],
        look_around: Callable[[], Awaitable[bool]],
        catch_up: CatchUp,
        clock: Clock,
        duty: Duty = "everything",
    ) -> None:
        self.store = store
        self.library = library
        self.dispatcher = dispatcher
        self.hooks = hooks
        self.schedules = schedules
        self.polls = polls
        self.subscriptions = subscriptions
        self.operation = operation
        self.service_address = service_address
        """The base URL of a connector's connection: (connector, connection's name)."""
        self.look_around = look_around
        """Takes up what changed beside `flows/`; whether connections did."""
        self.catch_up = catch_up
        self.clock = clock
        self.duty = duty
        self.timer = Timer()
        self.public_url = ""
        self.switches: dict[str, bool] = {}
        self._switched = 0
        self._polled: dict[str, PollState] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.watching: asyncio.Task[None] | None = None
        self._reconciling: asyncio.Task[None] | None = None
        self._armed = False

    async def load(self) -> None:
        """Read flows and switches; nothing is started yet, but hooks are open."""
        self.switches = await self.store.flows.enabled()
        await self.subscriptions.load()
        self.hooks.subscriptions = self.subscriptions.records
        await self.refresh()

    async def start(self, public_url: str) -> None:
        """Set alarms, register webhooks, watch `flows/`. `public_url` is where services reach this engine.

        A web process only watches: alarms and webhooks are the worker's.
        """
        self.public_url = public_url.rstrip("/")
        self.watching = asyncio.create_task(self._watch(), name="watch flows/")
        if self.duty == "web":
            return
        self._armed = True
        self.timer.start()
        self.timer.every("schedules", CHECK_SCHEDULES_EVERY, self._check_schedules)
        self.timer.every("missed", SETTLE_EVERY, self._look_for_missed)
        for flow in self.library.flows():
            self._arm(flow)
        self._reconcile_soon()

    async def stop(self) -> None:
        """Start nothing more. Webhooks stay registered: the engine will be back."""
        self._armed = False
        self.timer.stop()
        for job in (self.watching, self._reconciling):
            if job:
                job.cancel()
                with suppress(asyncio.CancelledError):
                    await job

    def enabled(self, flow: Flow) -> bool:
        """Whether the file and the operator's switch both say so."""
        return flow.enabled and self.switches.get(flow.id, True)

    async def switch(self, flow_id: str, on: bool) -> None:
        """The operator's switch. Raises `NotFound`."""
        flow = self.library.get(flow_id)
        await self.store.flows.set_enabled(flow_id, on)
        self.switches[flow_id] = on
        self._switched += 1
        self._arm(flow)
        self._reconcile_soon()

    async def refresh(self) -> list[str]:
        """Read what changed in `flows/`; the ids of those flows."""
        moved = await self.look_around()
        if self.store.reader.postgresql:
            await self._hear_of_switches()
        changed = await self.library.refresh()
        for flow_id in changed:
            self._disarm(flow_id)
            entry = self.library.entries.get(flow_id)
            if entry is None or entry.flow is None:
                self.hooks.close(flow_id)
                continue
            if entry.broken:
                log.warning("%s has errors; the version before stays in force: %s", entry.file, entry.findings[0])
            self.hooks.arrange(entry.flow, lambda trigger: self.operation(trigger.connector, trigger.operation))
            self._arm(entry.flow)
        if changed or moved:
            self._reconcile_soon()
        return changed

    async def _hear_of_switches(self) -> None:
        """Another process may have switched a flow, or registered a webhook."""
        before, mark = dict(self.switches), self._switched
        found = await self.store.flows.enabled()
        if not self._armed:
            await self.subscriptions.load()
        if mark != self._switched:
            return  # switched here meanwhile: what was read is older
        self.switches = found
        for flow in self.library.flows():
            if before.get(flow.id) != found.get(flow.id):
                self._arm(flow)
                self._reconcile_soon()

    async def settled(self) -> None:
        """Wait until the webhooks at services have been brought in line as far as they can be now."""
        while self._reconciling and not self._reconciling.done():
            await asyncio.wait([self._reconciling])

    def states(self, flow: Flow) -> list[TriggerState]:
        """How each of a flow's triggers stands."""
        return [self._state(flow, trigger) for trigger in flow.triggers]

    # What is armed

    def _arm(self, flow: Flow) -> None:
        self._disarm(flow.id)
        if not self._armed:
            return
        for trigger in flow.triggers:
            match trigger:
                case Schedule():
                    self._alarm_schedule(flow, trigger, self.clock.now())
                case Poll() if self.enabled(flow):
                    self._alarm_poll(flow, trigger, self.clock.now())
                case OperationTrigger() if self.enabled(flow) and self._polling(trigger):
                    self._alarm_poll(flow, trigger, self.clock.now())
                case _:
                    continue

    def _disarm(self, flow_id: str) -> None:
        for key in self.timer.alarms():
            if key.startswith(f"{flow_id}/"):
                self.timer.cancel(key)

    def _polling(self, trigger: OperationTrigger) -> bool:
        operation = self.operation(trigger.connector, trigger.operation)
        return operation is not None and operation.trigger_kind == "polling"

    def _in_force(self, flow: Flow) -> bool:
        entry = self.library.entries.get(flow.id)
        return self._armed and entry is not None and entry.flow is flow

    # Schedules

    def _alarm_schedule(self, flow: Flow, trigger: Schedule, moment: datetime) -> None:
        self.timer.at(_key(flow, trigger), moment, lambda: self._on_schedule(flow, trigger))

    async def _on_schedule(self, flow: Flow, trigger: Schedule) -> None:
        async with self._lock(_key(flow, trigger)):
            if not self._in_force(flow):
                return
            following = await self.schedules.settle(flow, trigger, enabled=self.enabled(flow))
        if following and self._in_force(flow):
            self._alarm_schedule(flow, trigger, following)

    async def _check_schedules(self) -> None:
        for flow in self.library.flows():
            for trigger in flow.triggers:
                if isinstance(trigger, Schedule):
                    await self._on_schedule(flow, trigger)

    # Polls

    def _alarm_poll(self, flow: Flow, trigger: Poll | OperationTrigger, moment: datetime) -> None:
        key = _key(flow, trigger)
        self._polled.setdefault(key, PollState()).next_at = moment
        self.timer.at(key, moment, lambda: self._on_poll(flow, trigger))

    async def _on_poll(self, flow: Flow, trigger: Poll | OperationTrigger) -> None:
        async with self._lock(_key(flow, trigger)):
            if not self._in_force(flow) or not self.enabled(flow):
                return
            pause = trigger.every or POLL_EVERY
            try:
                pause = await self._poll_once(flow, trigger)
            finally:
                if self._in_force(flow) and self.enabled(flow):
                    self._alarm_poll(flow, trigger, self.clock.now() + pause)

    async def _poll_once(self, flow: Flow, trigger: Poll | OperationTrigger) -> timedelta:
        """Poll; how long to pause. The first failure in a row leaves an event, so that people find out why nothing starts."""
        state = self._polled.setdefault(_key(flow, trigger), PollState())
        every = trigger.every or POLL_EVERY
        try:
            polled = await self.polls.poll(flow, trigger)
        except Exception as error:  # noqa: BLE001 - a poll that fails must not end all polls
            told = told_of(error)
            if not state.failures:
                await self.dispatcher.refuse(
                    flow,
                    trigger,
                    Arrival(value=None, source=trigger.name),
                    f"polling failed: {told}",
                    Disposition.FAILED,
                )
            state.failures, state.error = state.failures + 1, told
            log.warning("polling %s for %s: %s", trigger.name, flow.id, told)
            return max(every, asked_to_wait(error))
        state.failures, state.error = 0, ""
        return polled.pause(trigger.every)

    # Webhooks at services

    def _wanted(self) -> list[Wanted]:
        found = []
        for flow in self.library.flows():
            for trigger in flow.triggers:
                if not isinstance(trigger, OperationTrigger) or not self.enabled(flow):
                    continue
                operation = self.operation(trigger.connector, trigger.operation)
                if operation is None or operation.trigger_kind != "webhook":
                    continue
                url = self.public_url + self.hooks.address(flow.id, trigger.key)
                base_url = self.service_address(trigger.connector, trigger.connection)
                found.append(Wanted(flow, trigger, operation, url, base_url))
        return found

    def _reconcile_soon(self) -> None:
        """Bring webhooks in line now; when that is going on, once more after it."""
        if not self._armed:
            return
        former = self._reconciling
        self._reconciling = asyncio.create_task(self._reconcile(former), name="reconcile webhooks")

    async def _reconcile(self, former: asyncio.Task[None] | None) -> None:
        if former and not former.done():
            await asyncio.wait([former])
        again = await self.subscriptions.reconcile(self._wanted())
        if again is not None and self._armed:
            self.timer.at("subscriptions", self.clock.now() + max(again, timedelta(seconds=1)), self._reconcile_again)
        await self._look_for_missed()

    async def _look_for_missed(self) -> None:
        await self.catch_up.round(self._wanted(), self.subscriptions.records)

    async def _reconcile_again(self) -> None:
        self._reconcile_soon()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.refresh()
            except Exception as error:
                log.warning("flows/ could not be read: %s", error, exc_info=not isinstance(error, FlowEngineError))

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    def _state(self, flow: Flow, trigger: Trigger) -> TriggerState:
        state: State = "active" if self.enabled(flow) else "off"
        detail, next_at, address = "", None, ""
        match trigger:
            case Schedule():
                next_at = coming(trigger, self.clock.now()) if state == "active" else None
            case Webhook():
                address = self.public_url + self.hooks.address(flow.id, trigger.key)
                detail = no_secret(trigger.verify, self.hooks.secrets)
            case OperationTrigger() if not self._polling(trigger):
                state, detail = self._registration(flow, trigger, state)
                address = self.public_url + self.hooks.address(flow.id, trigger.key)
            case OperationTrigger() | Poll():
                polled = self._polled.get(_key(flow, trigger), PollState())
                detail, next_at = polled.error, polled.next_at if state == "active" else None
            case _:
                pass
        state = "failed" if detail and state == "active" else state
        return TriggerState(
            key=trigger.key,
            kind=trigger.kind,
            name=trigger.name,
            state=state,
            detail=detail,
            next_at=next_at,
            address=address,
        )

    def _registration(self, flow: Flow, trigger: OperationTrigger, state: State) -> tuple[State, str]:
        record = self.subscriptions.records.get((flow.id, trigger.key))
        if record is None:
            return ("registering", "") if state == "active" else (state, "")
        return (state if record.state == "active" else STATES.get(record.state, "failed")), record.error


def _key(flow: Flow, trigger: Trigger) -> str:
    return f"{flow.id}/{trigger.key}"
