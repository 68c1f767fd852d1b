"""The built-in connector `http`: any address, with what the author writes and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from flowengine.connectors import urls
from flowengine.connectors.auth import add, plain_credentials
from flowengine.connectors.bodies import JSON_TYPE, form_of_object, is_form
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Body, DataBody, Draft, QueryPair
from flowengine.connectors.inputs import place
from flowengine.connectors.policy_expressions import as_text
from flowengine.errors import Blocked, InvalidInputs
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.types import Json

NAME = "http"
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~")


def is_http(connector: Connector) -> bool:
    """Whether it is the built-in one: no service, no base URL."""
    return connector.name == NAME and not connector.base_url


def draft_http(connector: Connector, operation: Operation, inputs: Mapping[str, Json], connection: Connection) -> Draft:
    """The draft of a call of `http`. A connection's credentials go to the connection's own host only (`Blocked`)."""
    given = place(connector, operation, inputs).body
    base, path, query = _address(given["url"], connection)
    draft = Draft(method=given.get("method") or operation.method, base=base, path=path, query=query)
    for name, value in (given.get("query") or {}).items():
        draft.query.extend(QueryPair(name, as_text(item)) for item in (value if isinstance(value, list) else [value]))
    for name, value in (given.get("headers") or {}).items():
        draft.headers.set(_header_name(name), urls.refuse_control_characters(name, as_text(value), "header"))
    if given.get("body") is not None:
        draft.body = _body(given["body"], draft.headers.get("content-type") or "")
    _sign(connection, draft)
    return draft


def _address(url: str, connection: Connection) -> tuple[str, str, list[QueryPair]]:
    """Scheme and host, path, and query: what the author wrote is kept, what a URL cannot hold is encoded."""
    urls.refuse_control_characters("url", url, "URL")
    url = url.strip()
    if connection.base_url and "://" not in url:
        url = urls.join(connection.base_url, url)
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise InvalidInputs("url must be a full address that begins with https:// or http://", parameter="url")
    if parts.username or parts.password:
        raise InvalidInputs("url cannot hold a user name or password; use a connection", parameter="url")
    path = urls.encode_literal(parts.path) + (f"?{urls.encode_literal(parts.query)}" if parts.query else "")
    return f"{parts.scheme}://{parts.netloc}", path or "/", []


def _header_name(name: str) -> str:
    if not name or not set(name) <= _NAME_LETTERS:
        raise InvalidInputs(f"headers: {name!r} is not a header's name", parameter="headers")
    return name


def _body(value: Json, content_type: str) -> Body:
    """Data goes as JSON (or as a form where the header says so), text as it is, Microsoft's file envelope as its bytes."""
    match value:
        case {"$content": _}:
            return DataBody(value, content_type or "application/octet-stream", binary=True)
        case str():
            return DataBody(value, content_type or "text/plain; charset=utf-8")
        case dict() if is_form(content_type):
            return form_of_object(value, content_type)
        case _:
            return DataBody(value, content_type or JSON_TYPE)


def _sign(connection: Connection, draft: Draft) -> None:
    """Add the credentials of a connection to `http`."""
    if not connection.parameters:
        return
    if connection.connector not in ("", NAME):
        raise InvalidInputs(
            f'the connection "{connection.name}" is for {connection.connector}; `http` needs one of its own'
        )
    if not connection.base_url or urls.origin(connection.base_url) != urls.origin(draft.base):
        raise Blocked(
            f'the credentials of the connection "{connection.name}" go only to its own `base_url`, and this URL is not there'
        )
    add(plain_credentials(connection), draft)
