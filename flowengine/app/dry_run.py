"""Dry runs: reading operations are called, writing ones are only shown, with the request that they would send."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from flowengine.app.calls import Calls, method_of, operation_of
from flowengine.app.rehearsal import RUN_ID, Offline
from flowengine.connectors import sent
from flowengine.connectors.auth import TOKEN
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Request
from flowengine.connectors.request import build_request
from flowengine.connectors.sent import STRUCK_OUT
from flowengine.engine.rehearsal import NotMocked
from flowengine.errors import ActionError, FlowEngineError
from flowengine.interpreter.effects import WaitForAnswer, WaitForCallback
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.manifests.sample import sample
from flowengine.spec.actions import OperationAction
from flowengine.spec.flow import Flow
from flowengine.store.records import RunRecord
from flowengine.types import Clock, JsonObject, Outputs, Path, Status, format_path

READING: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Unsent:
    """A request that a real run would have sent."""

    path: Path
    name: str
    use: str
    request: JsonObject
    """`{method, url, headers, body, body_base64}`; credentials are struck out."""


class DryRun(Offline):
    """Calls what only reads; shows the rest, and goes on with a sample of what its definition says it gives."""

    def __init__(self, calls: Calls, clock: Clock, watch: Callable[[Unsent], None]) -> None:
        super().__init__()
        self._calls = calls
        self._clock = clock
        self._watch = watch
        self.unsent: list[Unsent] = []
        self.assumed: list[str] = []
        """What the dry run took for given, in words."""

    async def call(
        self, flow: Flow, path: Path, action: OperationAction, inputs: JsonObject, seconds: float
    ) -> Outputs:
        connector, operation = self._found(action)
        if operation.reads or method_of(operation, action, inputs) in READING:
            key = f"dry-run:{format_path(path)}"
            return await self._calls.invoke(self._run(flow), flow, path, action, inputs, key, seconds)
        request = self._shown(connector, operation, action, inputs)
        self.unsent.append(Unsent(path, action.name, action.use, request))
        self._watch(self.unsent[-1])
        return Outputs(200, {}, sample(operation.returns, connector.schemas))

    def answer(self, path: Path, name: str, wait: WaitForAnswer | WaitForCallback) -> str | None:
        if isinstance(wait, WaitForAnswer):
            self.assumed.append(f'"{name}" asks {wait.to}; it goes on as if the answer were "{wait.choices[0]}"')
            return wait.choices[0]
        raise NotMocked(f'"{name}" waits for a callback; give its body with --mock, under `{format_path(path)}:`')

    def _found(self, action: OperationAction) -> tuple[Connector, Operation]:
        operation = operation_of(self._calls.catalog, action.connector, action.operation)
        if operation is None:
            raise ActionError(f"there is no operation {action.use}")
        return self._calls.catalog.get(action.connector), operation

    def _shown(
        self, connector: Connector, operation: Operation, action: OperationAction, inputs: JsonObject
    ) -> JsonObject:
        try:
            account = self._calls.connection(action.connector, action.connection)
        except FlowEngineError as error:
            self.assumed.append(error.message)
            account = Connection(name=connector.name, connector=connector.name)
        return shown(build_request(connector, operation, inputs, masked(connector, account)))

    def _run(self, flow: Flow) -> RunRecord:
        """What the calls want to know of the run: that there is none."""
        return RunRecord(
            id=RUN_ID,
            flow=flow.id,
            flow_version=flow.version,
            status=Status.RUNNING,
            event_id=None,
            trigger_kind="manual",
            trigger_name="dry run",
            created_at=self._clock.now(),
        )


def masked(connector: Connector, connection: Connection | None) -> Connection | None:
    """The connection with nothing secret left in it: signed in, as far as building a request goes."""
    if connection is None:
        return None
    kept = sent.masked(connector, connection)
    needed = {parameter.name: STRUCK_OUT for parameter in connector.connection.parameters}
    return replace(kept, parameters={**needed, **kept.parameters, TOKEN: STRUCK_OUT})


def shown(request: Request) -> JsonObject:
    """The request document of `connectors request`."""
    text, encoded = _body(request.body)
    headers: Mapping[str, str] = dict(request.headers)
    return {
        "method": request.method,
        "url": request.url,
        "headers": headers,
        "body": text,
        "body_base64": encoded,
    }


def _body(body: bytes | None) -> tuple[str | None, str | None]:
    if body is None:
        return None, None
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode()
