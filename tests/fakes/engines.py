"""An engine over a real store, with a service that answers from a script."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from textwrap import dedent

from flowengine.config import Settings
from flowengine.engine.local import LocalEngine
from flowengine.expressions.evaluate import InProcess
from flowengine.spec.load import parse_flow
from flowengine.store import Store
from flowengine.store.records import RunRecord
from flowengine.types import Outputs, SystemClock, format_path
from tests.fakes.records import a_run, an_event

HEAD = "flow: Tickets\ntrigger: {manual: true}\n"


def a_flow(text: str, flow_id: str = "tickets"):
    text = dedent(text)
    flow, findings = parse_flow(text if "trigger:" in text else HEAD + text, f"flows/{flow_id}.yaml", flow_id)
    assert flow is not None, [str(finding) for finding in findings]
    return flow


class Service:
    """What the flows call: remembers every call; `answers[url]` is a list of what it gives one after another.

    An answer is an `Outputs`, an exception, a coroutine function, or a body.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, object]] = []
        self.keys: list[str] = []
        self.answers: dict[str, list] = {}
        self.under_way = 0
        self.most = 0

    async def __call__(self, run, flow, path, action, inputs, idempotency_key, deadline):
        self.calls.append((run.id, format_path(path), inputs))
        self.keys.append(idempotency_key)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._answer(inputs.get("url", ""))
        finally:
            self.under_way -= 1

    async def _answer(self, url):
        script = self.answers.get(url, [])
        answer = script.pop(0) if len(script) > 1 else script[0] if script else {"url": url}
        if callable(answer):
            answer = await answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Outputs) else Outputs(200, {}, answer)

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.calls]


class Bench:
    """An engine that can be lost without a farewell and started again over the same database."""

    def __init__(self, url: str, key_file, *, clock=None, **settings) -> None:
        self.url, self.key_file = url, key_file
        self.clock = clock or SystemClock()
        self.settings = Settings(**settings)
        self.service = Service()
        self.flows = {}
        self.store: Store
        self.engine: LocalEngine

    def deploy(self, text: str, flow_id: str = "tickets"):
        flow = a_flow(text, flow_id)
        self.flows[flow.id, flow.version] = self.flows[flow.id] = flow
        return flow

    @asynccontextmanager
    async def running(self, *, grace: float | None = 1.0):
        """`grace` None: the process dies, nothing is put in order."""
        async with Store.open(self.url, write=True, clock=self.clock, key_file=self.key_file) as self.store:
            self.engine = LocalEngine(
                self.store,
                call=self.service,
                flows=self._version,
                evaluator=InProcess(),
                clock=self.clock,
                settings=self.settings,
                link=lambda run_id: f"http://127.0.0.1:8080/runs/{run_id}",
                called=lambda flow_id, inputs: (self.flows[flow_id], inputs),
            )
            await self.engine.start()
            try:
                yield self
            finally:
                if grace is None:
                    await self._die()
                else:
                    await self.engine.stop(grace)

    async def _die(self) -> None:
        tasks = [*self.engine._tasks, *(going.task for going in self.engine._going.values())]
        await self.store.journal.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _version(self, flow_id, version):
        return self.flows[flow_id, version]

    async def submit(self, flow, **given) -> RunRecord:
        """As dispatch does it: admitted, stored with its event, woken."""
        now = self.clock.now()
        event = an_event(flow=flow.id, received_at=now)
        run = a_run(event, flow=flow.id, flow_version=flow.version, created_at=now, **given)
        event, runs = self.engine.admit(flow, event, [run])
        self.event = await self.store.events.accept(event, runs)
        self.engine.wake(runs)
        return runs[0] if runs else None

    async def run(self, text_or_flow, **given) -> RunRecord:
        flow = self.deploy(text_or_flow) if isinstance(text_or_flow, str) else text_or_flow
        run = await self.submit(flow, **given)
        return await self.engine.wait(run.id, 10)

    async def shown(self, run) -> dict[str, str]:
        """Path to status of the run's actions."""
        return {format_path(each.path): str(each.status) for each in await self.store.runs.actions(run.id)}


async def until(condition, seconds: float = 20.0):
    """Wait for something to become true; gives it. `condition` may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while not (value := await found if asyncio.iscoroutine(found := condition()) else found):
            await asyncio.sleep(0.01)
        return value
