"""OpenID Connect: letting people of an organisation sign in. Needs the extra `oidc`.

The authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, section 3.1). The id token's signature is checked
against the keys that the provider publishes; its issuer, audience, times and nonce against what was asked for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

import orjson

from flowengine.connectors.draft import Answer
from flowengine.errors import ConfigurationError, FlowEngineError, Unauthorized
from flowengine.types import Clock, Json, JsonObject

Exchange = Callable[[str, str, tuple[tuple[str, str], ...], bytes | None], Awaitable[Answer]]
"""Sends one request: method, URL, headers, body."""

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that only the provider can make; `none` and those by a shared secret are not among them."""
LEEWAY: Final = 60
"""Seconds by which the clocks of two machines may differ."""
_JSON: Final = (("Accept", "application/json"),)


class NotLetIn(Unauthorized):
    """The provider did not vouch for this person."""


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """A sign-in that a person has begun."""

    state: str
    nonce: str
    verifier: str


def begun() -> Pending:
    """A fresh one."""
    return Pending(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


class Provider:
    """One OpenID provider, found by its issuer's address."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, exchange: Exchange, clock: Clock) -> None:
        if not client_id:
            raise ConfigurationError("signing in with an organisation needs the setting oidc_client_id")
        self.issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._exchange = exchange
        self._clock = clock
        self._about: JsonObject | None = None

    async def address(self, pending: Pending, redirect_url: str) -> str:
        """Where the person signs in. Raises `NotLetIn` when the provider cannot be understood."""
        digest = hashlib.sha256(pending.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_url,
            "scope": "openid profile email",
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        place = str((await self._described())["authorization_endpoint"])
        return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"

    async def claims(self, code: str, pending: Pending, redirect_url: str) -> Mapping[str, Json]:
        """Who signed in, as the provider's signed token says. Raises `NotLetIn`."""
        about = await self._described()
        token = await self._id_token(str(about["token_endpoint"]), code, pending, redirect_url)
        keys = await self._document("GET", str(about["jwks_uri"]))
        return self._checked(token, keys, pending)

    async def _described(self) -> JsonObject:
        if self._about is None:
            about = await self._document("GET", f"{self.issuer}/.well-known/openid-configuration")
            needed = {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"}
            if str(about.get("issuer", "")).rstrip("/") != self.issuer or needed - about.keys():
                raise NotLetIn(f"{self.issuer} does not describe itself as an OpenID provider of that address")
            self._about = about
        return self._about

    async def _id_token(self, place: str, code: str, pending: Pending, redirect_url: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "code_verifier": pending.verifier,
            "client_id": self._client_id,
        }
        headers: tuple[tuple[str, str], ...] = (*_JSON, ("Content-Type", "application/x-www-form-urlencoded"))
        if self._client_secret:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
            headers = (*headers, ("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
        answer = await self._document("POST", place, headers, urlencode(form).encode())
        if not isinstance(answer.get("id_token"), str):
            raise NotLetIn("the provider answered without an id token")
        return str(answer["id_token"])

    async def _document(
        self, method: str, place: str, headers: tuple[tuple[str, str], ...] = _JSON, body: bytes | None = None
    ) -> JsonObject:
        try:
            answer = await self._exchange(method, place, headers, body)
            found = orjson.loads(answer.body)
        except (FlowEngineError, ValueError):
            raise NotLetIn(f"the provider at {self.issuer} could not be asked") from None
        if answer.status != 200 or not isinstance(found, dict):
            raise NotLetIn(f"the provider at {self.issuer} refused ({answer.status})")
        return found

    def _checked(self, token: str, keys: JsonObject, pending: Pending) -> Mapping[str, Json]:
        try:
            from joserfc import jwt
            from joserfc.errors import JoseError
            from joserfc.jwk import KeySet
        except ImportError:
            raise ConfigurationError(
                "signing in with an organisation needs one more package: pip install 'flowengine[oidc]'"
            ) from None
        try:
            claims = dict(jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError):
            raise NotLetIn("the provider's token is not signed as it should be") from None
        self._judge(claims, pending)
        return claims

    def _judge(self, claims: Mapping[str, Json], pending: Pending) -> None:
        now = self._clock.now().timestamp()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, issued = claims.get("exp"), claims.get("iat")
        held = (
            str(claims.get("iss", "")).rstrip("/") == self.issuer
            and self._client_id in audiences
            and (len(audiences) == 1 or claims.get("azp") == self._client_id)
            and isinstance(expires, (int, float))
            and expires + LEEWAY > now
            and isinstance(issued, (int, float))
            and issued - LEEWAY < now
            and hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode())
        )
        if not held:
            raise NotLetIn("the provider's token is for somebody else, for another server, or too old")
