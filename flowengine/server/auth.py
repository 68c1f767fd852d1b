"""The gate before everything but the hooks: who calls, may they, and did they mean to.

On loopback without a token the local user is trusted, and pages of other sites are not. Anywhere else a token or a session is
asked for. Each change that got through goes on the audit record.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowengine.config import Settings
from flowengine.errors import ConfigurationError, FlowEngineError
from flowengine.server.access import CHANGING, Caller, Rule, methods_at, rule_of
from flowengine.server.callers import Callers, Refused
from flowengine.server.ingress import answer
from flowengine.server.origin import change_refused, foreign, is_loopback, is_ours, own_names
from flowengine.store.audit import Audit

log = logging.getLogger(__name__)

UNRECORDED: Final = frozenset(
    {
        "/login",
        "/api/v1/check",
        "/api/v1/eval",
        "/api/v1/complete",
        "/api/v1/help",
        "/api/v1/flows/{flow}/compare",
        "/api/v1/flows/{flow}/try",
        "/api/v1/connections/{connection}/sign-in/address",
        "/api/v1/connectors/{connector}/operations/{operation}/choices",
    }
)
"""What is sent by POST and changes nothing; signing in goes on record by itself, failed or not."""

Refusal = tuple[int, str]


def check_reach(settings: Settings, *, tokens: bool = False) -> None:
    """Refuse to serve other machines without a token. Raises `ConfigurationError`."""
    if not (settings.token or tokens or settings.oidc_issuer) and not is_loopback(settings.host):
        raise ConfigurationError(
            f"serving at {settings.host} lets other machines in, and there is no token: make one with "
            "flowengine tokens add NAME --role admin, or set FLOWENGINE_TOKEN to a long random text, or serve at 127.0.0.1"
        )


class Gate:
    """Stands before everything but the hooks."""

    def __init__(self, inner: ASGIApp, callers: Callers, rules: Sequence[Rule], audit: Audit) -> None:
        self.inner = inner
        self.callers = callers
        self.rules = rules
        self.audit = audit
        self.names = own_names(callers.settings)
        self.reaches_out = not is_loopback(callers.settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        rule = rule_of(self.rules, scope["method"], scope["path"])
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope.get("query_string", b""):
            await _refuse(send, (400, "an address cannot hold the character NUL"))
        elif rule is not None and rule.needed is None:
            await self._public(scope, receive, send, headers)
        else:
            await self._closed(scope, receive, send, headers, rule)

    async def _public(self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str]) -> None:
        if scope["path"].startswith("/login") and not self._is_ours(headers):
            await _refuse(send, (403, "the Host header names another server"))
            return
        await self.inner(scope, receive, send)

    async def _closed(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], rule: Rule | None
    ) -> None:
        client = scope["client"][0] if scope.get("client") else ""
        by_token = "authorization" in headers
        if not by_token and not self._is_ours(headers):
            await _refuse(
                send, (403, "the Host header names another server; FLOWENGINE_PUBLIC_URL makes its name known")
            )
            return
        caller = await self.callers.find(headers, client)
        refusal = _refusal(scope["method"], headers, caller, rule)
        if caller is None and _is_page(scope, headers):
            await _to_login(scope, send)
        elif isinstance(caller, Caller) and rule is None and (known := methods_at(self.rules, scope["path"])):
            told = f"there is nothing to {scope['method']} here; it takes {', '.join(known)}"
            await _refuse(send, (405, told), (b"allow", ", ".join(known).encode()))
        elif refusal or not isinstance(caller, Caller):
            await _refuse(send, refusal or (401, "signing in is needed"))
        else:
            scope["flowengine.caller"] = caller
            await self._recorded(scope, receive, send, caller, rule, client)

    def _is_ours(self, headers: Mapping[str, str]) -> bool:
        return is_ours(headers.get("host", ""), self.names, addresses=self.reaches_out)

    async def _recorded(
        self, scope: Scope, receive: Receive, send: Send, caller: Caller, rule: Rule | None, client: str
    ) -> None:
        """Pass on; a change that was not refused is on record before its answer leaves."""
        if rule is None or scope["method"] not in CHANGING or rule.path in UNRECORDED:
            await self.inner(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                await self._note(scope, caller, rule, client)
            await send(message)

        await self.inner(scope, receive, noting)

    async def _note(self, scope: Scope, caller: Caller, rule: Rule, client: str) -> None:
        endpoint = scope.get("endpoint")
        action = getattr(endpoint, "__name__", rule.path)
        given = [str(value) for value in scope.get("path_params", {}).values()]
        detail = {"request": f"{scope['method']} {scope['path']}", **scope.get("flowengine.audit", {})}
        target = str(detail.pop("target", "")) or "/".join(given)
        try:
            await self.audit.add(str(caller), action, target, detail, client)
        except FlowEngineError:
            log.exception("the audit record could not be written: %s %s", caller, action)


def _refusal(
    method: str, headers: Mapping[str, str], caller: Caller | Refused | None, rule: Rule | None
) -> Refusal | None:
    match caller:
        case None:
            return 401, "this needs the header: Authorization: Bearer, with a token of the server's"
        case Refused():
            return caller.status, caller.message
    if "authorization" not in headers:
        if foreign(headers):
            return 403, "this came from another site's page"
        if method in CHANGING and (refused := change_refused(headers)):
            return refused
    if rule is not None and rule.needed is not None and not caller.role.may(rule.needed):
        return 403, f"{caller.name} is {caller.role}; this needs {rule.needed}"
    return None


def _is_page(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a person's browser asks for a page."""
    return (
        scope["method"] == "GET" and not scope["path"].startswith("/api/") and "text/html" in headers.get("accept", "")
    )


async def _to_login(scope: Scope, send: Send) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    place = f"/login?next={quote(wanted, safe='')}" if wanted != "/" else "/login"
    headers = [(b"location", place.encode("latin-1")), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, refusal: Refusal, *headers: tuple[bytes, bytes]) -> None:
    status, message = refusal
    extra = {401: ((b"www-authenticate", b"Bearer"),), 429: ((b"retry-after", b"60"),)}.get(status, ())
    await answer(send, status, {"v": 1, "error": {"code": "refused", "message": message}}, *extra, *headers)
