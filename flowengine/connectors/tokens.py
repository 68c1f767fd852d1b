"""Access tokens of connections that sign in by OAuth: kept, renewed in time, and renewed once for all who wait."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol, TypeAlias

import orjson

from flowengine.connectors import oauth
from flowengine.connectors.auth import TOKEN
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Answer, Request
from flowengine.connectors.oauth import SignIn, Tokens
from flowengine.connectors.response import words_of
from flowengine.errors import OutcomeUnknown, ServiceUnreachable, Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.types import Clock, JsonObject

Send: TypeAlias = Callable[[Request], Awaitable[Answer]]


class TokenStore(Protocol):
    """Where tokens outlive the process, encrypted. One record a connection."""

    async def load(self, connection: str) -> JsonObject | None:
        """The record that was saved last: a token's JSON, or `{"broken": why}`."""
        ...

    async def save(self, connection: str, record: JsonObject) -> None: ...


class InMemory:
    """A token store that forgets."""

    def __init__(self) -> None:
        self._records: dict[str, JsonObject] = {}

    async def load(self, connection: str) -> JsonObject | None:
        return self._records.get(connection)

    async def save(self, connection: str, record: JsonObject) -> None:
        self._records[connection] = record


class TokenKeeper:
    """Gives connections their access tokens."""

    def __init__(self, store: TokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}

    async def signed_in(self, connector: Connector, connection: Connection, send: Send) -> Connection:
        """The connection with an access token, when it signs in by OAuth and does not hold one itself.

        Raises `Unauthorized` when a person has to sign in, and what `send` raises when nothing could be sent.
        """
        if connection.parameter(TOKEN) is not None:
            return connection
        sign_in = oauth.sign_in_of(connector, connection)
        if sign_in is None or not connection.name:
            return connection
        tokens = await self._tokens(sign_in, send, stale=None)
        return connection if tokens is None else _holding(connection, tokens)

    async def renewed(self, connector: Connector, connection: Connection, send: Send) -> Connection | None:
        """The connection with another token than the one that the service did not accept; None when there is no other."""
        sign_in = oauth.sign_in_of(connector, connection)
        if sign_in is None or not isinstance(connection.parameters, ChainMap):
            return None
        tokens = await self._tokens(sign_in, send, stale=connection.parameter(TOKEN))
        held = replace(connection, parameters=connection.parameters.parents)
        return None if tokens is None else _holding(held, tokens)

    async def keep(self, connection: str, tokens: Tokens) -> None:
        """Tokens of a sign-in that a person has just finished."""
        await self._store.save(connection, tokens.to_json())

    async def _tokens(self, sign_in: SignIn, send: Send, *, stale: str | None) -> Tokens | None:
        """Usable tokens. Whoever comes first renews them; the others wait for that and find them fresh."""
        name = sign_in.connection.name
        async with self._turns.setdefault(name, asyncio.Lock()):
            record = await self._store.load(name)
            if record is not None and "broken" in record:
                raise Unauthorized(_again(name, record["broken"]))
            tokens = Tokens.from_json(record) if record else None
            if tokens is not None and tokens.access_token != stale and tokens.fresh(self._clock.now()):
                return tokens
            return await self._renew(sign_in, tokens, send)

    async def _renew(self, sign_in: SignIn, tokens: Tokens | None, send: Send) -> Tokens | None:
        name = sign_in.connection.name
        refresh = (tokens.refresh_token if tokens else None) or sign_in.connection.parameter("refresh_token")
        if refresh:
            request = oauth.refresh_request(sign_in, refresh)
        elif sign_in.client_secret:
            request = oauth.client_credentials_request(sign_in)
        elif tokens is not None:
            raise Unauthorized(_again(name, "its token has expired"))
        else:
            return None
        renewed = await self._ask(name, request, refresh, send)
        await self._store.save(name, renewed.to_json())
        return renewed

    async def _ask(self, name: str, request: Request, refresh: str | None, send: Send) -> Tokens:
        try:
            answer = await send(request)
        except OutcomeUnknown as error:
            # The action itself was not sent: it may safely be tried again.
            raise ServiceUnreachable(f'the connection "{name}" could not sign in: {error.message}') from None
        if answer.status >= 500 or answer.status == 429:
            raise ServiceUnreachable(f'the connection "{name}" could not sign in: the service answered {answer.status}')
        if not 200 <= answer.status < 300:
            why = f"the service refused to renew its token ({answer.status}{_words(answer)})"
            await self._store.save(name, {"broken": why})
            raise Unauthorized(_again(name, why), status_code=answer.status)
        return oauth.read_tokens(answer.body, self._clock.now(), before=refresh)


def _holding(connection: Connection, tokens: Tokens) -> Connection:
    return replace(connection, parameters=ChainMap({TOKEN: tokens.access_token}, connection.parameters))  # type: ignore[arg-type]


def _again(name: str, why: str) -> str:
    return f'the connection "{name}" needs signing in again: {why}; run `flowengine connections login {name}`'


def _words(answer: Answer) -> str:
    try:
        words = words_of(orjson.loads(answer.body))
    except orjson.JSONDecodeError:
        return ""
    return f": {words}" if words else ""
