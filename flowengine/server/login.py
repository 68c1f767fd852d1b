"""Signing in with a token, and out again: `/login`, `/logout`. A plain form that needs no script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from flowengine.server.access import Caller
from flowengine.server.callers import SESSION_LASTS, Callers, cookie_name, is_secure, session_key
from flowengine.server.context import app_of
from flowengine.server.origin import change_refused
from flowengine.server.pages.forms import form_of
from flowengine.server.pages.render import HEADERS, environment

Row = tuple[str, str, Callable[[Request], Awaitable[Response]]]


def callers_of(request: Request) -> Callers:
    found: Callers = request.app.state.callers
    return found


async def login_page(request: Request) -> Response:
    """`GET /login`."""
    return await login_form(request, next_of(request.query_params.get("next", "")))


async def sign_in(request: Request) -> Response:
    """`POST /login`: a session for whoever has a token."""
    app, callers = app_of(request), callers_of(request)
    source = request.client.host if request.client else ""
    if change_refused(dict(request.headers)):
        return await login_form(request, "/", "The form did not come from this page. Try again.", 403)
    form = await form_of(request)
    wanted, found = next_of(form.one("next")), await callers.by_token(form.one("token"), source)
    if found is None and callers.failures.too_many(source):
        return await login_form(request, "/", "Too many wrong tokens came from your address. Wait a minute.", 429)
    if found is None:
        callers.failures.add(source)
        await app.store.audit.add("nobody", "sign_in_failed", "", {}, source)
        return await login_form(request, wanted, "This token is not one of the server's, or it was revoked.", 401)
    caller, token_id = found
    return await begin(request, caller, token_id, wanted)


async def sign_out(request: Request) -> Response:
    """`POST /logout`."""
    app = app_of(request)
    key = session_key(request.headers.get("cookie", ""), app.settings)
    if key:
        await app.store.access.end_session(key)
    answer = RedirectResponse("/login", 303)
    _set_cookie(request, answer, "", timedelta())
    return answer


async def begin(request: Request, caller: Caller, token_id: str | None, wanted: str) -> Response:
    """Let a person in and lead them where they wanted to go."""
    app = app_of(request)
    source = request.client.host if request.client else ""
    key = await app.store.access.begin_session(
        callers_of(request).session_name(caller, token_id), str(caller.role), SESSION_LASTS, token_id
    )
    await app.store.audit.add(f"person:{caller.name}", "sign_in", "", {"role": str(caller.role)}, source)
    answer = RedirectResponse(wanted, 303)
    _set_cookie(request, answer, key, SESSION_LASTS)
    return answer


def next_of(wanted: str) -> str:
    """A place on this server, and never another: what is not a plain path of ours is the first page."""
    plain = wanted.startswith("/") and not wanted.startswith("//") and wanted.isprintable() and "\\" not in wanted
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    if not plain or parts.scheme or parts.netloc or parts.path.startswith(("/login", "/logout")):
        return "/"
    return quote(wanted, safe="/?&=%:@,;+~!*'()-._")


def _set_cookie(request: Request, answer: Response, key: str, lasts: timedelta) -> None:
    settings = app_of(request).settings
    answer.set_cookie(
        cookie_name(settings),
        key,
        max_age=int(lasts.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(settings),
    )


async def login_form(request: Request, wanted: str, problem: str = "", status: int = 200) -> Response:
    """Of the project it shows nothing: whoever asks is not known yet."""
    oidc = bool(app_of(request).settings.oidc_issuer)
    told = environment().get_template("login.html").render(wanted=wanted, problem=problem, oidc=oidc)
    return HTMLResponse(told, status_code=status, headers=HEADERS)


ROUTES: tuple[Row, ...] = (("GET", "/login", login_page), ("POST", "/login", sign_in), ("POST", "/logout", sign_out))
