"""OAuth 2.0 as connector definitions describe it. Pure: addresses and requests, no calls.

Three kinds of definition: `oauth2` names three URLs, `aad` (Entra) names where to sign in and for which resource, and
`oauth2generic` gives templates for URLs and bodies. PKCE (RFC 7636) is always used for authorization codes; services that do
not know it ignore it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

import orjson

from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Request
from flowengine.errors import Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.manifests.properties import OAuth
from flowengine.types import Json, JsonObject

_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ENTRA = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a sign-in gave."""

    access_token: str
    refresh_token: str | None = None
    expires_at: datetime | None = None

    def fresh(self, now: datetime) -> bool:
        """Whether it will still hold for a call that begins now."""
        return self.expires_at is None or now + timedelta(seconds=60) < self.expires_at

    def to_json(self) -> JsonObject:
        """For the encrypted store only."""
        until = self.expires_at.isoformat() if self.expires_at else None
        return {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_at": until}

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Tokens:
        until = stored.get("expires_at")
        return cls(
            stored["access_token"], stored.get("refresh_token"), datetime.fromisoformat(until) if until else None
        )


@dataclass(frozen=True, slots=True, repr=False)
class SignIn:
    """How one connection signs in: the definition's settings and the connection's own application."""

    oauth: OAuth
    connection: Connection
    custom: Mapping[str, str] = field(default_factory=dict)
    """The definition's `customParameters`, their names in lower case; the connection's parameters of that name win."""

    @property
    def client_id(self) -> str:
        return _first(self.connection, "client_id", "clientId") or self.oauth.client_id

    @property
    def client_secret(self) -> str:
        return _first(self.connection, "client_secret", "clientSecret") or ""

    @property
    def scopes(self) -> str:
        return (self.custom.get("scopelistdelimiter") or " ").join(self.oauth.scopes)

    def endpoint(self, kind: str) -> str:
        """`authorization`, `token` or `refresh`: where the service does that. Raises `Unauthorized` when nobody says."""
        found = self.custom.get(f"{kind}url") or self.custom.get(f"{kind}urltemplate")
        if not found and kind == "refresh":
            return self.endpoint("token")
        if not found and self.oauth.provider == "aad":
            word = "authorize" if kind == "authorization" else "token"
            login = (self.custom.get("loginuri") or _ENTRA).rstrip("/")
            return f"{login}/{self.custom.get('tenantid') or 'common'}/oauth2/{word}"
        if not found:
            raise Unauthorized(f'the connection "{self.connection.name}" cannot sign in: no {kind} URL is known')
        return found


def sign_in_of(connector: Connector, connection: Connection) -> SignIn | None:
    """The connection's way to sign in by OAuth; None when its connector has none."""
    oauth = next((parameter.oauth for parameter in connector.connection.parameters if parameter.oauth), None)
    if oauth is None:
        return None
    custom = {name.lower(): value for name, value in oauth.custom.items()}
    given = {name: value for name in custom if (value := connection.parameter(name)) is not None}
    return SignIn(oauth, connection, {**custom, **given})


def new_verifier() -> str:
    """A fresh PKCE verifier; also good as a `state`."""
    return secrets.token_urlsafe(48)


def authorization_url(sign_in: SignIn, *, redirect_url: str, state: str, verifier: str) -> str:
    """Where the person signs in."""
    values = _values(sign_in, redirect_url=redirect_url, state=state)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    template = sign_in.custom.get("authorizationurlquerystringtemplate")
    url = _filled(sign_in.endpoint("authorization"), values)
    if template:
        return _with(url, _filled(template.lstrip("?"), values))
    query = {
        "response_type": "code",
        "client_id": sign_in.client_id,
        "redirect_uri": redirect_url,
        "state": state,
        "scope": sign_in.scopes,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **_resource(sign_in),
    }
    return _with(url, urlencode({name: value for name, value in query.items() if value}))


def code_request(sign_in: SignIn, *, code: str, redirect_url: str, verifier: str) -> Request:
    """Redeems the code that the sign-in's redirect brought."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_url, "code_verifier": verifier}
    return _token_request(sign_in, "token", form, _values(sign_in, redirect_url=redirect_url, code=code))


def refresh_request(sign_in: SignIn, refresh_token: str) -> Request:
    """Asks for a new access token."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _token_request(sign_in, "refresh", form, _values(sign_in, refresh_token=refresh_token))


def client_credentials_request(sign_in: SignIn) -> Request:
    """Asks for a token of the application itself."""
    form = {"grant_type": "client_credentials", "scope": sign_in.scopes}
    return _token_request(sign_in, "token", form, {})


def read_tokens(body: bytes, now: datetime, *, before: str | None = None) -> Tokens:
    """A token endpoint's answer: JSON, or a form as some send. `before` is the refresh token that stays when none comes.

    Raises `Unauthorized` without repeating the answer.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = dict(parse_qsl(body.decode("utf-8", errors="replace")))
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise Unauthorized("the service's answer to the sign-in holds no access token")
    try:
        seconds = float(answer.get("expires_in"))
    except (TypeError, ValueError):
        return Tokens(token, answer.get("refresh_token") or before)
    return Tokens(token, answer.get("refresh_token") or before, now + timedelta(seconds=min(seconds, 10**9)))


def _token_request(sign_in: SignIn, kind: str, form: Mapping[str, str], values: Mapping[str, str]) -> Request:
    url = _filled(sign_in.endpoint(kind), values)
    query = sign_in.custom.get(f"{kind}urlquerystringtemplate")
    if query:
        url = _with(url, _filled(query.lstrip("?"), values))
    template = sign_in.custom.get(f"{kind}bodytemplate")
    if template and values:
        return Request("POST", url, _FORM, _filled(template, values).encode("utf-8"))
    own = {"client_id": sign_in.client_id, "client_secret": sign_in.client_secret, **_resource(sign_in)}
    body = {name: value for name, value in {**form, **own}.items() if value}
    return Request("POST", url, _FORM, urlencode(body).encode("ascii"))


def _resource(sign_in: SignIn) -> dict[str, str]:
    """Entra's first version names the service that the token is for."""
    resource = sign_in.custom.get("resourceuri")
    return {"resource": resource} if resource and sign_in.oauth.provider == "aad" else {}


def _values(
    sign_in: SignIn, *, redirect_url: str = "", state: str = "", code: str = "", refresh_token: str = ""
) -> dict[str, str]:
    return {
        "clientid": sign_in.client_id,
        "clientsecret": sign_in.client_secret,
        "scopes": sign_in.scopes,
        "redirecturl": redirect_url,
        "state": state,
        "code": code,
        "refreshtoken": refresh_token,
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    """`{ClientId}` and its like, in any case, encoded; other braces stay."""
    return _PLACEHOLDER.sub(
        lambda found: quote(values[found[1].lower()], safe="") if found[1].lower() in values else found[0], template
    )


def _with(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _first(connection: Connection, *names: str) -> str | None:
    return next((value for name in names if (value := connection.parameter(name))), None)
