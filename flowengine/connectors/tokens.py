"""Access tokens of connections that sign in by OAuth: kept, renewed in time, and renewed once for all who wait."""

from __future__ import annotations

import asyncio
import hashlib
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, TypeAlias

import orjson

from flowengine.connectors import oauth
from flowengine.connectors.auth import TOKEN
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Answer, Request
from flowengine.connectors.oauth import Tokens
from flowengine.connectors.response import strike_out, words_of
from flowengine.connectors.sign_in import SignIn, sign_in_of
from flowengine.connectors.spelled import quoted_forms
from flowengine.errors import OutcomeUnknown, ServiceUnreachable, SignInNeeded, Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.types import Clock, JsonObject

Send: TypeAlias = Callable[[Request], Awaitable[Answer]]

_YOUNG: Final = timedelta(seconds=60)
"""A token that was renewed so recently and is refused is not too old: the service refuses what was asked."""
_NOBODY = "nobody has signed in yet"


class TokenStore(Protocol):
    """Where tokens outlive the process, encrypted. One record a connection.

    A record is a token's JSON, with `for`, a digest of the connector and the application that it was given to; and with
    `broken` (why) and `with` (a digest of what was used) when its renewal was refused.
    """

    async def load(self, connection: str, *, newest: bool = False) -> JsonObject | None:
        """What is kept; the `newest`, should another process have renewed it."""
        ...

    async def save(self, connection: str, record: JsonObject) -> None:
        """The record is durable when this returns: services may hand out each refresh token only once."""
        ...

    def turn(self, connection: str) -> AbstractAsyncContextManager[None]:
        """Of all processes over the store one at a time is inside."""
        ...


class InMemory:
    """A token store that forgets."""

    def __init__(self) -> None:
        self._records: dict[str, JsonObject] = {}

    async def load(self, connection: str, *, newest: bool = False) -> JsonObject | None:
        return self._records.get(connection)

    async def save(self, connection: str, record: JsonObject) -> None:
        self._records[connection] = record

    def turn(self, connection: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a connection can be used, for lists and pages."""

    state: Literal["ready", "sign_in_needed", "incomplete"]
    why: str = ""
    signs_in: bool = False
    """Whether it signs in by OAuth."""
    until: datetime | None = None
    """When its present access token ends; it is renewed before."""

    def to_json(self) -> JsonObject:
        return {"state": self.state, "why": self.why or None, "signs_in": self.signs_in, "token_until": self.until}


def standing(connector: Connector, connection: Connection, record: JsonObject | None, now: datetime) -> Standing:
    """How a connection stands, by what is known without calling anybody. Never raises."""
    try:
        way = connector.connection.way(connection.parameters, connection.authentication)
        sign_in = sign_in_of(connector, connection)
        lacking = _lacking(connector, connection)
        for name in connection.parameters:
            connection.parameter(name)
        if lacking:
            return Standing("incomplete", f"it lacks {', '.join(lacking)}", sign_in is not None)
        if sign_in is None or connection.parameter(TOKEN) is not None:
            return Standing("ready")
        others = any(one.secret and not one.oauth and connection.parameter(one.name) for one in way)
        return _signed(sign_in, record, now, others=others and len(connector.security_schemes) > 1)
    except Unauthorized as error:
        return Standing("incomplete", error.message)


def _lacking(connector: Connector, connection: Connection) -> list[str]:
    """The required parameters that are not there, under any spelling; a key whose place is named outright needs no other."""
    missing = connector.connection.missing(connection.parameters, connection.authentication)
    outright = any(name.startswith(("header ", "query ")) for name in connection.parameters)
    declared = {one.name: one for one in connector.connection.parameters}
    return [
        name
        for name in missing
        if connection.parameter(name) is None and not (outright and name in declared and declared[name].secret)
    ]


def _signed(sign_in: SignIn, record: JsonObject | None, now: datetime, *, others: bool) -> Standing:
    if record is not None and _broken(sign_in, record):
        return Standing("sign_in_needed", record["broken"], signs_in=True)
    tokens = _tokens_in(sign_in, record)
    if tokens is not None and (tokens.fresh(now) or tokens.refresh_token):
        return Standing("ready", signs_in=True, until=tokens.expires_at)
    if sign_in.by_itself and not (sign_in.client_secret or others):
        return Standing("incomplete", "it lacks client_id and client_secret", signs_in=True)
    if sign_in.by_itself or others or sign_in.connection.parameter("refresh_token"):
        return Standing("ready", signs_in=True)
    return Standing("sign_in_needed", "its token has expired" if tokens else _NOBODY, signs_in=True)


class TokenKeeper:
    """Gives connections their access tokens."""

    def __init__(self, store: TokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}
        self._renewed: dict[str, datetime] = {}
        self._by_header: set[str] = set()

    async def signed_in(self, connector: Connector, connection: Connection, send: Send) -> Connection:
        """The connection with an access token, when it signs in by OAuth and does not hold one itself.

        Raises `SignInNeeded` when a person has to, and what `send` raises when nothing could be sent.
        """
        if not connection.name or connection.parameter(TOKEN) is not None:
            return connection
        sign_in = sign_in_of(connector, connection)
        if sign_in is None:
            return connection
        tokens = await self._tokens(sign_in, send, stale=None)
        return connection if tokens is None else _holding(connection, tokens)

    async def renewed(self, connector: Connector, connection: Connection, send: Send) -> Connection | None:
        """The connection with another token than the one that the service did not accept; None when there is no other."""
        if not isinstance(connection.parameters, ChainMap):
            return None
        sign_in = sign_in_of(connector, connection)
        if sign_in is None:
            return None
        tokens = await self._tokens(sign_in, send, stale=connection.parameter(TOKEN))
        held = replace(connection, parameters=connection.parameters.parents)
        return None if tokens is None else _holding(held, tokens)

    async def redeem(self, sign_in: SignIn, send: Send, *, code: str, redirect_url: str, verifier: str) -> Tokens:
        """A person has signed in: exchange the code for tokens, and keep these. Raises `Unauthorized` when it is refused."""
        request = oauth.code_request(sign_in, code=code, redirect_url=redirect_url, verifier=verifier)
        async with self._turn(sign_in.connection.name):
            answer = await self._exchange(sign_in, request, send)
            self._renewed.pop(sign_in.connection.name, None)
            return await self._taken(sign_in, answer, hide=(code, verifier))

    async def sign_in_by_itself(self, sign_in: SignIn, send: Send) -> Tokens:
        """A new token for the application itself, whatever was kept before. Raises `Unauthorized` when it is refused."""
        async with self._turn(sign_in.connection.name):
            answer = await self._exchange(sign_in, oauth.client_credentials_request(sign_in), send)
            return await self._taken(sign_in, answer)

    async def keep(self, connection: str, tokens: Tokens) -> None:
        """Tokens of a sign-in that a person has just finished."""
        async with self._turn(connection):
            self._renewed.pop(connection, None)
            await self._store.save(connection, tokens.to_json())

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """Nobody else in any process asks for tokens of this connection, or keeps other ones."""
        async with self._turns.setdefault(name, asyncio.Lock()), self._store.turn(name):
            yield

    async def _tokens(self, sign_in: SignIn, send: Send, *, stale: str | None) -> Tokens | None:
        """Usable tokens. Whoever comes first renews them; the others wait for that, in other processes, too, and find them fresh."""
        name = sign_in.connection.name
        async with self._turns.setdefault(name, asyncio.Lock()):
            if self._usable(tokens := await self._kept(sign_in), stale):
                return tokens
            async with self._store.turn(name):
                if self._usable(tokens := await self._kept(sign_in, newest=True), stale):
                    return tokens
                if stale is not None and self._is_young(name):
                    return None
                return await self._renew(sign_in, tokens, send)

    async def _kept(self, sign_in: SignIn, *, newest: bool = False) -> Tokens | None:
        """Raises `SignInNeeded` where the service refused to renew them."""
        name = sign_in.connection.name
        record = await self._store.load(name, newest=newest)
        if record is not None and _broken(sign_in, record):
            raise _again(name, record["broken"])
        return _tokens_in(sign_in, record)

    def _usable(self, tokens: Tokens | None, stale: str | None) -> bool:
        return tokens is not None and tokens.access_token != stale and tokens.fresh(self._clock.now())

    def _is_young(self, name: str) -> bool:
        renewed = self._renewed.get(name)
        return renewed is not None and self._clock.now() - renewed < _YOUNG

    async def _renew(self, sign_in: SignIn, tokens: Tokens | None, send: Send) -> Tokens | None:
        name = sign_in.connection.name
        refresh = (tokens.refresh_token if tokens else None) or sign_in.connection.parameter("refresh_token")
        if refresh:
            request = oauth.refresh_request(sign_in, refresh)
        elif sign_in.by_itself and sign_in.client_secret:
            request = oauth.client_credentials_request(sign_in)
        elif tokens is not None:
            raise _again(name, "its token is not accepted any more" if tokens.fresh(self._clock.now()) else _EXPIRED)
        else:
            return None
        answer = await self._exchange(sign_in, request, send)
        if answer.status >= 500 or answer.status in (408, 429):
            raise ServiceUnreachable(f'the connection "{name}" could not sign in: the service answered {answer.status}')
        if not 200 <= answer.status < 300:
            await self._mark(
                sign_in, tokens, why := f"the service refused to renew its token ({_told(sign_in, answer, (refresh,))})"
            )
            raise _again(name, why, answer.status)
        renewed = await self._taken(sign_in, answer, before=refresh)
        self._renewed[name] = self._clock.now()
        return renewed

    async def _taken(
        self, sign_in: SignIn, answer: Answer, *, before: str | None = None, hide: tuple[str, ...] = ()
    ) -> Tokens:
        """The tokens of an answer, saved before anybody uses them."""
        name = sign_in.connection.name
        if not 200 <= answer.status < 300:
            told = _told(sign_in, answer, hide)
            raise Unauthorized(f'the connection "{name}" could not sign in: the service answered {told}')
        tokens = oauth.read_tokens(answer.body, self._clock.now(), before=before)
        await self._store.save(name, {**tokens.to_json(), "for": _owner(sign_in)})
        return tokens

    async def _mark(self, sign_in: SignIn, tokens: Tokens | None, why: str) -> None:
        """Remember the refusal, so that it is not asked for again and again; another secret or sign-in lifts it."""
        kept = {**tokens.to_json(), "for": _owner(sign_in)} if tokens else {}
        await self._store.save(sign_in.connection.name, {**kept, "broken": why, "with": _used(sign_in)})

    async def _exchange(self, sign_in: SignIn, request: Request, send: Send) -> Answer:
        """Ask a token endpoint. The application shows its secret in the form, or as Basic where that is not accepted."""
        name, alternative = sign_in.connection.name, oauth.in_header(sign_in, request)
        first_by_header = sign_in.in_header or (sign_in.in_header is None and name in self._by_header)
        if alternative is not None and first_by_header:
            return await _sent(name, alternative, send)
        answer = await _sent(name, request, send)
        if (
            alternative is None
            or sign_in.in_header is False
            or not oauth.refuses_the_application(answer.status, answer.body)
        ):
            return answer
        another = await _sent(name, alternative, send)
        if 200 <= another.status < 300:
            self._by_header.add(name)
        return another


_EXPIRED: Final = "its token has expired"


async def _sent(name: str, request: Request, send: Send) -> Answer:
    try:
        return await send(request)
    except OutcomeUnknown as error:
        # The action itself was not sent: it may safely be tried again.
        raise ServiceUnreachable(f'the connection "{name}" could not sign in: {error.message}') from None


def _holding(connection: Connection, tokens: Tokens) -> Connection:
    return replace(connection, parameters=ChainMap({TOKEN: tokens.access_token}, connection.parameters))  # type: ignore[arg-type]


def _tokens_in(sign_in: SignIn, record: JsonObject | None) -> Tokens | None:
    """The kept tokens; none when the connection has become one to something else: they are no business of that service."""
    if not record or not record.get("access_token") or record.get("for", _owner(sign_in)) != _owner(sign_in):
        return None
    return Tokens.from_json(record)


def _owner(sign_in: SignIn) -> str:
    return _digest(sign_in.connection.connector, sign_in.client_id)


def _broken(sign_in: SignIn, record: JsonObject) -> bool:
    """Whether the kept refusal still holds: it does for the application and the token that were refused."""
    return "broken" in record and record.get("with") == _used(sign_in)


def _used(sign_in: SignIn) -> str:
    given = sign_in.connection.parameter("refresh_token") or ""
    return _digest(sign_in.endpoint("refresh"), sign_in.client_id, sign_in.client_secret, given)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _again(name: str, why: str, status: int | None = None) -> SignInNeeded:
    told = f'the connection "{name}" needs signing in again: {why}; run `flowengine connections login {name}`'
    return SignInNeeded(told, status_code=status)


def _told(sign_in: SignIn, answer: Answer, hide: tuple[str | None, ...] = ()) -> str:
    """A refusal's status and words; services may repeat in them what they were sent."""
    hidden = quoted_forms({sign_in.client_secret, *(one for one in hide if one)})
    try:
        words = words_of(orjson.loads(strike_out(answer, hidden).body))
    except orjson.JSONDecodeError:
        words = ""
    return f"{answer.status}: {words}" if words else str(answer.status)
