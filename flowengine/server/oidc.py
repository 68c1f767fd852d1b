"""Signing in with an organisation: `/login/oidc` leads to the provider, `/login/oidc/return` back."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flowengine.app import App
from flowengine.config import Settings
from flowengine.connectors.draft import Answer
from flowengine.connectors.oidc import NotLetIn, Pending, Provider, begun
from flowengine.connectors.transport import Wire
from flowengine.server.access import RANKS, Caller, Role
from flowengine.server.callers import is_secure
from flowengine.server.context import app_of
from flowengine.server.login import Row, begin, login_form, next_of
from flowengine.types import Json

COOKIE: Final = "flowengine-signing-in"
BEGUN_FOR: Final = timedelta(minutes=10)
BEGUN_AT_MOST: Final = 1_000
SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Begun:
    pending: Pending
    wanted: str
    until: datetime


@dataclass(slots=True)
class Organisation:
    """The provider, and who is on the way to it. Kept in memory: whoever is there while the server restarts begins again."""

    provider: Provider
    begun: dict[str, _Begun] = field(default_factory=dict)

    def add(self, pending: Pending, wanted: str, now: datetime) -> None:
        self.begun = {state: one for state, one in self.begun.items() if one.until > now}
        if len(self.begun) >= BEGUN_AT_MOST:
            self.begun.pop(next(iter(self.begun)))
        self.begun[pending.state] = _Begun(pending, wanted, now + BEGUN_FOR)

    def take(self, state: str, now: datetime) -> _Begun | None:
        found = self.begun.pop(state, None)
        return found if found and found.until > now else None


async def to_provider(request: Request) -> Response:
    """`GET /login/oidc`."""
    app, organisation = app_of(request), organisation_of(request)
    pending = begun()
    organisation.add(pending, next_of(request.query_params.get("next", "")), app.clock.now())
    try:
        place = await organisation.provider.address(pending, _return_address(app))
    except NotLetIn as error:
        return await login_form(request, "/", error.message, 502)
    answer = RedirectResponse(place, 303)
    secure = is_secure(app.settings)
    answer.set_cookie(
        COOKIE,
        pending.state,
        int(BEGUN_FOR.total_seconds()),
        path="/login",
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return answer


async def from_provider(request: Request) -> Response:
    """`GET /login/oidc/return`: a session for whoever the provider vouches for and a role is declared for."""
    app, query, organisation = app_of(request), request.query_params, organisation_of(request)
    state, code = query.get("state", ""), query.get("code", "")
    # The cookie says that it is this browser that began, so that nobody can be signed in as somebody else by a link.
    same = hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), state.encode())
    found = organisation.take(state, app.clock.now()) if same and state else None
    if found is None or not code:
        return await login_form(request, "/", "Signing in was not finished. Try again.", 400)
    try:
        claims = await organisation.provider.claims(code, found.pending, _return_address(app))
    except NotLetIn as error:
        return await _refused(request, error.message)
    role = role_of(claims, app.settings)
    if role is None:
        return await _refused(request, "Nobody has given you a role here. Ask whoever runs this server.")
    return await begin(request, Caller(name_of(claims), role, "person"), None, found.wanted)


def role_of(claims: Mapping[str, Json], settings: Settings) -> Role | None:
    """The highest role that the person's groups give."""
    given = claims.get(settings.oidc_claim)
    groups = [str(one) for one in given] if isinstance(given, list) else [str(given)] if given else []
    found = [Role(role) for group, role in settings.oidc_roles.items() if group in groups or group == "*"]
    return max(found, key=RANKS.index, default=None)


def name_of(claims: Mapping[str, Json]) -> str:
    """What the person is called on record."""
    named = next((claims[name] for name in ("email", "preferred_username", "name", "sub") if claims.get(name)), "?")
    return "".join(sign for sign in str(named) if sign.isprintable())[:200]


def organisation_of(request: Request) -> Organisation:
    """Made when it is first asked for. Answers 404 where no provider is set."""
    app = app_of(request)
    settings = app.settings
    if not settings.oidc_issuer:
        raise HTTPException(404, "signing in with an organisation is not set up here")
    found: Organisation | None = getattr(request.app.state, "organisation", None)
    if found is None:
        secret = settings.oidc_client_secret.get_secret_value()
        provider = Provider(settings.oidc_issuer, settings.oidc_client_id, secret, _exchange, app.clock)
        request.app.state.organisation = found = Organisation(provider)
    return found


async def _exchange(method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes | None) -> Answer:
    """One call of the provider, which the operator chose: it may well be on a private network."""
    wire = Wire(largest_answer=1_000_000)
    try:
        return await wire.exchange(method, url, headers, body, guarded=False, seconds=SECONDS)
    finally:
        await wire.close()


async def _refused(request: Request, told: str) -> Response:
    source = request.client.host if request.client else ""
    await app_of(request).store.audit.add("nobody", "sign_in_failed", "", {"by": "oidc"}, source)
    return await login_form(request, "/", told, 403)


def _return_address(app: App) -> str:
    return f"{app.public_url}/login/oidc/return"


ROUTES: tuple[Row, ...] = (("GET", "/login/oidc", to_provider), ("GET", "/login/oidc/return", from_provider))
