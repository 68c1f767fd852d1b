"""Who sends a request: a token, a person who signed in, or this machine's user on loopback."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from flowengine.config import Settings
from flowengine.server.access import Caller, Role
from flowengine.server.origin import is_loopback, is_near
from flowengine.store.access import COMMANDS, Access, SessionRecord
from flowengine.types import Clock

SESSION_LASTS: Final = timedelta(hours=12)
SERVER_TOKEN: Final = "FLOWENGINE_TOKEN"  # noqa: S105 - a name, not a secret
_SEAM: Final = "\x1f"
"""Between a session's name and the server token that it began with: no name holds it."""
FAILURES_AT_MOST: Final = 10
FAILURES_WITHIN: Final = timedelta(minutes=1)
ADDRESSES_AT_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Refused:
    """Credentials were given, and they let nobody in."""

    status: int
    message: str


class Failures:
    """Counts failed sign-ins by address: after ten in a minute nobody from there is listened to until it is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[str, list[datetime]] = {}

    def add(self, source: str) -> None:
        if len(self._times) >= ADDRESSES_AT_MOST:
            self._times.clear()
        self._times.setdefault(source, []).append(self._clock.now())

    def too_many(self, source: str) -> bool:
        since = self._clock.now() - FAILURES_WITHIN
        recent = [at for at in self._times.get(source, ()) if at > since]
        if recent:
            self._times[source] = recent
        else:
            self._times.pop(source, None)
        return len(recent) >= FAILURES_AT_MOST


class Callers:
    """Finds out who sends a request."""

    def __init__(self, settings: Settings, access: Access, clock: Clock, derive: Callable[[str], str]) -> None:
        self.settings = settings
        self.access = access
        self.failures = Failures(clock)
        self.trusts_this_machine = trusts_this_machine(settings)
        self._of_commands = derive(COMMANDS)
        """What commands of this project show: whoever reads its key file may do anything anyway."""
        self._of_the_server = derive(f"{SERVER_TOKEN}:{settings.token}")
        """Which server token a session began with: another token ends it."""

    async def find(self, headers: Mapping[str, str], client: str) -> Caller | Refused | None:
        """The caller; None when no credentials were given where they are needed. What was given comes first."""
        if "authorization" in headers:
            return await self._by_header(headers["authorization"], client)
        key = session_key(headers.get("cookie", ""), self.settings)
        if key and (session := await self.access.session(key)) and self._holds(session):
            return Caller(session.name.partition(_SEAM)[0], Role(session.role), "person")
        if self.trusts_this_machine and is_near(headers, client):
            return Caller("local", Role.ADMIN, "local")
        return None

    async def by_token(self, text: str, source: str) -> tuple[Caller, str | None] | None:
        """Whose token this is, and the token's id; the server's own has none.

        Where too many wrong ones came from an address, only tokens that nobody can guess are still listened to: behind a
        proxy everybody has the same address, and nobody shall lock the others out.
        """
        guessable = not self.failures.too_many(source)
        if guessable and self.settings.token and hmac.compare_digest(text.encode(), self.settings.token.encode()):
            return Caller(SERVER_TOKEN, Role.ADMIN, "token"), None
        found = await self.access.token(text)
        if found is None:
            return None
        self.access.note_use(found)
        return Caller(found.name, Role(found.role), "token"), found.id

    async def _by_header(self, header: str, client: str) -> Caller | Refused:
        scheme, _, text = header.partition(" ")
        text = text.strip() if scheme.lower() == "bearer" else ""
        if is_loopback(client) and hmac.compare_digest(text.encode(), self._of_commands.encode()):
            return Caller("local", Role.ADMIN, "local")
        found = await self.by_token(text, client) if text else None
        if found is None and self.failures.too_many(client):
            return Refused(429, "too many wrong tokens came from this address; wait a minute")
        if found is None:
            self.failures.add(client)
            return Refused(401, "this token is not one of the server's, or it was revoked")
        return found[0]

    def session_name(self, caller: Caller, token_id: str | None) -> str:
        """What a session is kept under: one that began with the server's own token remembers which that was."""
        own = caller.name == SERVER_TOKEN and token_id is None
        return f"{caller.name}{_SEAM}{self._of_the_server}" if own else caller.name

    def _holds(self, session: SessionRecord) -> bool:
        name, _, token = session.name.partition(_SEAM)
        return name != SERVER_TOKEN or session.token_id is not None or token == self._of_the_server


def trusts_this_machine(settings: Settings) -> bool:
    """Whether this machine's user needs no token. Not where the pages are reached under another address: a proxy on this
    machine may send what comes from anywhere as if it came from here.
    """
    public = urlsplit(settings.public_url).hostname
    local = is_loopback(settings.host) and (public is None or is_loopback(public))
    return local and not settings.token and settings.sign_in == "auto"


def cookie_name(settings: Settings) -> str:
    """Behind https the name binds the cookie to this very host: no other one of the domain can set it."""
    return "__Host-flowengine" if is_secure(settings) else "flowengine"


def is_secure(settings: Settings) -> bool:
    """Whether people reach the pages by https."""
    return settings.public_url.startswith("https://")


def session_key(cookies: str, settings: Settings) -> str:
    """The session's key in a Cookie header; empty when there is none."""
    try:
        found = SimpleCookie(cookies).get(cookie_name(settings))
    except CookieError:
        return ""
    return found.value if found else ""
