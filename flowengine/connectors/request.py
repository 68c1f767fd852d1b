"""From an operation and an author's inputs to the request that is sent. Pure: no I/O, no clock, no chance.

The order is that of Microsoft's gateway: inputs are checked and placed, then the connection signs, then the definition's
policies apply in their file's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flowengine.connectors import bodies, urls
from flowengine.connectors.auth import sign
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Draft, QueryPair, Request
from flowengine.connectors.http_request import draft_http, is_http
from flowengine.connectors.inputs import ABSENT, Placed, place
from flowengine.connectors.policies import apply_to_request
from flowengine.connectors.policy_expressions import as_text
from flowengine.errors import InvalidInputs
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation, Parameter
from flowengine.types import Json

ANYONE = Connection()
GATEWAY: Final = "gatewaysetting"
NOTHING_ASKED: Final[Mapping[str, str]] = MappingProxyType({})


def build_request(
    connector: Connector,
    operation: Operation,
    inputs: Mapping[str, Json],
    connection: Connection | None = None,
    *,
    asked: Mapping[str, str] = NOTHING_ASKED,
) -> Request:
    """The request, after authentication and policies.

    `asked` holds the answers to `asking.asked_first`. Raises `InvalidInputs` for what the author gave and `Unauthorized`
    for what the connection lacks, before anything is sent.
    """
    try:
        return _build(connector, operation, inputs, connection or ANYONE, asked)
    except UnicodeEncodeError:
        raise InvalidInputs(
            "the inputs hold half of a character (a lone surrogate), which no request can carry"
        ) from None


def _build(
    connector: Connector,
    operation: Operation,
    inputs: Mapping[str, Json],
    connection: Connection,
    asked: Mapping[str, str],
) -> Request:
    if is_http(connector):
        return finish(draft_http(connector, operation, inputs, connection))
    if not connection.base_url and any(
        one.required and one.type.lower() == GATEWAY for one in connector.connection.parameters
    ):
        told = "is reached through Microsoft's on-premises gateway: a connection needs a `base_url` that leads there itself"
        raise InvalidInputs(f"{connector.title} {told}")
    if operation.id in connector.scripted:
        raise InvalidInputs(f"{operation.id} runs through a C# script of its publisher, which only Microsoft can do")
    draft = _draft(connector, operation, place(connector, operation, inputs))
    complete(connector, operation, connection, draft, asked)
    return finish(draft)


def complete(
    connector: Connector, operation: Operation, connection: Connection, draft: Draft, asked: Mapping[str, str] | None
) -> None:
    """Sign the draft and apply policies; with `asked` None, all but those that need another answer first."""
    sign(connector, operation, connection, draft)
    apply_to_request(connector, operation, connection, draft, asked)
    if connection.base_url:
        draft.base = urls.rebase(draft.base, connection.base_url)
    if not draft.base:
        raise InvalidInputs(f"{connector.name} names no host: the connection needs a `base_url`")


def draft_of(connector: Connector, operation: Operation, inputs: Mapping[str, Json]) -> Draft:
    """The inputs in their places, before authentication and policies."""
    return _draft(connector, operation, place(connector, operation, inputs))


def _draft(connector: Connector, operation: Operation, placed: Placed) -> Draft:
    path_values = {
        parameter.name: urls.encode_segment(parameter.name, _as_text(value), double=parameter.double_encoded)
        for parameter, value in placed.at("path")
    }
    path, query = urls.fill(operation.path, path_values)
    draft = Draft(method=operation.method, base=connector.base_url, path=path, query=query, path_values=path_values)
    for parameter, value in placed.at("query"):
        draft.query.append(QueryPair(parameter.name, _as_text(value), double=parameter.double_encoded))
    for parameter, value in placed.at("header"):
        draft.headers.set(parameter.name, urls.refuse_control_characters(parameter.name, _as_text(value), "header"))
    _add_body(connector, operation, placed, draft)
    if draft.headers.get("accept") is None and any(bodies.is_json(kind) for kind in operation.produces):
        draft.headers.set("Accept", bodies.JSON_TYPE)
    return draft


def _add_body(connector: Connector, operation: Operation, placed: Placed, draft: Draft) -> None:
    form = placed.at("formData")
    if form or (operation.body is None and any(_is_form(parameter) for parameter in operation.parameters)):
        draft.body = bodies.form_of(operation, form)
    elif placed.body is not ABSENT:
        draft.body = bodies.body_of(connector, operation, placed.body)


def _is_form(parameter: Parameter) -> bool:
    return parameter.location == "formData" and parameter.required


def _as_text(value: Json) -> str:
    """A value outside the body: lists are comma-separated, whatever their definition says."""
    if isinstance(value, list):
        return ",".join(as_text(item) for item in value)
    return as_text(value)


def finish(draft: Draft) -> Request:
    """The draft as bytes."""
    body = None
    if draft.body is not None:
        content_type, body = bodies.encode(draft.body)
        # A multipart body's boundary is known here only; any other type may be the author's own.
        if draft.headers.get("content-type") is None or content_type.startswith(bodies.MULTIPART):
            draft.headers.set("Content-Type", urls.refuse_control_characters("$content-type", content_type, "header"))
    url = urls.with_query(urls.join(draft.base, draft.path), draft.query)
    return Request(draft.method, url, tuple(draft.headers), body)
