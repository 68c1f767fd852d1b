"""How one connection signs in by OAuth: what the definition says, filled with what the connection says.

Definitions say it in three places: `oAuthSettings` with its `customParameters`, connection parameters called `token:name`
(which override the custom parameter of that name), and the OAuth entry of `securityDefinitions`. The last one counts only where
nothing else says an address: there it is often a place-holder, since Microsoft's gateway does not read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from flowengine.connectors.connection import Connection
from flowengine.errors import Unauthorized
from flowengine.manifests.definition import Connector, SecurityScheme
from flowengine.manifests.properties import ConnectionParameter, OAuth

_ENTRA: Final = "https://login.microsoftonline.com"
_MICROSOFT_ONLY: Final = "consent.azure-apim.net"
"""The page of Microsoft's gateway: some definitions name it where tokens should be renewed, and it does not do that."""
_MICROSOFT_REDIRECT = re.compile(
    r"https(?:://|%3A%2F%2F)[\w.-]*consent\.azure-apim\.net(?:/|%2F)redirect(?:/[\w-]+)?", re.IGNORECASE
)
_FROM_SCHEME: Final = "securitydefinitions "
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NOT_FILLED_IN = re.compile(r"[<>\[\]{}@\s]|dummy|please|your", re.IGNORECASE)
_CLIENT_WORDS: Final = frozenset({"clientcredentials", "clientcredential", "application"})
_PROVIDERS: Final[Mapping[str, tuple[str, str]]] = {
    # Where well-known providers ask people and give tokens; definitions name only the provider.
    "facebook": ("https://www.facebook.com/dialog/oauth", "https://graph.facebook.com/oauth/access_token"),
    "google": ("https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token"),
    "github": ("https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token"),
    "salesforce": (
        "https://login.salesforce.com/services/oauth2/authorize",
        "https://login.salesforce.com/services/oauth2/token",
    ),
    "box": ("https://account.box.com/api/oauth2/authorize", "https://api.box.com/oauth2/token"),
    "dropbox": ("https://www.dropbox.com/oauth2/authorize", "https://api.dropboxapi.com/oauth2/token"),
    "linkedin": ("https://www.linkedin.com/oauth/v2/authorization", "https://www.linkedin.com/oauth/v2/accessToken"),
}


@dataclass(frozen=True, slots=True, repr=False)
class SignIn:
    """How one connection signs in: the definition's settings and the connection's own application."""

    oauth: OAuth
    connection: Connection
    custom: Mapping[str, str] = field(default_factory=dict)
    """What the definition and the connection say, by name in lower case."""

    @property
    def client_id(self) -> str:
        """The application's id. The definition's own counts unless it is a hint to put one there."""
        own = self.custom.get("clientid") or _first(self.connection, "client_id", "clientId")
        declared = self.oauth.client_id
        return own or ("" if _NOT_FILLED_IN.search(declared) else declared)

    @property
    def client_secret(self) -> str:
        return self.custom.get("clientsecret") or _first(self.connection, "client_secret", "clientSecret") or ""

    @property
    def scopes(self) -> str:
        own = _first(self.connection, "scopes", "scope")
        declared = (
            _PLACEHOLDER.sub(lambda found: self.custom.get(found[1].lower(), ""), one) for one in self.oauth.scopes
        )
        return own or (self.custom.get("scopelistdelimiter") or " ").join(one for one in declared if one)

    @property
    def by_itself(self) -> bool:
        """Whether the application signs in without a person (client credentials): when the connection or the definition
        says so, or when no address is known that a person could be sent to.
        """
        said = self.custom.get("granttype") or _first(self.connection, "grant_type") or ""
        if said:
            return re.sub(r"\W|_", "", said).lower() in _CLIENT_WORDS
        return self._address("authorization") is None

    @property
    def in_header(self) -> bool | None:
        """Whether the application shows its secret as Basic does; None: not said, so both ways are tried."""
        said = _first(self.connection, "client_authentication") or self.custom.get("clientauthentication")
        return None if not said else said.lower() in ("header", "basic")

    def endpoint(self, kind: str) -> str:
        """`authorization`, `token` or `refresh`: where the service does that. Raises `Unauthorized` when nobody says."""
        found = self._address(kind)
        if found is None:
            told = "token" if kind == "refresh" else kind
            raise Unauthorized(f'the connection "{self.connection.name}" cannot sign in: no {told} URL is known')
        lacking = [name for name in _PLACEHOLDER.findall(found) if not self.custom.get(name.lower())]
        if lacking:
            raise Unauthorized(
                f'the connection "{self.connection.name}" cannot sign in: it lacks the parameter "{lacking[0]}"'
            )
        return filled(found, self.custom, safe=":/")

    def _address(self, kind: str) -> str | None:
        found = self.custom.get(f"{kind}url") or self.custom.get(f"{kind}urltemplate")
        if kind == "refresh" and (not found or _MICROSOFT_ONLY in found):
            return self._address("token")
        if not found and self.oauth.provider.startswith("aad"):
            word = "authorize" if kind == "authorization" else "token"
            login = (self.custom.get("loginuri") or _ENTRA).rstrip("/")
            return f"{login}/{self.custom.get('tenantid') or 'common'}/oauth2/{word}"
        if not found and self.oauth.provider in _PROVIDERS:
            return _PROVIDERS[self.oauth.provider][0 if kind == "authorization" else 1]
        return found or self.custom.get(_FROM_SCHEME + ("authorization" if kind == "authorization" else "token"))


def sign_in_of(connector: Connector, connection: Connection) -> SignIn | None:
    """The connection's way to sign in by OAuth; None when it has none.

    Where the definition offers several ways to sign in, it is the one that the connection chose or fits.
    """
    way = connector.connection.way(connection.parameters, connection.authentication)
    parameter = next((one for one in way if one.oauth), None)
    scheme = next((one for one in connector.security_schemes.values() if one.type.lower() == "oauth2"), None)
    if parameter is None or parameter.oauth is None:
        # Without connection parameters (a missing apiProperties) the definition's own entry has to do.
        return None if connector.connection.parameters or scheme is None else _plain(scheme, connection)
    custom = {**_addresses(scheme), **_texts(parameter.oauth.custom)}
    return SignIn(parameter.oauth, connection, {**custom, **_said(way, parameter.name, connection, custom)})


def filled(template: str, values: Mapping[str, str], *, safe: str = "") -> str:
    """`{ClientId}` and its like, in any case, encoded; other braces stay.

    Where a template names the page of Microsoft's gateway as the place to come back to, it is ours instead.
    """

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1].lower())
        return found[0] if value is None else quote(value, safe=safe)

    return _PLACEHOLDER.sub(value_of, _MICROSOFT_REDIRECT.sub("{RedirectUrl}", template))


def _plain(scheme: SecurityScheme, connection: Connection) -> SignIn:
    oauth = OAuth("oauth2", scopes=tuple(scheme.scopes))
    custom = _addresses(scheme)
    return SignIn(oauth, connection, {**custom, **_said((), "token", connection, custom)})


def _addresses(scheme: SecurityScheme | None) -> dict[str, str]:
    if scheme is None:
        return {}
    return _texts({f"{_FROM_SCHEME}authorization": scheme.authorization_url, f"{_FROM_SCHEME}token": scheme.token_url})


def _said(
    way: tuple[ConnectionParameter, ...], name: str, connection: Connection, known: Mapping[str, str]
) -> dict[str, str]:
    """The values of `token:name` parameters: the connection's, else their default or only choice."""
    prefix = f"{name}:".lower()
    declared = {one.name.lower(): one for one in way if one.name.lower().startswith(prefix)}
    names = {*declared, *(f"{prefix}{key}" for key in known)}
    names |= {key.lower() for key in connection.parameters if key.lower().startswith(prefix)}
    return _texts({key.removeprefix(prefix): connection.parameter(key) or _default(declared.get(key)) for key in names})


def _default(parameter: ConnectionParameter | None) -> str:
    if parameter is None:
        return ""
    if parameter.default is not None:
        return str(parameter.default)
    return str(parameter.allowed[0]) if parameter.required and len(parameter.allowed) == 1 else ""


def _texts(values: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in values.items() if value}


def _first(connection: Connection, *names: str) -> str | None:
    return next((value for name in names if (value := connection.parameter(name))), None)
