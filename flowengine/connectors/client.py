"""Calling an operation: one attempt, from inputs to outputs.

request -> authentication -> policies -> throttle -> HTTP -> outputs | error. Trying again is the engine's decision; what
belongs to one attempt is here: further pages, an answer that is still being made (202), LiveChat's other region.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin

from flowengine.config import Settings
from flowengine.connectors.announcing import Position
from flowengine.connectors.asking import request_at
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Answer, Request
from flowengine.connectors.http_request import is_http
from flowengine.connectors.inputs import keep_at
from flowengine.connectors.one_call import BEGINNING, OneCall
from flowengine.connectors.pagination import MOST_PAGES, NextAddress, NextInputs, pages_of
from flowengine.connectors.request import ANYONE
from flowengine.connectors.throttle import Throttle
from flowengine.connectors.tokens import InMemory, Send, TokenKeeper, TokenStore
from flowengine.connectors.traces import traceparent
from flowengine.connectors.transport import Wire
from flowengine.errors import ActionError, InvalidInputs, OperationFailed, Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.record import replace
from flowengine.types import Clock, Json, JsonObject, Outputs

REGION: Final = "X-Region"
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
            error.request = call.told()
            raise
        return replace(outputs, request=call.told())

    def _attempt(
        self,
        connector: Connector,
        operation: Operation,
        connection: Connection,
        deadline: float | None = None,
        key: str = "",
    ) -> OneCall:
        return OneCall(
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
            trace=traceparent(key) if self._settings.telemetry else "",
        )

    async def delete_at(
        self, connector: Connector, operation: Operation, connection: Connection | None, url: str
    ) -> None:
        """DELETE at an address that an answer of the operation named, such as a subscription's `Location`."""
        account = await self.tokens.signed_in(connector, connection or ANYONE, self.sender(connection or ANYONE))
        call = self._attempt(connector, operation, account)
        call.outputs(await call.exchange(request_at(connector, operation, account, "DELETE", url)))

    async def _in_region(self, call: OneCall, inputs: JsonObject) -> tuple[Outputs, JsonObject]:
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


async def _all_pages(call: OneCall, inputs: JsonObject, first: Outputs, most: int) -> Outputs:
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
