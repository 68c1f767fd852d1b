"""The composition root: from settings to a running engine, and the face for Python programs::

async with Engine.open(Settings(project=Path("."))) as engine:
    run = await engine.submit("refund-tickets", event={"ticket": {"id": "T1"}})
    run = await engine.wait(run.id)
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path as FilePath
from typing import Final, Literal

import orjson

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection, read_connections
from flowengine.engine.local import LocalEngine
from flowengine.errors import Conflict, ConnectionMissing, InvalidFile, NotFound
from flowengine.expressions.evaluate import Evaluator, default
from flowengine.findings import Finding, Severity, Span, did_you_mean
from flowengine.interpreter.effects import Response
from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.manifests.operation import Operation
from flowengine.spec.actions import OperationAction
from flowengine.spec.flow import Flow
from flowengine.spec.load import parse_flow
from flowengine.spec.triggers import Manual, Trigger
from flowengine.store import Store
from flowengine.store.ids import new_id
from flowengine.store.records import EventRecord, RunRecord
from flowengine.triggers.dispatch import Arrival, Dispatcher, Judged
from flowengine.triggers.hooks import Derive, Hooks
from flowengine.triggers.inputs import settle_inputs
from flowengine.triggers.library import Library
from flowengine.triggers.polling import Polls
from flowengine.triggers.schedule import Schedules
from flowengine.triggers.service import Triggers
from flowengine.triggers.subscriptions import Subscriptions
from flowengine.types import Clock, Json, JsonObject, Outputs, Path, SystemClock, format_path

SECRET_PREFIX: Final = "FLOWENGINE_SECRET_"  # noqa: S105 - a name, not a secret
"""A secret that is not in the store may come from this variable: `FLOWENGINE_SECRET_TEAM_HOOK` for `team_hook`."""

log = logging.getLogger(__name__)

REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class NotStarted(Conflict):
    """The event started no run."""

    def __init__(self, event: EventRecord) -> None:
        self.event = event
        super().__init__(f"the event started no run ({event.disposition}): {_in_words(event.reason)}")


class Secrets:
    """The project's secrets, read once and kept in memory: verification on the hot path must not wait for the store."""

    def __init__(self, store: Store, environ: Mapping[str, str]) -> None:
        self._store = store
        self._environ = environ
        self._values: dict[str, str] = {}

    async def load(self) -> None:
        self._values = await self._store.secrets.all()

    async def set(self, name: str, value: str) -> None:
        await self._store.secrets.set(name, value)
        self._values[name] = value

    async def delete(self, name: str) -> None:
        self._values.pop(name, None)
        if not await self._store.secrets.delete(name):
            raise NotFound(f'there is no secret "{name}"')

    def get(self, name: str) -> str | None:
        """The value in the store, else that of the variable."""
        variable = SECRET_PREFIX + name.upper().replace("-", "_")
        return self._values.get(name) or self._environ.get(variable)


class Calls:
    """Operations, called with the connection that the project has for them."""

    def __init__(self, settings: Settings, catalog: Catalog, client: Client, clock: Clock) -> None:
        self.settings = settings
        self.catalog = catalog
        self.client = client
        self.clock = clock
        self.connections: Mapping[str, Connection] = {}

    def connection(self, connector: str, name: str | None) -> Connection | None:
        """The named connection, else the connector's only one; None where none is needed. Raises `ConnectionMissing`."""
        if name is not None:
            if name not in self.connections:
                hint = did_you_mean(name, self.connections)
                raise ConnectionMissing(f'there is no connection "{name}" in connections.yaml; {hint}'.rstrip("; "))
            return self.connections[name]
        fitting = [one for one in self.connections.values() if one.connector == connector]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(sorted(one.name for one in fitting))
            raise ConnectionMissing(f"{connector} has several connections: write connection: and one of {names}")
        if self._needs_connection(connector):
            raise ConnectionMissing(
                f"there is no connection for {connector}; add one to connections.yaml: flowengine connections add {connector}"
            )
        return None

    async def invoke(
        self,
        run: RunRecord,
        flow: Flow,
        path: Path,
        action: OperationAction,
        inputs: JsonObject,
        key: str,
        deadline: float | None,
    ) -> Outputs:
        """One attempt of an action."""
        connector = self.catalog.get(action.connector)
        connection = self.connection(action.connector, action.connection)
        operation = connector.operation(action.operation)
        return await self.client.call(
            connector, operation, inputs, connection, idempotency_key=key, paginate=action.paginate, deadline=deadline
        )

    async def ask(self, connector: str, operation: str, connection: str | None, inputs: JsonObject) -> Outputs:
        """One call outside any run: for polls and for registering webhooks."""
        found = self.catalog.get(connector)
        return await self.client.call(
            found,
            found.operation(operation),
            inputs,
            self.connection(connector, connection),
            idempotency_key=new_id(self.clock),
            deadline=self.settings.limits.attempt_seconds,
        )

    def repeatable(self, action: OperationAction, inputs: JsonObject) -> bool:
        """Whether calling twice does what calling once does: reading, PUT and DELETE."""
        operation = self.operation(action.connector, action.operation)
        if operation is None:
            return False
        method = str(inputs.get("method", "")).upper() if action.use == "http.request" else operation.method
        return operation.reads or method in REPEATABLE

    def operation(self, connector: str, operation: str) -> Operation | None:
        """The manifest's operation, or None when connector or operation are gone."""
        try:
            return self.catalog.get(connector).operation(operation)
        except (NotFound, InvalidFile):
            return None

    def address(self, connector: str, connection: str | None) -> str:
        """Where calls with this connection go; empty while there is none."""
        try:
            found = self.connection(connector, connection)
        except ConnectionMissing:
            return ""
        return (found.base_url if found else None) or ""

    def _needs_connection(self, connector: str) -> bool:
        return bool(self.catalog.get(connector).connection.parameters)


class App:
    """One project, wired together."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        secrets: Secrets,
        calls: Calls,
        evaluator: Evaluator,
        environ: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self.environ = environ
        self._connections_stamp = _stamp(settings.connections_file)
        self.clock = clock
        self.store = store
        self.secrets = secrets
        self.calls = calls
        self.catalog = calls.catalog
        self.public_url = settings.public_url
        self._versions: dict[tuple[str, str], Flow] = {}
        self.triggers: Triggers
        self.library = Library(settings.flows, self.check, store)
        self.engine = LocalEngine(
            store,
            call=calls.invoke,
            flows=self.flow_version,
            evaluator=evaluator,
            clock=clock,
            settings=settings,
            link=self.link,
            repeatable=calls.repeatable,
            called=self.called,
            address=self.address,
        )
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
            polls=Polls(store, dispatcher, calls.ask),
            subscriptions=Subscriptions(store, calls.ask, evaluator, clock, store.secrets.derive, calls.operation),
            operation=calls.operation,
            service_address=calls.address,
            look_around=self.look_around,
            clock=clock,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, clock: Clock | None = None, environ: Mapping[str, str] = os.environ
    ) -> AsyncIterator[App]:
        """Open the project: take its database, read its flows, resume its unfinished runs.

        Nothing outside is told or asked yet: that begins with `triggers.start`. Raises `ConfigurationError`, `Conflict` when
        another process has the project open, `InvalidFile` for connections.yaml.
        """
        clock = clock or SystemClock()
        async with AsyncExitStack() as stack:
            opened = Store.open(settings.database, write=True, clock=clock, key_file=settings.key_file)
            store = await stack.enter_async_context(opened)
            client = await stack.enter_async_context(Client(settings, clock))
            evaluator = await stack.enter_async_context(default(settings.limits))
            secrets = Secrets(store, environ)
            await secrets.load()
            catalog = Catalog([settings.connectors, shipped_connectors()])
            calls = Calls(settings, catalog, client, clock)
            calls.connections = connections_of(settings, environ, secrets, catalog)
            app = cls(
                settings=settings,
                clock=clock,
                store=store,
                secrets=secrets,
                calls=calls,
                evaluator=evaluator,
                environ=environ,
            )
            await app.triggers.load()
            await app.engine.start()
            stack.push_async_callback(app.engine.stop)
            yield app

    def check(self, text: bytes, file: str, flow_id: str) -> tuple[Flow | None, list[Finding]]:
        """Read and lint one file: the flow unless it has errors, and all findings."""
        project = Project(
            self.catalog, self.calls.connections, {path.stem for path in self.settings.flows.glob("*.y*ml")}
        )
        findings = check_flow(text, file, project)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return None, findings
        flow, more = parse_flow(text, file, flow_id)
        return flow, findings or more

    def look_around(self) -> bool:
        """Read connections.yaml again when it has changed; one with errors changes nothing. Whether there was a change."""
        stamp = _stamp(self.settings.connections_file)
        if stamp == self._connections_stamp:
            return False
        self._connections_stamp = stamp
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

    def link(self, run_id: str) -> str:
        """Where people look at a run."""
        return f"{self.public_url}/runs/{run_id}"

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
        return {"links": {choice: f"{self.public_url}/approvals/{run_id}/{key}" for choice, key in keys.items()}}

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


class Engine:
    """The face for Python programs: an open project whose runs are started by calls, not by triggers."""

    def __init__(self, app: App) -> None:
        self.app = app

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Engine]:
        async with App.open(settings, clock=clock) as app:
            yield cls(app)

    async def submit(self, flow_id: str, event: Json = None, inputs: Mapping[str, Json] | None = None) -> RunRecord:
        """Start a run; it is durable when this returns.

        Raises `NotFound`, `InvalidInputs`, and `NotStarted` when the flow's conditions do not hold.
        """
        return await self.app.submit_run(flow_id, event=event, inputs=inputs)

    async def wait(self, run_id: str, timeout: float | None = None) -> RunRecord:  # noqa: ASYNC109 - part of the contract
        """The run when it has finished. Raises `TimeoutError` after `timeout` seconds; the run goes on."""
        return await self.app.engine.wait(run_id, timeout)


def callback_key(derive: Derive, run_id: str, path: Path) -> str:
    """The unguessable part of a callback's address."""
    return derive(f"callback:{run_id}:{format_path(path)}")


def approval_key(derive: Derive, run_id: str, path: Path, choice: str) -> str:
    """The unguessable part of a link that answers an `ask` with this choice."""
    return derive(f"approval:{run_id}:{format_path(path)}:{choice}")


def by_hand(flow: Flow, *, with_event: bool) -> Trigger:
    """The trigger of a run that a person starts.

    With an event in hand the flow's first trigger says how events are split and weighed, as it would for a real one.
    """
    manual = next((trigger for trigger in flow.triggers if isinstance(trigger, Manual)), None)
    if manual or not with_event:
        return manual or Manual(key="manual", loc=("trigger",), span=Span(1, 1, 1, 1))
    first = flow.triggers[0]
    return Manual(key="manual", loc=first.loc, span=first.span, split=first.split, conditions=first.conditions)


def connections_of(
    settings: Settings, environ: Mapping[str, str], secrets: Secrets, catalog: Catalog
) -> dict[str, Connection]:
    """The project's connections; none when there is no file. Raises `InvalidFile`."""
    if not settings.connections_file.is_file():
        return {}

    def secret_parameters(connector: str) -> frozenset[str]:
        parameters = catalog.get(connector).connection.parameters if connector in catalog else ()
        return frozenset(parameter.name for parameter in parameters if parameter.secret)

    connections, findings = read_connections(settings.connections_file, environ, secrets.get, secret_parameters)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise InvalidFile(errors)
    return connections


def _stamp(file: FilePath) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size)


def _in_words(reason: Json) -> str:
    match reason:
        case {"conditions": list() as conditions}:
            return "; ".join(_condition_in_words(one) for one in conditions)
        case {"message": message}:
            return str(message)
        case _:
            return "no reason was recorded"


def _condition_in_words(condition: Mapping[str, Json]) -> str:
    shown = [orjson.dumps(condition.get(side), default=str).decode()[:120] for side in ("left", "right")]
    return f"{shown[0]} {str(condition.get('operator', '')).replace('_', ' ')} {shown[1]} does not hold"
