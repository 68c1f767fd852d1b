"""One project, wired together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final, Literal

import orjson

from flowengine import failpoints
from flowengine.app.accounts import Accounts
from flowengine.app.addresses import approval_key, callback_key
from flowengine.app.beside import WEB, agree_on_key
from flowengine.app.calls import Calls, connections_of
from flowengine.app.housekeeping import keep_house
from flowengine.app.manual import NotStarted, by_hand
from flowengine.app.secrets import KeptTokens, Secrets
from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.engine.distant import DistantEngine
from flowengine.engine.local import LocalEngine
from flowengine.engine.port import Engine
from flowengine.errors import InvalidFile
from flowengine.expressions.evaluate import Evaluator, default
from flowengine.findings import Finding, Severity
from flowengine.interpreter.effects import Response
from flowengine.lint.linter import Project, called_flows, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.flow import Flow
from flowengine.spec.load import parse_flow
from flowengine.store import Store
from flowengine.store.records import RunRecord
from flowengine.triggers.dispatch import Arrival, Dispatcher, Judged
from flowengine.triggers.hooks import Hooks
from flowengine.triggers.inputs import settle_inputs
from flowengine.triggers.library import Library
from flowengine.triggers.missed import CatchUp
from flowengine.triggers.polling import Polls
from flowengine.triggers.schedule import Schedules
from flowengine.triggers.service import Triggers
from flowengine.triggers.subscriptions import Subscriptions
from flowengine.types import Clock, Duty, Json, JsonObject, Path, SystemClock

log = logging.getLogger(__name__)

GRACE: Final = 16.0
"""Seconds for actions in flight to end when the project closes; what is left goes on at the next start."""


class App:
    """One project, wired together."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        secrets: Secrets,
        accounts: Accounts,
        calls: Calls,
        evaluator: Evaluator,
        environ: Mapping[str, str],
        duty: Duty = "everything",
    ) -> None:
        self.settings = settings
        self.duty = duty
        self.environ = environ
        self._connections_stamp = _stamp(settings.connections_file)
        self.clock = clock
        self.evaluator = evaluator
        self.store = store
        self.secrets = secrets
        self.accounts = accounts
        self.calls = calls
        self.catalog = calls.catalog
        self.public_url = settings.public_url
        """Where services and programs reach this process."""
        self._pages_url = ""
        self.closing = asyncio.Event()
        """Set when the server begins to stop: answers that would go on for ever end then."""
        self.editing = asyncio.Lock()
        """Held while a flow's file is changed from a browser."""
        self._versions: dict[tuple[str, str], Flow] = {}
        self.triggers: Triggers
        self.library = Library(settings.flows, self.check, store)
        self.engine: Engine = DistantEngine(store) if duty == "web" else self._own_engine()
        dispatcher = Dispatcher(store, self.engine, evaluator, clock)
        self.dispatcher = dispatcher
        self.hooks = Hooks(
            dispatcher,
            derive=store.secrets.derive,
            secrets=secrets.get,
            enabled=self.enabled,
            json_depth=settings.limits.json_depth,
        )
        self.triggers = Triggers(
            store=store,
            library=self.library,
            dispatcher=dispatcher,
            hooks=self.hooks,
            schedules=Schedules(store, dispatcher),
            polls=Polls(store, dispatcher, calls.ask, calls.announce),
            subscriptions=Subscriptions(store, calls, evaluator, clock, store.secrets.derive),
            operation=calls.operation,
            service_address=calls.address,
            look_around=self.look_around,
            duty=duty,
            catch_up=CatchUp(store, dispatcher, calls.ask_all),
            clock=clock,
        )

    def _own_engine(self) -> LocalEngine:
        return LocalEngine(
            self.store,
            call=self.calls.invoke,
            flows=self.flow_version,
            evaluator=self.evaluator,
            clock=self.clock,
            settings=self.settings,
            link=self.link,
            repeatable=self.calls.repeatable,
            subscribes=self.calls.subscribes,
            called=self.called,
            address=self.address,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] = os.environ,
        duty: Duty = "everything",
        apart: bool = False,
    ) -> AsyncIterator[App]:
        """Open the project: take its database, read its flows, resume its unfinished runs.

        Nothing outside is told or asked yet: that begins with `triggers.start`. Raises `ConfigurationError`, `EngineRunning`
        when another process has the project open, `InvalidFile` for connections.yaml. With `apart` SQLite's file is written by
        a process of its own.
        """
        clock = clock or SystemClock()
        failpoints.arm(settings.failpoint)
        async with AsyncExitStack() as stack:
            opened = Store.open(
                settings.database, write=True, beside=duty == "web", apart=apart, clock=clock, key_file=settings.key
            )
            store = await stack.enter_async_context(opened)
            await agree_on_key(store, settings, duty)
            secrets = Secrets(store, environ)
            await secrets.load()
            tokens = KeptTokens(secrets)
            client = await stack.enter_async_context(Client(settings, clock, tokens))
            evaluator = await stack.enter_async_context(default(settings.limits))
            catalog = Catalog([settings.connectors, shipped_connectors()])
            calls = Calls(settings, catalog, client, clock)
            calls.connections = connections_of(settings, environ, secrets, catalog)
            app = cls(
                settings=settings,
                clock=clock,
                store=store,
                secrets=secrets,
                accounts=Accounts(calls, tokens),
                calls=calls,
                evaluator=evaluator,
                environ=environ,
                duty=duty,
            )
            await app.triggers.load()
            await app.engine.start()
            stack.push_async_callback(app.engine.stop, GRACE)
            if duty != "web":
                keeping = keep_house(store, app.library, settings.limits.history_days)
                stack.push_async_callback(_end, asyncio.create_task(keeping, name="keep house"))
            yield app

    def check(self, text: bytes, file: str, flow_id: str) -> tuple[Flow | None, list[Finding]]:
        """Read and lint one file: the flow unless it has errors, and all findings."""
        around = replace(self.linted(), flows=called_flows(text, self.settings.flows))
        findings = check_flow(text, file, around)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return None, findings
        flow, more = parse_flow(text, file, flow_id)
        return flow, findings or more

    def linted(self) -> Project:
        """What stands around a flow, for the linter and for completing what is being typed."""
        flow_ids = {path.stem for path in self.settings.flows.glob("*.y*ml")}
        return Project(self.catalog, self.calls.connections, flow_ids)

    async def look_around(self) -> bool:
        """Take up what changed beside the flows: secrets that another process set, connections.yaml. Whether connections did.

        A connections.yaml with errors changes nothing.
        """
        if self.shared:
            await self.secrets.refresh()
            self._pages_url = await self.store.noted(WEB)
        stamp = _stamp(self.settings.connections_file)
        if stamp == self._connections_stamp:
            return False
        self._connections_stamp = stamp
        return self.read_connections()

    def read_connections(self) -> bool:
        """Take connections.yaml as it now is into force, unless it has errors. Whether it was."""
        try:
            self.calls.connections = connections_of(self.settings, self.environ, self.secrets, self.catalog)
        except InvalidFile as error:
            log.warning("the connections before stay in force: %s", error.message)
            return False
        return True

    async def flow_version(self, flow_id: str, version: str) -> Flow:
        """A version that some run is pinned to, whatever has become of the file since. Raises `NotFound`."""
        entry = self.library.entries.get(flow_id)
        if entry and entry.flow and entry.flow.version == version:
            return entry.flow
        if (flow_id, version) not in self._versions:
            text = await self.store.flows.version_text(flow_id, version)
            flow, findings = parse_flow(text, f"flows/{flow_id}.yaml", flow_id)
            if flow is None:
                raise InvalidFile(findings)
            self._versions[flow_id, version] = flow
        return self._versions[flow_id, version]

    def enabled(self, flow: Flow) -> bool:
        """Whether events start the flow's runs."""
        return self.triggers.enabled(flow)

    def called(self, flow_id: str, inputs: JsonObject) -> tuple[Flow, JsonObject]:
        """What `call` runs: the flow in force, and the inputs as it takes them. Raises `NotFound`, `InvalidInputs`."""
        flow = self.library.get(flow_id)
        return flow, settle_inputs(flow, inputs)

    @property
    def shared(self) -> bool:
        """Whether other processes may write to the database, too."""
        return self.store.reader.postgresql

    @property
    def pages_url(self) -> str:
        """Where people reach the pages: those of a worker are the web process's, unless settings say where."""
        elsewhere = self.duty == "worker" and not self.settings.public_url
        return (self._pages_url if elsewhere else "") or self.public_url

    def link(self, run_id: str) -> str:
        """Where people look at a run."""
        return f"{self.pages_url}/runs/{run_id}"

    async def response(self, run_id: str, seconds: float) -> Response | None:
        """What the run's `respond` says; None when it ends, or the seconds pass, without one."""
        return await self.engine.response(run_id, seconds)

    def address(
        self, run_id: str, path: Path, kind: Literal["approval", "callback"], choices: tuple[str, ...]
    ) -> JsonObject:
        """Where a waiting action is answered: `{url}` of a callback, `{links: {choice: url}}` of an approval."""
        derive = self.store.secrets.derive
        if kind == "callback":
            return {"url": f"{self.public_url}/callbacks/{run_id}/{callback_key(derive, run_id, path)}"}
        keys = {choice: approval_key(derive, run_id, path, choice) for choice in choices}
        return {"links": {choice: f"{self.pages_url}/approvals/{run_id}/{key}" for choice, key in keys.items()}}

    async def set_secret(self, name: str, value: str) -> None:
        """Store a secret; connections and webhooks use it from now on."""
        await self.secrets.set(name, value)

    async def submit(self, flow_id: str, *, event: Json = None, inputs: Mapping[str, Json] | None = None) -> Judged:
        """Take a manual event in. Raises `NotFound`, `InvalidInputs`."""
        flow = self.library.get(flow_id)
        given = settle_inputs(flow, inputs or {})
        value = given if event is None else event
        arrival = Arrival(value=value, body=orjson.dumps(value), inputs=given, source="manual")
        return await self.dispatcher.dispatch(flow, by_hand(flow, with_event=event is not None), arrival)

    async def submit_run(
        self, flow_id: str, *, event: Json = None, inputs: Mapping[str, Json] | None = None
    ) -> RunRecord:
        """The run that a manual event started, the first one after a split. Raises `NotStarted` with the reason."""
        judged = await self.submit(flow_id, event=event, inputs=inputs)
        if not judged.runs:
            raise NotStarted(judged.event)
        return judged.runs[0]


async def _end(job: asyncio.Task[None]) -> None:
    job.cancel()
    with suppress(asyncio.CancelledError):
        await job


def _stamp(file: FilePath) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size)
