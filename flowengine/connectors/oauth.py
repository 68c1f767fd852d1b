"""OAuth 2.0's requests and answers. Pure: addresses and requests, no calls.

PKCE (RFC 7636) is always used for authorization codes, and services that do not know it ignore it. A definition that gives
templates (`oauth2generic`) is taken at its word: what they say is what is sent.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

import orjson

from flowengine.connectors.draft import Request
from flowengine.connectors.sign_in import SignIn, filled
from flowengine.errors import Unauthorized
from flowengine.types import Json, JsonObject

_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))


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


def new_verifier() -> str:
    """A fresh PKCE verifier; also good as a `state`."""
    return secrets.token_urlsafe(48)


def authorization_url(sign_in: SignIn, *, redirect_url: str, state: str, verifier: str) -> str:
    """Where the person signs in."""
    values = _values(sign_in, redirecturl=redirect_url, state=state)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    template = sign_in.custom.get("authorizationurlquerystringtemplate")
    url = sign_in.endpoint("authorization")
    if template:
        return _with(url, filled(template, values))
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
    return _token_request(sign_in, "token", form, _values(sign_in, redirecturl=redirect_url, code=code))


def refresh_request(sign_in: SignIn, refresh_token: str) -> Request:
    """Asks for a new access token."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _token_request(sign_in, "refresh", form, _values(sign_in, refreshtoken=refresh_token, code=""))


def client_credentials_request(sign_in: SignIn) -> Request:
    """Asks for a token of the application itself. Templates are made for people's codes: they are left out here."""
    form = {"grant_type": "client_credentials", "scope": sign_in.scopes}
    return _plain_request(sign_in, sign_in.endpoint("token"), form)


def in_header(sign_in: SignIn, request: Request) -> Request | None:
    """The request with the application's id and secret as Basic sends them (RFC 6749, 2.3.1); None without a secret."""
    if not sign_in.client_secret:
        return None
    own = ("client_id", "client_secret")
    body = [pair for pair in parse_qsl((request.body or b"").decode(), keep_blank_values=True) if pair[0] not in own]
    pair = f"{quote(sign_in.client_id, safe='')}:{quote(sign_in.client_secret, safe='')}"
    signature = ("Authorization", "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii"))
    return replace(request, headers=(*request.headers, signature), body=urlencode(body).encode("ascii"))


def refuses_the_application(status: int, body: bytes) -> bool:
    """Whether a token endpoint did not know the application: it may want to be shown its secret in another way."""
    return status == 401 or (status == 400 and b"invalid_client" in body)


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
    renewal = answer.get("refresh_token")
    renewal = renewal if isinstance(renewal, str) and renewal else before
    try:
        seconds = float(answer.get("expires_in"))
    except (TypeError, ValueError):
        return Tokens(token, renewal)
    return Tokens(token, renewal, now + timedelta(seconds=max(0.0, min(seconds, 10.0**9))))


def _token_request(sign_in: SignIn, kind: str, form: Mapping[str, str], values: Mapping[str, str]) -> Request:
    url = sign_in.endpoint(kind)
    query = sign_in.custom.get(f"{kind}urlquerystringtemplate")
    if query:
        url = _with(url, filled(query, values))
    template = sign_in.custom.get(f"{kind}bodytemplate")
    if template:
        return Request("POST", url, _FORM, filled(template, values).encode("utf-8"))
    return _plain_request(sign_in, url, form)


def _plain_request(sign_in: SignIn, url: str, form: Mapping[str, str]) -> Request:
    own = {"client_id": sign_in.client_id, "client_secret": sign_in.client_secret, **_resource(sign_in)}
    body = {name: value for name, value in {**form, **own}.items() if value}
    return Request("POST", url, _FORM, urlencode(body).encode("ascii"))


def _resource(sign_in: SignIn) -> dict[str, str]:
    """Entra's first version names the service that the token is for."""
    resource = sign_in.custom.get("resourceuri") or str(
        sign_in.oauth.properties.get("AzureActiveDirectoryResourceId") or ""
    )
    return {"resource": resource} if resource and sign_in.oauth.provider.startswith("aad") else {}


def _values(sign_in: SignIn, **more: str) -> dict[str, str]:
    """What templates may name: the standard words, and every custom parameter."""
    return {
        **sign_in.custom,
        "clientid": sign_in.client_id,
        "clientsecret": sign_in.client_secret,
        "scopes": sign_in.scopes,
        **more,
    }


def _with(url: str, query: str) -> str:
    """A URL and a query; templates bring their own question mark, and some a further part of the path."""
    if query.startswith("/"):
        return url.rstrip("/") + query
    return f"{url}{'&' if '?' in url else '?'}{query.lstrip('?&')}" if query.lstrip("?&") else url
