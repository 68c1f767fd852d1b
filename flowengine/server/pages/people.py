"""Who may come in and who changed what: tokens and the audit record, for administrators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from flowengine.errors import Conflict
from flowengine.server.access import Role, caller_of
from flowengine.server.context import app_of
from flowengine.server.pages.forms import Form, form_of
from flowengine.server.pages.period import PERIODS
from flowengine.server.pages.render import page, with_query
from flowengine.server.pages.routing import Row, see
from flowengine.server.pages.shown import quoted
from flowengine.store.access import TokenRecord
from flowengine.store.audit import AuditRecord

PAGE: Final = 50
_ID: Final = re.compile(r"[0-9a-z]{26}")
LASTS: Final = {
    "": "until it is revoked",
    "1": "one day",
    "7": "7 days",
    "30": "30 days",
    "90": "90 days",
    "365": "a year",
}
"""Days that a token holds, as the form offers them."""
NAME_AT_MOST: Final = 100


async def show_audit(request: Request) -> Response:
    """`GET /audit`: a page of changes, newest first."""
    app, query = app_of(request), request.query_params
    period = PERIODS.get(query.get("since", ""))
    found = await app.store.audit.list(
        actor=query.get("actor") or None,
        action=query.get("action") or None,
        target=query.get("target") or None,
        since=app.clock.now() - period if period else None,
        limit=PAGE + 1,
        before=query.get("before") or None,
    )
    changes = found[:PAGE]
    actors, actions = await app.store.audit.words()
    return await page(
        request,
        "audit.html",
        changes=[(one, _page_of(one), _further(one)) for one in changes],
        actors=actors,
        actions=actions,
        actor=query.get("actor") or "",
        action=query.get("action") or "",
        target=query.get("target") or "",
        since=query.get("since") or "",
        older=with_query(request, before=changes[-1].id) if len(found) > PAGE else None,
        newest=with_query(request, before=None) if query.get("before") else None,
        command=_command(query),
    )


def _page_of(change: AuditRecord) -> str:
    """The page that shows what was changed; empty where there is none."""
    target = quote(change.target, safe="")
    if _ID.fullmatch(change.target) and "run" in change.action:
        return f"/runs/{target}"
    kinds = {"flow": f"/flows/{target}", "submit_run": f"/flows/{target}", "token": "/tokens", "secret": "/secrets"}
    return next((address for kind, address in kinds.items() if kind in change.action and target), "")


def _further(change: AuditRecord) -> list[tuple[str, Any]]:
    """What else is on record, without what the row says already."""
    return [(name, value) for name, value in change.detail.items() if value not in (None, "", change.target)]


def _command(query: Mapping[str, str]) -> str:
    named = [f"--{name} {quoted(query[name])}" for name in ("actor", "action", "target") if query.get(name)]
    since = [f"--since {query['since']}"] if query.get("since") in PERIODS else []
    return " ".join(["flowengine audit list", *named, *since])


async def show_tokens(request: Request) -> Response:
    """`GET /tokens`."""
    return await _tokens(request)


async def _tokens(request: Request, status: int = 200, **told: Any) -> Response:
    """The page of tokens; with `made` and its `text` right after one was made, and never again."""
    app = app_of(request)
    now = app.clock.now()
    tokens = await app.store.access.tokens()
    given: dict[str, Any] = {
        "made": None,
        "text": "",
        "problem": "",
        "name": "",
        "role": Role.VIEWER,
        "lasts": "",
        **told,
    }
    return await page(
        request,
        "tokens.html",
        status=status,
        tokens=[one for one in tokens if one.holds(now)],
        ended=[one for one in tokens if not one.holds(now)][:PAGE],
        roles=tuple(Role),
        lasting=LASTS,
        mine=_mine(request, tokens),
        servers_own=bool(app.settings.token),
        command="flowengine tokens list",
        **given,
    )


def _mine(request: Request, tokens: list[TokenRecord]) -> str:
    """The id of the token that the reader came in with."""
    caller = caller_of(request)
    mine = [one.id for one in tokens if caller and caller.kind != "local" and one.name == caller.name]
    return mine[0] if mine else ""


async def add_token(request: Request) -> Response:
    """`POST /tokens`: the page with the token's text, which is in this answer only."""
    app, form = app_of(request), await form_of(request)
    name, role, lasts = form.one("name"), form.one("role"), form.one("lasts")
    request.scope["flowengine.audit"] = {"target": name, "role": role}
    if problem := _problem(form):
        return await _tokens(request, 422, problem=problem, name=name, role=role, lasts=lasts)
    expires = app.clock.now() + timedelta(days=int(lasts)) if lasts else None
    try:
        made, text = await app.store.access.add_token(name, role, expires)
    except Conflict as error:
        return await _tokens(request, 409, problem=error.message, name=name, role=role, lasts=lasts)
    return await _tokens(request, 201, made=made, text=text)


def _problem(form: Form) -> str:
    """What is wrong with the form, if anything is."""
    name = form.one("name")
    if not name or len(name) > NAME_AT_MOST or not name.isprintable():
        return f"The name must be 1 to {NAME_AT_MOST} printable characters: whose or what it is, such as ann or ci."
    if form.one("role") not in tuple(Role):
        return f"The role must be one of: {', '.join(Role)}."
    return "" if form.one("lasts") in LASTS else "Choose how long it holds."


async def revoke_token(request: Request) -> Response:
    """`POST /tokens/{token}/revoke`: it lets nobody in from now on, nor do sessions that began with it."""
    found = await app_of(request).store.access.revoke(request.path_params["token"])
    request.scope["flowengine.audit"] = {"target": found.name}
    return see("/tokens", "revoked")


ROUTES: Final[tuple[Row, ...]] = (
    ("GET", "/audit", show_audit),
    ("GET", "/tokens", show_tokens),
    ("POST", "/tokens", add_token),
    ("POST", "/tokens/{token}/revoke", revoke_token),
)
