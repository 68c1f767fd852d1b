"""One attempt at an operation: its requests, and how much time is left for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin

from flowengine.connectors import response, traces, urls
from flowengine.connectors.announcing import Position
from flowengine.connectors.asking import asked_first
from flowengine.connectors.auth import secret_parameters, with_key
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Answer, Request
from flowengine.connectors.http_request import is_http
from flowengine.connectors.policies import apply_to_answer, told_type
from flowengine.connectors.request import build_request
from flowengine.connectors.sent import STRUCK_OUT, is_computed, masked, place_of, sent
from flowengine.connectors.spelled import secret_values
from flowengine.connectors.throttle import Throttle
from flowengine.connectors.transport import Wire
from flowengine.errors import ActionTimedOut, FlowEngineError
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import CALLBACK, Operation
from flowengine.record import replace
from flowengine.types import Clock, Json, Outputs, Sent

BEGINNING: Final = Position()
_PAUSE_SECONDS = 1.0
"""How long a connection rests after a 429 that does not say."""
_POLL_SECONDS = 2.0
_LONGEST_POLL = 60.0


class OneCall:
    """One attempt: what stays the same over its requests, and how much time is left."""

    def __init__(
        self,
        wire: Wire,
        throttle: Throttle,
        connector: Connector,
        operation: Operation,
        connection: Connection,
        *,
        guarded: bool,
        seconds: float,
        depth: int,
        clock: Clock,
        key: str,
        trace: str = "",
    ) -> None:
        self.wire = wire
        self.throttle = throttle
        self.connector = connector
        self.operation = operation
        self.connection = connection
        self.guarded = guarded
        self.allowed = seconds
        self.left = seconds
        self.depth = depth
        self.clock = clock
        self.key = key
        self.trace = trace
        self.secrets = secret_values(connection, secret_parameters(connector, connection))
        self.request = Request("", "")
        self.position = BEGINNING
        self.inputs: Mapping[str, Json] = {}
        self.asked: Mapping[str, str] = {}

    async def send(self, inputs: Mapping[str, Json]) -> Outputs:
        """Build the request, send it, and wait for the result of what the service only accepted."""
        self.inputs, self.request = inputs, Request("", "")
        self.asked = await self._asked_first(inputs)
        self.request = self._built(self.connection, self.asked)
        if self.position.address:
            answer = await self.exchange(self._get(urljoin(self.request.url, self.position.address)))
        else:
            answer = await self.exchange(self.request)
        if answer.status == 202 and _is_awaited(self.connector, self.operation):
            answer = await self._result(answer)
        return self.outputs(answer)

    def told(self) -> Sent | None:
        """The last request that was built, as the history keeps it."""
        hidden = [*self.secrets, *(str(self.inputs[name]) for name in (CALLBACK,) if name in self.inputs)]
        if not self.request.url or not is_computed(self.connector, self.operation, self.connection):
            return sent(self.connector, self.connection, self.request, hidden)
        try:
            request = self._built(masked(self.connector, self.connection), dict.fromkeys(self.asked, STRUCK_OUT))
        except FlowEngineError:
            return place_of(self.request)
        return sent(self.connector, self.connection, request, hidden)

    def _built(self, connection: Connection, asked: Mapping[str, str]) -> Request:
        made = build_request(self.connector, self.operation, self.inputs, connection, asked=asked)
        return self._traced(self._keyed(replace(made, url=self.position.applied(made.url))))

    async def _asked_first(self, inputs: Mapping[str, Json]) -> Mapping[str, str]:
        """The answers that the definition puts into the operation's own request."""
        found: dict[str, str] = {}
        for question in asked_first(self.connector, self.operation, inputs, self.connection):
            answer = await self.exchange(question.request)
            body = response.body_of(self.connector, self.operation, answer, depth=self.depth)
            if not 200 <= answer.status < 300:
                raise response.failure(self.operation, answer.status, answer.headers, body, self.clock.now())
            found[question.target] = question.value(body)
        return found

    async def at(self, url: str) -> Outputs:
        """What stands at a further address."""
        return self.outputs(await self.exchange(self._get(url)))

    async def exchange(self, request: Request) -> Answer:
        async with self.throttle.slot():
            if self.left <= 0:
                raise self._late()
            loop = asyncio.get_running_loop()
            began = loop.time()
            try:
                answer = await self.wire.exchange(
                    request.method, request.url, request.headers, request.body, guarded=self.guarded, seconds=self.left
                )
            finally:
                self.left -= loop.time() - began
        return response.strike_out(answer, (*_signatures(request), *self.secrets))

    def outputs(self, answer: Answer) -> Outputs:
        """The outputs, or the error that the answer is."""
        answer = replace(answer, headers=told_type(self.connector, self.operation, answer.headers))
        body = response.body_of(self.connector, self.operation, answer, depth=self.depth)
        if not 200 <= answer.status < 300:
            error = response.failure(self.operation, answer.status, answer.headers, body, self.clock.now())
            if answer.status == 429 or (answer.status == 503 and error.retry_after):
                self.throttle.pause(_PAUSE_SECONDS if error.retry_after is None else error.retry_after)
            raise error
        headers = dict(answer.headers)
        body = apply_to_answer(self.connector, self.operation, self.connection, headers, body)
        return Outputs(answer.status, headers, response.convert(self.operation.response, body))

    async def _result(self, answer: Answer) -> Answer:
        """Microsoft's asynchronous pattern: 202 with a `Location` that answers 202 again until the result is there."""
        while answer.status == 202 and (location := answer.headers.get("location")):
            wait = response.retry_after(answer.headers, self.clock.now())
            wait = min(_POLL_SECONDS if wait is None else wait, _LONGEST_POLL)
            self.left -= wait
            if self.left <= 0:
                raise self._late()
            await asyncio.sleep(wait)
            answer = await self.exchange(self._get(urljoin(self.request.url, location)))
        return answer

    def _get(self, url: str) -> Request:
        """A GET at an address that the service named. Only the connection's own host sees its credentials."""
        if urls.origin(url) != urls.origin(self.request.url):
            return Request("GET", url, (("Accept", "application/json"),))
        kept = tuple((name, value) for name, value in self.request.headers if name.lower() != "content-type")
        return Request("GET", with_key(self.connector, self.operation, self.connection, url), kept)

    def _keyed(self, request: Request) -> Request:
        """The idempotency key in the header that the manifest names, unless the author set it."""
        named = self.operation.idempotency
        if named is None or named.header is None or not self.key:
            return request
        if any(name.lower() == named.header.lower() for name, _ in request.headers):
            return request
        return replace(request, headers=(*request.headers, (named.header, self.key)))

    def _traced(self, request: Request) -> Request:
        """What the service does shows below the action in a trace, unless the author says otherwise."""
        if not self.trace or any(name.lower() == traces.NAME for name, _ in request.headers):
            return request
        return replace(request, headers=(*request.headers, (traces.NAME, self.trace)))

    def _late(self) -> ActionTimedOut:
        return ActionTimedOut(f"{self.operation.id} was not done within {self.allowed:g} seconds")


def _is_awaited(connector: Connector, operation: Operation) -> bool:
    """Whether 202 stands for a result to come: not at triggers, and not where the service calls back by itself."""
    return operation.kind == "action" and operation.webhook is None and not is_http(connector)


def _signatures(request: Request) -> list[str]:
    """What `Authorization` held: a password encoded as Basic does is a secret still."""
    return [value.partition(" ")[2] or value for name, value in request.headers if name.lower() == "authorization"]
