"""Who may call what: everything is closed but an exact list of public routes.

On loopback without a token the local user is trusted, and pages of other sites are not: the Host must be one of ours (DNS
rebinding) and a change must be a same-origin JSON request. Anywhere else, and wherever a token is set, the token is asked for.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.config import Settings
from flowengine.errors import ConfigurationError
from flowengine.server.ingress import answer

PUBLIC: Final = (
    ("GET", re.compile(r"/healthz")),
    ("GET", re.compile(r"/readyz")),
    ("POST", re.compile(r"/hooks/[^/]+/[^/]+")),
    ("POST", re.compile(r"/callbacks/[^/]+/[^/]+")),
    ("GET", re.compile(r"/approvals/[^/]+/[^/]+")),
    ("POST", re.compile(r"/approvals/[^/]+/[^/]+")),
)
"""Method and path of what needs no token: deliveries and one-time links carry their own key."""

FORM: Final = "application/x-www-form-urlencoded"
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_public(method: str, path: str) -> bool:
    """Whether this needs no token."""
    method = "GET" if method == "HEAD" else method
    return any(allowed == method and pattern.fullmatch(path) for allowed, pattern in PUBLIC)


def check_reach(settings: Settings) -> None:
    """Refuse to serve other machines without a token. Raises `ConfigurationError`."""
    if not settings.token and not is_loopback(settings.host):
        raise ConfigurationError(
            f"serving at {settings.host} lets other machines in, and no token is set: "
            "set FLOWENGINE_TOKEN to a long random text, or serve at 127.0.0.1"
        )


class Gate:
    """Stands before everything but the hooks."""

    def __init__(self, inner: ASGIApp, settings: Settings) -> None:
        self.inner = inner
        self.token = settings.token
        public = urlsplit(settings.public_url).hostname
        self.hosts = LOCAL_NAMES | {settings.host.strip("[]").lower()} | ({public} if public else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.inner(scope, receive, send)
            return
        status, message = refusal
        extra = ((b"www-authenticate", b"Bearer"),) if status == 401 else ()
        await answer(send, status, {"v": 1, "error": {"code": "refused", "message": message}}, *extra)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        if is_public(scope["method"], scope["path"]):
            return None
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self.token:
            return self._without_token(headers)
        return self._from_elsewhere(scope["method"], headers)

    def _without_token(self, headers: dict[bytes, str]) -> tuple[int, str] | None:
        scheme, _, given = headers.get(b"authorization", "").partition(" ")
        held = hmac.compare_digest(given.strip().encode(), self.token.encode())
        if scheme.lower() == "bearer" and held:
            return None
        return 401, "this needs the header: Authorization: Bearer, with the server's token"

    def _from_elsewhere(self, method: str, headers: dict[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if _name(host) not in self.hosts:
            return 403, "the Host header names another server"
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "this came from another site's page"
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if method in CHANGING and kind != "application/json" and not _from_our_page(headers, kind):
            return 415, "a change must be sent as Content-Type: application/json"
        return None


def _from_our_page(headers: dict[bytes, str], kind: str) -> bool:
    """Whether this is a form of one of our pages: browsers say where a form was sent from, and pages cannot change that."""
    same_site = b"origin" in headers or headers.get(b"sec-fetch-site") == "same-origin"
    return kind == FORM and same_site


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
