"""The embedded engine: runs as asyncio tasks over the store, one process a database."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from flowengine.config import Settings
from flowengine.engine import trail
from flowengine.engine.admission import Admission, turned_away
from flowengine.engine.audience import Audience
from flowengine.engine.children import Children
from flowengine.engine.defaults import address_below, never, repeatable_by_name
from flowengine.engine.dues import Dues
from flowengine.engine.port import Address, CalledFlow, FlowSource, Invoker, Repeatable, Watcher
from flowengine.engine.ready import Ready
from flowengine.engine.rounds import RETRY, go_round
from flowengine.engine.services import Services
from flowengine.engine.takeover import left_out, take_over
from flowengine.engine.tenure import Tenure
from flowengine.engine.walk import Going, Walker
from flowengine.engine.word import NO_REASON, keep_answer, keep_cancel, words
from flowengine.errors import Conflict, FlowEngineError, NotFound, StorageUnavailable
from flowengine.expressions.evaluate import Evaluator
from flowengine.interpreter.effects import Response
from flowengine.spec.flow import Flow
from flowengine.store import Store
from flowengine.store.records import EventRecord, RunRecord
from flowengine.store.runs import nudge
from flowengine.types import Clock, Json, Path, Status

log = logging.getLogger(__name__)

VISIBLE_AFTER = timedelta(seconds=0.25)
AT_ONCE = 100
"""How many runs are read from the store in one go."""


class LocalEngine:
    """See `port.Engine`. Lives in one event loop; every method is called there."""

    def __init__(
        self,
        store: Store,
        *,
        call: Invoker,
        flows: FlowSource,
        evaluator: Evaluator,
        clock: Clock,
        settings: Settings,
        link: Callable[[str], str],
        repeatable: Repeatable | None = None,
        subscribes: Repeatable | None = None,
        called: CalledFlow | None = None,
        address: Address | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._flows = flows
        self._admission = Admission(store, self._room)
        self._audience = Audience(self._ended_already)
        self._dues = Dues(store.runs)
        self._going: dict[str, Going] = {}
        self._ready = Ready(store.runs)
        self._incoming: deque[RunRecord] = deque()
        self._stirred = asyncio.Event()
        self._stopping = False
        self._unserved: set[str] = set()
        """Runs that needed the database while it was away."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self.finished: Counter[Status] = Counter()
        services = Services(
            store=store,
            tenure=Tenure(may_be_lost=store.reader.postgresql),
            call=call,
            repeatable=repeatable or repeatable_by_name,
            subscribes=subscribes or never,
            address=address or address_below(link, store.secrets.derive),
            attempt_seconds=settings.limits.attempt_seconds,
            begin_child=Children(store, called, self.wake).begin,
            ended=self._audience.end_within,
            changed=self._audience.changed,
            responded=self._audience.responded,
        )
        self._walker = Walker(
            store=store, services=services, flows=flows, evaluator=evaluator, limits=settings.limits, link=link
        )

    # Life.

    async def start(self) -> None:
        """Take over every unfinished run: they go on as soon as this returns."""
        untaken = await self._store.signals.new_runs()
        async for run_id in take_over(self._store, self._flows, self._admission, but=untaken):
            self._make_ready(run_id)
        for run_id in self._admission.lanes.all_to_cancel():
            self._spawn(self._cancel_quietly(run_id))
        self._spawn(self._feed())
        self._spawn(go_round(self._store.journal, self._look, self.scan))
        self._stirred.set()

    async def stop(self, grace: float = 25.0) -> None:
        """Begin nothing more; calls under way have `grace` seconds to end. The rest goes on at the next start."""
        self._stopping = True
        for going in self._going.values():
            going.leave()
        await _cancel_all(self._tasks)
        if under_way := [going.task for going in self._going.values() if going.task is not None]:
            await asyncio.wait(under_way, timeout=grace)
        if self._going:
            await _cancel_all([going.task for going in self._going.values() if going.task is not None])

    # New runs.

    def admit(
        self, flow: Flow, event: EventRecord, runs: Sequence[RunRecord]
    ) -> tuple[EventRecord, tuple[RunRecord, ...]]:
        """Their places are kept: `wake` the runs when they are stored, `forget` them when they are not."""
        return self._admission.admit(flow, event, runs)

    def forget(self, runs: Sequence[RunRecord]) -> None:
        for run in runs:
            self._leave_lane(run)

    def wake(self, runs: Sequence[RunRecord]) -> None:
        """Begin these stored runs, as their flow's mode allows. Runs that were not admitted are judged now."""
        for run in runs:
            if self._admission.holds(run):
                self._make_ready(run.id, run)
            elif self._admission.waits(run):
                self._restart_lane(run)
            else:
                self._incoming.append(run)
        self._begin_those_at_hand()
        self._stirred.set()

    async def _place(self, run: RunRecord) -> None:
        """A stored run that was not admitted."""
        if self._has(run.id) or self._admission.waits(run):
            return
        try:
            flow = await self._flows(run.flow, run.flow_version)
        except FlowEngineError:
            self._make_ready(run.id, run)  # walking it tells what is wrong with the flow
            return
        if self._admission.place(flow, run) is None:
            self._make_ready(run.id, run, turned_away(flow))
        elif self._admission.holds(run):
            self._make_ready(run.id, run)
        else:
            self._restart_lane(run)

    def _has(self, run_id: str) -> bool:
        return run_id in self._going or run_id in self._ready or run_id in self._unserved

    def _restart_lane(self, run: RunRecord) -> None:
        """`mode: restart`: the runs before this one are cancelled; it begins when they have ended."""
        for other in self._admission.to_cancel(run):
            self._spawn(self._cancel_quietly(other))

    async def _cancel_quietly(self, run_id: str) -> None:
        with suppress(Conflict, NotFound):  # it may end by itself meanwhile
            await self.cancel(run_id, "a newer event restarted the flow")

    # Beginning and ending.

    def _make_ready(self, run_id: str, run: RunRecord | None = None, cancelled: str | None = None) -> None:
        going = self._going.get(run_id)
        if going is not None:
            going.nudge()
            return
        self._ready.add(run_id, run, cancelled)
        self._stirred.set()

    def _free(self) -> int:
        """How many more runs may walk now."""
        return 0 if self._stopping else max(self._settings.runs_at_once - len(self._going), 0)

    def _room(self) -> int:
        return 0 if self._stopping else self._settings.runs_at_once - len(self._going) - len(self._ready)

    def _begin_those_at_hand(self) -> None:
        """Those at the head that need no reading begin without a detour."""
        while self._free() and (head := self._ready.take_at_hand()) is not None:
            self._begin(*head)

    async def _begin_ready(self) -> None:
        while self._ready and (free := self._free()) > 0:
            for run, cancelled in await self._ready.take(min(free, AT_ONCE)):
                self._begin(run, cancelled)

    def _begin(self, run: RunRecord, cancelled: str | None) -> None:
        begins = run.started_at is None or (run.status is Status.RUNNING and run.epoch == self._store.epoch)
        fresh = begins and run.resubmitted_from is None  # a resubmitted one may begin with results of the run before it
        going = self._going[run.id] = Going(run=run, resumed=not fresh, cancelled=cancelled)
        going.task = asyncio.create_task(self._carry_out(going), name=f"run {run.id}")

    async def _carry_out(self, going: Going) -> None:
        done = None
        trail.RUN.set(going.run.id)
        try:
            done = await self._walker.carry_out(going)
        except Exception:
            log.exception("run %s is left to the next scan", going.run.id)
        finally:
            del self._going[going.run.id]
            if done is not None:
                self._end(done)
            elif going.unserved:
                self._unserved.add(going.run.id)
            elif going.run.due_at is not None:
                self._dues.add(going.run.due_at, going.run.id)
            self._stirred.set()

    def _end(self, run: RunRecord) -> None:
        self.finished[run.status] += 1
        self._leave_lane(run)
        self._audience.ended(run)
        if run.parent is not None:
            self._make_ready(run.parent[0])

    def _leave_lane(self, run: RunRecord) -> None:
        for following in self._admission.leave(run):
            self._make_ready(following)

    # Loops.

    async def _feed(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            try:
                while self._incoming:
                    await self._place(self._incoming.popleft())
                await self._begin_ready()
            except Exception as error:
                if not isinstance(error, StorageUnavailable):  # the journal tells of that, once
                    log.exception("runs could not be begun; it is tried again")
                asyncio.get_running_loop().call_later(RETRY, self._stirred.set)

    async def _look(self) -> None:
        now = self._clock.now()
        if self._unserved and self._store.journal.trouble is None:
            unserved, self._unserved = self._unserved, set()
            for run_id in unserved:
                self._make_ready(run_id)
        for going in self._going.values():
            if going.effects is not None:
                going.effects.flush(now - VISIBLE_AFTER)
        for run_id in await self._dues.take(now):
            self._make_ready(run_id)
        await self._hear()

    async def _hear(self) -> None:
        async for heard in words(self._store):
            if heard.new:
                await self._place(heard.run)
            elif heard.cancelled is not None:
                self._cancel(heard.run.id, heard.cancelled)
            elif (going := self._going.get(heard.run.id)) is not None:
                for path, value in heard.answers.items():
                    going.take(path, value)
            else:
                self._make_ready(heard.run.id)

    async def scan(self) -> list[str]:
        """Take on runs that nobody has, and give their ids: there should be none (reliability's G2)."""
        lost = await left_out(
            self._store,
            lambda run_id, lane: self._has(run_id) or self._admission.lanes.waits(lane, run_id),
        )
        if lost:
            log.error("%d runs had no owner and are taken on: %s", len(lost), ", ".join(lost[:5]))
        for run in await self._store.runs.get_many(lost):
            if self._admission.holds(run):
                self._make_ready(run.id)
            else:
                await self._place(run)
        return lost

    # For people and other runs.

    def in_memory(self) -> dict[str, int]:
        return {"going": len(self._going), "ready": len(self._ready), "queued": self._admission.lanes.queued()}

    async def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:  # noqa: ASYNC109
        """The run when it has finished. Raises `TimeoutError` after `timeout` seconds, and `NotFound`."""
        return await self._audience.end(run_id, timeout)

    async def response(self, run_id: str, timeout: float) -> Response | None:  # noqa: ASYNC109
        """What the run's `respond` answers; None when it ends, or the seconds pass, without one."""
        return await self._audience.response(run_id, timeout)

    async def cancel(self, run_id: str, reason: str = "") -> None:
        """End the run as cancelled; its `finally` parts run. Raises `NotFound`, and `Conflict` for a finished one."""
        reason = reason or NO_REASON
        run = await self._unfinished(run_id)
        await keep_cancel(self._store, run.id, reason, nudge(run.id, self._clock.now()))
        self._cancel(run_id, reason)

    def _cancel(self, run_id: str, reason: str) -> None:
        going = self._going.get(run_id)
        if going is not None:
            going.cancel(reason)
        else:
            self._make_ready(run_id, cancelled=reason)

    async def answer(self, run_id: str, path: Path, value: Json) -> None:
        """Give a waiting `ask` or `wait_for` its answer. Raises `NotFound`, and `Conflict` when it has one or the run ended."""
        run, now = await self._unfinished(run_id), self._clock.now()
        await keep_answer(self._store, run.id, path, value, nudge(run.id, now))
        going = self._going.get(run_id)
        if going is not None:
            going.take(path, value)
        elif run.status is Status.WAITING:
            self._make_ready(run_id)

    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Be told of every change; call what it gives to be told no more."""
        return self._audience.subscribe(watcher)

    async def _unfinished(self, run_id: str) -> RunRecord:
        going = self._going.get(run_id)
        run = going.run if going is not None else await self._store.runs.get(run_id)
        if run.status.finished:
            raise Conflict(f"run {run.id} has ended as {run.status} already")
        return run

    async def _ended_already(self, run_id: str) -> RunRecord | None:
        if run_id in self._going:
            return None
        run = await self._store.runs.get(run_id)
        return run if run.status.finished else None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _cancel_all(tasks: Sequence[asyncio.Task[Any]] | set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
