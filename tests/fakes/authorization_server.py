"""An OAuth 2.0 authorization server and the service behind it, on a real socket: codes with PKCE, renewal, applications."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.fakes.raw_service import RawService, Received, raw_service, reply


@dataclass
class AuthorizationServer:
    """Strict as real ones are: each code and each refresh token works once, with the right application and verifier.

    `/authorize` lets everybody in at once; `/token` gives tokens; every other path is the service, which takes living
    access tokens only and answers `{"who": ...}`.
    """

    client_id: str = "app"
    client_secret: str = "canary-client-secret"
    lifetime: int = 3600
    only_basic: bool = False
    refuse: dict[str, str] | None = None
    """What `/token` answers with 400 instead of tokens."""
    deny: bool = False
    """Whether the person says no."""
    takes: float = 0.0
    """Seconds between what `/token` decides and its answer."""
    deny_all: bool = False
    """Whether the service answers 401 whatever token it is shown."""
    service: RawService | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: set[str] = field(default_factory=set)
    granted: list[str] = field(default_factory=list)
    """The grant types that gave tokens, in order."""

    @property
    def url(self) -> str:
        assert self.service is not None
        return self.service.url

    def revoke(self) -> None:
        """No access token is good any more."""
        self.access_tokens.clear()

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        path = urlsplit(request.target).path
        answer = {"/authorize": self._authorize, "/token": self._token}.get(path, self._serve)
        status, body, headers = answer(request)
        await asyncio.sleep(self.takes if path == "/token" else 0)
        await reply(status, json.dumps(body).encode(), content_type="application/json", **headers)(request, writer)

    def _authorize(self, request: Received) -> tuple[int, object, dict[str, str]]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        back = query["redirect_uri"]
        if self.deny:
            given = {"error": "access_denied", "error_description": "You said no.", "state": query["state"]}
            return 302, {}, {"location": f"{back}?{urlencode(given)}"}
        code = secrets.token_urlsafe(12)
        self.codes[code] = query
        return 302, {}, {"location": f"{back}?{urlencode({'code': code, 'state': query['state']})}"}

    def _token(self, request: Received) -> tuple[int, object, dict[str, str]]:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if self.refuse is not None:
            # Some services are so unkind as to repeat what they were sent.
            return 400, {**self.refuse, "error_description": f"{self.refuse.get('error')}: {request.body.decode()}"}, {}
        if not self._knows(form, request.header("authorization") or ""):
            return 401, {"error": "invalid_client"}, {}
        if not self._allows(form):
            return 400, {"error": "invalid_grant", "error_description": "That is used up."}, {}
        self.granted.append(form["grant_type"])
        access, refresh = (f"canary-{kind}-{secrets.token_urlsafe(12)}" for kind in ("access", "refresh"))
        self.access_tokens.add(access)
        self.refresh_tokens.add(refresh)
        return 200, {"access_token": access, "refresh_token": refresh, "expires_in": self.lifetime}, {}

    def _knows(self, form: dict[str, str], signature: str) -> bool:
        wanted = (self.client_id, self.client_secret)
        if signature.startswith("Basic "):
            user, _, password = base64.b64decode(signature.removeprefix("Basic ")).decode().partition(":")
            return (unquote(user), unquote(password)) == wanted
        return not self.only_basic and (form.get("client_id"), form.get("client_secret")) == wanted

    def _allows(self, form: dict[str, str]) -> bool:
        match form.get("grant_type"):
            case "authorization_code":
                asked = self.codes.pop(form.get("code", ""), None)
                digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
                challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                return asked is not None and (asked["code_challenge"], asked["redirect_uri"]) == (
                    challenge,
                    form.get("redirect_uri"),
                )
            case "refresh_token":
                known = form.get("refresh_token") in self.refresh_tokens
                self.refresh_tokens.discard(form.get("refresh_token", ""))
                return known
            case "client_credentials":
                return True
        return False

    def _serve(self, request: Received) -> tuple[int, object, dict[str, str]]:
        token = (request.header("authorization") or "").removeprefix("Bearer ")
        if self.deny_all or token not in self.access_tokens:
            return 401, {"message": f"the token {token} is not known"}, {}
        return 200, {"who": "Ann"}, {}


@asynccontextmanager
async def authorization_server(**how: object) -> AsyncIterator[AuthorizationServer]:
    """The server on a free port of the loopback."""
    server = AuthorizationServer(**how)  # type: ignore[arg-type]
    async with raw_service(server) as service:
        server.service = service
        yield server
