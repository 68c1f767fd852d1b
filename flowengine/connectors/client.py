"""Calling an operation: one attempt, from inputs to outputs.

request -> authentication -> policies -> throttle -> HTTP -> outputs | error. Trying again is the engine's decision; what
belongs to one attempt is here: further pages, an answer that is still being made (202), LiveChat's other region.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin

from flowengine.config import Settings
from flowengine.connectors import response, urls
from flowengine.connectors.announcing import Position
from flowengine.connectors.asking import asked_first, request_at
from flowengine.connectors.auth import secret_parameters, with_key
from flowengine.connectors.connection import Connection, secret_values
from flowengine.connectors.draft import Answer, Request
from flowengine.connectors.http_request import is_http
from flowengine.connectors.inputs import keep_at
from flowengine.connectors.pagination import MOST_PAGES, NextAddress, NextInputs, pages_of
from flowengine.connectors.policies import apply_to_answer
from flowengine.connectors.request import ANYONE, build_request
from flowengine.connectors.request_line import request_line
from flowengine.connectors.throttle import Throttle
from flowengine.connectors.tokens import InMemory, Send, TokenKeeper, TokenStore
from flowengine.connectors.transport import Wire
from flowengine.errors import ActionError, ActionTimedOut, InvalidInputs, OperationFailed, Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.types import Clock, Json, JsonObject, Outputs

REGION: Final = "X-Region"
BEGINNING: Final = Position()
_PAUSE_SECONDS = 1.0
"""How long a connection rests after a 429 that does not say."""
_POLL_SECONDS = 2.0
_LONGEST_POLL = 60.0
_SIGN_IN_SECONDS = 30.0


class Client:
    """The process's caller of services: one pool of connections, one throttle for each connection."""

    def __init__(self, settings: Settings, clock: Clock, tokens: TokenStore | None = None) -> None:
        self.tokens = TokenKeeper(tokens or InMemory(), clock)
        self._settings = settings
        self._clock = clock
        self._wire = Wire(largest_answer=settings.limits.answer)
        self._throttles: dict[tuple[object, ...], Throttle] = {}
        self._regions: dict[tuple[str, str], str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    async def call(
        self,
        connector: Connector,
        operation: Operation,
        inputs: Mapping[str, Json],
        connection: Connection | None = None,
        *,
        idempotency_key: str = "",
        paginate: int | None = None,
        deadline: float | None = None,
        position: Position = BEGINNING,
    ) -> Outputs:
        """Call once and give the outputs; a poll goes on from `position`.

        `paginate` follows further pages until so many items are there. `deadline` is how many seconds the service may take
        in all, counted while a request is out: waiting for the connection's throttle does not use it up. Raises
        `ActionError`s only.
        """
        account = connection or ANYONE
        send = self.sender(account)
        account = await self.tokens.signed_in(connector, account, send)
        given = _with_key(operation, inputs, idempotency_key)
        try:
            return await self._call(connector, operation, given, account, idempotency_key, paginate, deadline, position)
        except Unauthorized:
            renewed = await self.tokens.renewed(connector, account, send)
            if renewed is None:
                raise
        return await self._call(connector, operation, given, renewed, idempotency_key, paginate, deadline, position)

    def sender(self, connection: Connection) -> Send:
        """Sends what belongs to a connection's sign-in: outside its throttle, inside its guard."""

        async def send(request: Request) -> Answer:
            return await self._wire.exchange(
                request.method,
                request.url,
                request.headers,
                request.body,
                guarded=self._guarded(connection),
                seconds=_SIGN_IN_SECONDS,
            )

        return send

    def _guarded(self, connection: Connection) -> bool:
        return not (connection.allow_private_network or self._settings.allow_private_network)

    async def _call(
        self,
        connector: Connector,
        operation: Operation,
        inputs: JsonObject,
        connection: Connection,
        key: str,
        paginate: int | None,
        deadline: float | None,
        position: Position,
    ) -> Outputs:
        call = self._attempt(connector, operation, connection, deadline, key)
        call.position = position
        try:
            first, inputs = await self._in_region(call, inputs)
            outputs = first if paginate is None else await _all_pages(call, inputs, first, paginate)
        except ActionError as error:
            error.request = request_line(call.request, call.secrets)
            raise
        return replace(outputs, request=request_line(call.request, call.secrets))

    def _attempt(
        self,
        connector: Connector,
        operation: Operation,
        connection: Connection,
        deadline: float | None = None,
        key: str = "",
    ) -> _Call:
        return _Call(
            self._wire,
            self._throttle(connector, connection),
            connector,
            operation,
            connection,
            guarded=self._guarded(connection),
            seconds=deadline if deadline is not None else self._settings.limits.attempt_seconds,
            depth=self._settings.limits.json_depth,
            clock=self._clock,
            key=key,
        )

    async def delete_at(
        self, connector: Connector, operation: Operation, connection: Connection | None, url: str
    ) -> None:
        """DELETE at an address that an answer of the operation named, such as a subscription's `Location`."""
        account = await self.tokens.signed_in(connector, connection or ANYONE, self.sender(connection or ANYONE))
        call = self._attempt(connector, operation, account)
        call.outputs(await call.exchange(request_at(connector, operation, account, "DELETE", url)))

    async def _in_region(self, call: _Call, inputs: JsonObject) -> tuple[Outputs, JsonObject]:
        """LiveChat keeps accounts in regions and says, when asked in the wrong one, which is right."""
        if call.operation.parameter(REGION) is None:
            return await call.send(inputs), inputs
        account = (call.connector.name, call.connection.name)
        if REGION not in inputs and account in self._regions:
            inputs = {**inputs, REGION: self._regions[account]}
        try:
            return await call.send(inputs), inputs
        except OperationFailed as error:
            region = _right_region(error.body)
            if region is None or region == inputs.get(REGION):
                raise
        inputs = {**inputs, REGION: region}
        outputs = await call.send(inputs)
        self._regions[account] = region
        return outputs, inputs

    def _throttle(self, connector: Connector, connection: Connection) -> Throttle:
        """The connection's throttle. Calls of `http` without a connection share nothing, so nothing holds them back."""
        limits = connection.limits or tuple((limit.calls, limit.period_seconds) for limit in connector.limits)
        if is_http(connector) and not connection.name:
            return Throttle(limits)
        key = (connector.name, connection.name, limits)
        if key not in self._throttles:
            self._throttles[key] = Throttle(limits)
        return self._throttles[key]


class _Call:
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
        self.secrets = secret_values(connection, secret_parameters(connector, connection))
        self.request = Request("", "")
        self.position = BEGINNING

    async def send(self, inputs: Mapping[str, Json]) -> Outputs:
        """Build the request, send it, and wait for the result of what the service only accepted."""
        asked = await self._asked_first(inputs)
        made = build_request(self.connector, self.operation, inputs, self.connection, asked=asked)
        self.request = self._keyed(replace(made, url=self.position.applied(made.url)))
        if self.position.address:
            answer = await self.exchange(self._get(urljoin(made.url, self.position.address)))
        else:
            answer = await self.exchange(self.request)
        if answer.status == 202 and self.operation.kind == "action" and not is_http(self.connector):
            answer = await self._result(answer)
        return self.outputs(answer)

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

    def _late(self) -> ActionTimedOut:
        return ActionTimedOut(f"{self.operation.id} was not done within {self.allowed:g} seconds")


async def _all_pages(call: _Call, inputs: JsonObject, first: Outputs, most: int) -> Outputs:
    """The first page's outputs with the items of all pages, at most `most`."""
    pages = pages_of(call.operation)
    if pages is None:
        raise InvalidInputs(f"{call.operation.id} has no pages: leave `paginate` out", parameter="paginate")
    items, body = list(pages.items(first.body) or ()), first.body
    asked: list[NextInputs | NextAddress] = []
    while len(items) < most and len(asked) < MOST_PAGES:
        following = pages.next(inputs, body)
        # A service that names a page again would be asked for ever.
        if following is None or following in asked:
            break
        asked.append(following)
        match following:
            case NextInputs(page):
                body = (await call.send({**page, **_region(inputs)})).body
            case NextAddress(url):
                body = (await call.at(urljoin(call.request.url, url))).body
        items += pages.items(body) or ()
    return replace(first, body=pages.joined(first.body, items[:most]))


def _signatures(request: Request) -> list[str]:
    """What `Authorization` held: a password encoded as Basic does is a secret still."""
    return [value.partition(" ")[2] or value for name, value in request.headers if name.lower() == "authorization"]


def _region(inputs: Mapping[str, Json]) -> JsonObject:
    return {REGION: inputs[REGION]} if REGION in inputs else {}


def _with_key(operation: Operation, inputs: Mapping[str, Json], key: str) -> JsonObject:
    """The idempotency key at the parameter that the manifest names, unless the author set it or left out its object."""
    named = operation.idempotency
    if named is None or named.parameter is None or not key:
        return dict(inputs)
    return keep_at(operation, inputs, named.parameter, key)


def _right_region(body: Json) -> str | None:
    match body:
        case {"error": {"type": "misdirected_request", "data": {"region": str(region)}}}:
            return region
        case _:
            return None
