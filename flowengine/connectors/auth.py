"""Signing in: what a connection adds to a request. Pure: it never calls anyone.

The definitions never say which connection parameter feeds which security scheme. The order in which they are tried is the
one that resolves nearly all of Microsoft's public definitions; a connection can always name the place itself, with a
parameter called `header X` or `query Y`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Draft, QueryPair
from flowengine.connectors.policy_expressions import Call, parse
from flowengine.connectors.urls import refuse_control_characters, with_query
from flowengine.errors import SignInNeeded, Unauthorized
from flowengine.manifests.definition import Connector, SecurityScheme
from flowengine.manifests.operation import Operation

TOKEN = "access_token"  # noqa: S105 - a parameter's name, not a token
"""The connection parameter that stands for a finished OAuth or Entra sign-in."""
_ALWAYS_SECRET = frozenset({TOKEN, "password", "client_secret", "clientsecret", "refresh_token"})
_USER = ("username", "user", "user_name", "login", "email")
_PASSWORD = ("password", "pass", "apikey", "api_key")


@dataclass(frozen=True, slots=True, repr=False)
class InHeader:
    """A credential in a header."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class InQuery:
    """A credential in the query."""

    name: str
    value: str


Credential: TypeAlias = InHeader | InQuery
Way: TypeAlias = Mapping[str, tuple[str, ...]]


def sign(connector: Connector, operation: Operation, connection: Connection, draft: Draft) -> None:
    """Add the connection's credentials to the draft.

    Of several security objects the first that the connection can fulfil holds; within one, all schemes hold. Raises
    `Unauthorized` that says what is missing.
    """
    add(credentials(connector, operation, connection), draft)


def add(found: Iterable[Credential], draft: Draft) -> None:
    """Put credentials into the draft."""
    for credential in found:
        match credential:
            case InHeader(name, value):
                draft.headers.set(name, refuse_control_characters(f"the connection's {name}", value, "header"))
            case InQuery(name, value):
                draft.query.append(QueryPair(name, value))


def credentials(connector: Connector, operation: Operation, connection: Connection) -> Sequence[Credential]:
    """What signs an operation's requests, in the order of the definition."""
    ways = _ways(connector, operation)
    for way in ways:
        found = {name: _credential(connector, connection, name) for name in way}
        if all(one or _by_policy(connector, connection, operation, name) for name, one in found.items()):
            return [one for one in found.values() if one]
    if not ways and not operation.security and (undeclared := _undeclared(connector, connection)):
        return [undeclared]
    if not ways or any(not way for way in operation.security):
        return []
    called = f'the connection "{connection.name}"' if connection.name else f'a connection to "{connector.name}"'
    told = f"{called} cannot sign in: it needs {_needed(connector, connection, ways)}"
    schemes = {connector.security_schemes[name].type.lower() for way in ways for name in way}
    raise SignInNeeded(told) if "oauth2" in schemes else Unauthorized(told)


def with_key(connector: Connector, operation: Operation, connection: Connection, url: str) -> str:
    """A further address of the service, with the keys that its query should hold and does not."""
    found = [one for one in credentials(connector, operation, connection) if isinstance(one, InQuery)]
    given = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return with_query(url, [QueryPair(one.name, one.value) for one in found if one.name not in given])


def _ways(connector: Connector, operation: Operation) -> list[Way]:
    """The alternatives. Names that the definition does not define say nothing; then any one of the schemes it has holds."""
    known = [
        {name: way[name] for name in way if name in connector.security_schemes} for way in operation.security if way
    ]
    found: list[Way] = [way for way in known if way]
    return found or [{name: ()} for name in connector.security_schemes if known]


def plain_credentials(connection: Connection) -> list[Credential]:
    """What the parameters of a connection without a definition say: `header X`, `query Y`, a user, or a token."""
    found: list[Credential] = []
    for name in connection.parameters:
        value = connection.parameter(name) or ""
        match name.split(" ", 1):
            case ["header", key]:
                found.append(InHeader(key, value))
            case ["query", key]:
                found.append(InQuery(key, value))
            case ["username"]:
                found.append(_basic_header(value, connection.parameter("password") or ""))
            case [only] if only == TOKEN:
                found.append(InHeader("Authorization", f"Bearer {value}"))
    return found


def _credential(connector: Connector, connection: Connection, name: str) -> Credential | None:
    """What one scheme adds; None when the connection cannot fulfil it."""
    scheme = connector.security_schemes.get(name)
    if scheme is None:
        return None
    match scheme.type.lower():
        case "apikey":
            return _api_key(connector, connection, scheme)
        case "basic":
            return _basic(connector, connection)
        case "oauth2":
            token = connection.parameter(TOKEN)
            return InHeader("Authorization", f"Bearer {token}") if token else None
        case _:
            return None


def _api_key(connector: Connector, connection: Connection, scheme: SecurityScheme) -> Credential | None:
    in_query = scheme.location == "query"
    place = InQuery if in_query else InHeader
    explicit = connection.parameter(f"{'query' if in_query else 'header'} {scheme.key}")
    if explicit is not None:
        return place(scheme.key, explicit)
    for name in _candidates(connector, scheme):
        value = _value(connector, connection, name)
        if value is not None:
            return place(scheme.key, value)
    # Some definitions call a token that Microsoft's gateway gets by itself an API key.
    signs_in = any(parameter.oauth for parameter in connector.connection.parameters)
    token = connection.parameter(TOKEN) if signs_in and scheme.key.lower() == "authorization" else None
    return InHeader("Authorization", f"Bearer {token}") if token else None


def _candidates(connector: Connector, scheme: SecurityScheme) -> Iterator[str]:
    """Which connection parameters may hold an API key, the likeliest first (the counted order of the public files)."""
    yield scheme.name
    yield scheme.key
    yield "api_key"
    secure = [
        parameter.name for parameter in connector.connection.parameters if parameter.type.lower() == "securestring"
    ]
    unused = [name for name in secure if name.lower() not in used_by_policies(connector)]
    if len(unused) == 1:
        yield unused[0]
    if len(secure) == 1:
        yield secure[0]
    # Beyond that order: the same names, written another way (`apiKey` for `api_key`).
    wanted = {_folded(name) for name in (scheme.name, scheme.key, "api_key")}
    yield from (name for name in secure if _folded(name) in wanted)


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _by_policy(connector: Connector, connection: Connection, operation: Operation, name: str) -> bool:
    """Whether a policy writes the key itself from what the connection has, so that nothing is left for the scheme to add."""
    scheme = connector.security_schemes[name]
    template = "setqueryparameter" if scheme.location == "query" else "setheader"
    key = scheme.key if scheme.type.lower() == "apikey" else "Authorization"
    return any(
        policy.template == template
        and not policy.response
        and policy.text("name").lower() == key.lower()
        and _is_complete(connector, connection, policy.text("value"))
        for policy in connector.policies_for(operation.id)
    )


def _is_complete(connector: Connector, connection: Connection, template: str) -> bool:
    """Whether a policy's text reads nothing but connection parameters that have a value."""
    return all(
        isinstance(part, str)
        or (part.function == "connectionparameters" and bool(_value(connector, connection, part.arguments[0])))
        for part in parse(template)
    )


def used_by_policies(connector: Connector) -> frozenset[str]:
    """The connection parameters that policies read, in lower case."""
    names = set()
    for policy in connector.policies:
        for value in policy.parameters.values():
            for part in parse(value) if isinstance(value, str) else ():
                if isinstance(part, Call) and part.function == "connectionparameters" and part.arguments:
                    names.add(part.arguments[0].lower())
    return frozenset(names)


def secret_parameters(connector: Connector, connection: Connection) -> frozenset[str]:
    """The names of the connection's parameters whose values nobody may see."""
    declared = {parameter.name.lower() for parameter in connector.connection.parameters if parameter.secret}
    return connection.secret_names | {
        name
        for name in connection.parameters
        if name.lower() in declared or name.lower() in _ALWAYS_SECRET or name.startswith(("header ", "query "))
    }


def _basic(connector: Connector, connection: Connection) -> Credential | None:
    """`username` and `password`, under the names that definitions give them."""
    declared = connector.connection.parameters
    plain = [parameter.name for parameter in declared if parameter.type.lower() == "string"]
    secure = [parameter.name for parameter in declared if parameter.type.lower() == "securestring"]
    user = _first(connector, connection, (*_USER, *(plain[:1] or secure[:1])))
    keys = [one for one in connector.security_schemes.values() if one.type.lower() == "apikey"]
    taken = {_folded(name) for one in keys for name in (one.name, one.key, "api_key")}
    names = [name for name in (*_PASSWORD, *secure[-1:]) if _folded(name) not in taken]
    password = _first(connector, connection, names)
    if user is None and password is None:
        return None
    return _basic_header(user or "", password or "")


def _basic_header(user: str, password: str) -> InHeader:
    pair = f"{user}:{password}".encode()
    return InHeader("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))


def _first(connector: Connector, connection: Connection, names: Sequence[str]) -> str | None:
    return next((value for name in names if (value := _value(connector, connection, name)) is not None), None)


def _value(connector: Connector, connection: Connection, name: str) -> str | None:
    """A connection parameter's value, or the default that the definition gives it."""
    value = connection.parameter(name)
    if value is not None:
        return value
    declared = connector.connection.parameter(name)
    return str(declared.default) if declared is not None and declared.default is not None else None


def _undeclared(connector: Connector, connection: Connection) -> Credential | None:
    """Definitions without security schemes leave the sign-in to their connection parameters."""
    if connector.security_schemes:
        return None
    token = connection.parameter(TOKEN)
    if token is not None and any(parameter.oauth for parameter in connector.connection.parameters):
        return InHeader("Authorization", f"Bearer {token}")
    if {"username", "password"} <= {parameter.name.lower() for parameter in connector.connection.parameters}:
        return None if used_by_policies(connector) & {"username", "password"} else _basic(connector, connection)
    return None


def _needed(connector: Connector, connection: Connection, ways: Sequence[Way]) -> str:
    """What to write into the connection, in words."""
    return ", or ".join(" and ".join(_asked(connector, connection, name) for name in way) for way in ways)


def _asked(connector: Connector, connection: Connection, name: str) -> str:
    scheme = connector.security_schemes.get(name)
    match scheme.type.lower() if scheme else "":
        case "basic":
            return "a user name and a password (" + _listed(connector) + ")"
        case "oauth2":
            login = f"flowengine connections login {connection.name or 'NAME'}"
            return f"a finished sign-in ({TOKEN}): run `{login}`"
        case "apikey" if scheme:
            kind = "query" if scheme.location == "query" else "header"
            return f'an API key ({_listed(connector)}, or "{kind} {scheme.key}")'
        case _:
            return f'the security scheme "{name}", which the definition does not define'


def _listed(connector: Connector) -> str:
    return ", ".join(f'"{parameter.name}"' for parameter in connector.connection.parameters) or "none is declared"
