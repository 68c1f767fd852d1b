"""The request as the history keeps it: all of it that people may read.

Credentials stand in places of their own (the headers and query parameters of the definition's security schemes), which are
struck out by name; wherever else the connection's secrets appear they are struck out by value. Where policies compute
something of a connection's parameters, or of an answer to an earlier request, a value may look like no secret and still be
made of one: there the request is built once more with nothing secret in the connection, and that is what is kept.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from flowengine.connectors.auth import secret_parameters
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Request
from flowengine.connectors.policy_expressions import Call, parse
from flowengine.connectors.spelled import forms_of
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.manifests.policies import Policy
from flowengine.types import Sent

STRUCK_OUT: Final = "***"
LONGEST_BODY: Final = 65_536
"""Bytes of a body that are kept."""
LONGEST_URL: Final = 8_000
_SECRET_HEADER = re.compile(r"authorization|cookie|secret|passw|token|api-?key|signature|credential", re.IGNORECASE)
_SIGN_IN_WORD = re.compile(r"[A-Za-z][\w-]{0,19} ")
_DECODER = codecs.getincrementaldecoder("utf-8")
_NOTHING: Final = frozenset[str]()
_SPELLED_OUT: Final = quote(STRUCK_OUT, safe="")


def sent(connector: Connector, connection: Connection, request: Request, secrets: Sequence[str]) -> Sent | None:
    """What may be told of a request; None when it never came to one. `secrets` are values that must not appear."""
    if not request.url:
        return None
    hidden = _hidden_names(connector, connection)
    headers = {
        name: _signature(value) if _is_signature(name) or _in_header(name, hidden) else _without(value, secrets)
        for name, value in request.headers
    }
    text, left_out = _body(_struck_out(request.body, secrets), headers)
    url = request.url
    if "@" in url or (hidden and "?" in url):
        url = _address(url, hidden)
    url = _without(url, secrets).replace(_SPELLED_OUT, STRUCK_OUT)
    return Sent(request.method, url[:LONGEST_URL], headers, text, left_out)


def is_computed(connector: Connector, operation: Operation, connection: Connection) -> bool:
    """Whether policies make parts of the operation's requests of secrets, or of another answer."""
    policies = connector.policies_for(operation.id)
    if not policies:
        return False
    secret = {name.lower() for name in secret_parameters(connector, connection)}
    return any(
        policy.template == "setvaluefromurl" or any(_is_made_of(text, secret) for text in _texts(policy))
        for policy in policies
    )


def masked(connector: Connector, connection: Connection) -> Connection:
    """The connection with every secret value replaced by a sign that one stands there."""
    hidden = secret_parameters(connector, connection)
    kept = {name: STRUCK_OUT if name in hidden else connection.parameter(name) for name in connection.parameters}
    return replace(connection, parameters=kept)


def place_of(request: Request) -> Sent | None:
    """Only method, scheme and host, for a request of which nothing else may be told."""
    if not request.url:
        return None
    parts = urlsplit(request.url)
    return Sent(
        request.method,
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        left_out="all of it: it is made of secrets",
    )


def _is_made_of(text: str, secret: Container[str]) -> bool:
    """Whether a policy's text reads a secret parameter, or a header or query parameter, which may be the signature."""
    return any(
        isinstance(part, Call)
        and (
            part.function in ("headers", "queryparameters")
            or (part.function == "connectionparameters" and part.arguments[0].lower() in secret)
        )
        for part in parse(text)
    )


def _texts(policy: Policy) -> Iterable[str]:
    return (value for value in policy.parameters.values() if isinstance(value, str))


def _hidden_names(connector: Connector, connection: Connection) -> frozenset[str]:
    """Headers and query parameters that hold credentials, in lower case: `header x-key`, `query token`."""
    if not connector.security_schemes and not connection.parameters:
        return _NOTHING
    declared = (
        f"{scheme.location} {scheme.key}".lower()
        for scheme in connector.security_schemes.values()
        if scheme.type.lower() == "apikey"
    )
    return frozenset((*declared, *(name.lower() for name in connection.parameters if " " in name)))


@lru_cache(maxsize=1024)
def _is_signature(name: str) -> bool:
    """Whether a header's name says that a credential is in it."""
    return _SECRET_HEADER.search(name) is not None


def _in_header(name: str, hidden: frozenset[str]) -> bool:
    return bool(hidden) and f"header {name.lower()}" in hidden


def _signature(value: str) -> str:
    """`Basic` and `Bearer` say how it was signed, and nothing more."""
    scheme = _SIGN_IN_WORD.match(value)
    return f"{scheme[0] if scheme else ''}{STRUCK_OUT}"


def _address(url: str, hidden: frozenset[str]) -> str:
    parts = urlsplit(url)
    query = "&".join(_pair(pair, hidden) for pair in parts.query.split("&")) if parts.query else ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))


def _pair(pair: str, hidden: frozenset[str]) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}{equals}{STRUCK_OUT}" if equals and f"query {name.lower()}" in hidden else pair


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, STRUCK_OUT)
    return text


def _struck_out(body: bytes | None, secrets: Sequence[str]) -> bytes | None:
    """Before anything is cut off: half a secret would not be found."""
    if not body:
        return None
    for secret in secrets:
        for form in forms_of(secret):
            if form in body:
                body = body.replace(form, STRUCK_OUT.encode())
    return body


def _body(body: bytes | None, headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The body as text, and what of it is left out."""
    if not body:
        return None, None
    try:
        # Read as if more were to come: half a character at the cut is no sign of a file.
        text = body.decode() if len(body) <= LONGEST_BODY else _DECODER().decode(body[:LONGEST_BODY])
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return None, f"{len(body):,} bytes of {_kind(headers)}"
    rest = len(body) - LONGEST_BODY
    return text, f"{rest:,} more bytes" if rest > 0 else None


def _kind(headers: Mapping[str, str]) -> str:
    given = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return given.partition(";")[0].strip() or "data"
