"""Policies of a definition, applied to requests in the file's order, after authentication, and to answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from flowengine.connectors import urls
from flowengine.connectors.bodies import JSON_TYPE
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import DataBody, Draft, QueryPair
from flowengine.connectors.policy_expressions import (
    Call,
    Context,
    accessors_of,
    as_text,
    evaluate,
    evaluate_json,
    evaluate_text,
    parse,
    pick,
)
from flowengine.connectors.policy_reshaping import RESHAPING
from flowengine.errors import InvalidInputs, Unauthorized
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.manifests.policies import Policy
from flowengine.types import Json

ASKED_TARGET: Final = "parameterTemplate"
_OF_THE_OWN_PATH: Final = ("setvaluefromurl", "routerequesttoendpoint")


def apply_to_request(
    connector: Connector, operation: Operation, connection: Connection, draft: Draft, asked: Mapping[str, str] | None
) -> None:
    """Change the draft as the operation's request-side policies say. Raises `InvalidInputs` and `Unauthorized`.

    `asked` holds the values of `setvaluefromurl` policies by their target; None stands for a request to another address
    than the operation's own, which neither these nor new paths are for.
    """
    for policy in connector.policies_for(operation.id):
        if policy.template == "setvaluefromurl" and asked is not None:
            _set_from_answer(connector, policy, draft, asked)
        elif not policy.response and not (asked is None and policy.template in _OF_THE_OWN_PATH):
            if policy.template == "setproperty" and draft.body is None and operation.body is not None:
                draft.body = DataBody({}, JSON_TYPE)
            _apply(connector, connection, policy, draft)


def _apply(connector: Connector, connection: Connection, policy: Policy, draft: Draft) -> None:
    context = request_context(connector, connection, draft)
    match policy.template:
        case "setheader":
            _set_header(policy, context, draft)
        case "setqueryparameter":
            _set_query(policy, context, draft)
        case "dynamichosturl":
            _set_host(connector, connection, policy, context, draft)
        case "dynamicsubdomain":
            _set_subdomain(policy, context, draft)
        case "routerequesttoendpoint":
            _route(policy, context, draft)
        case "pollingtrigger":
            # The gateway's own mark of a polled path: `/trigger/me/feed` is the service's `/me/feed`.
            draft.path = re.sub(r"^/trigger(?=/)", "", draft.path)
        case _ if isinstance(draft.body, DataBody):
            draft.body = replace(draft.body, value=reshape(policy, context, draft.body.value))


def _set_from_answer(connector: Connector, policy: Policy, draft: Draft, asked: Mapping[str, str]) -> None:
    """Put a value that another call gave into a header or query parameter."""
    target = _text(policy, ASKED_TARGET)
    try:
        value = asked[target]
    except KeyError:
        told = "is asked for another value first (its policy `setvaluefromurl`), so its request is known only in a call"
        raise InvalidInputs(f"{connector.title} {told}") from None
    for part in parse(target):
        if isinstance(part, Call) and part.arguments and part.function == "headers":
            draft.headers.set(part.arguments[0], urls.refuse_control_characters(part.arguments[0], value, "header"))
        elif isinstance(part, Call) and part.arguments and part.function == "queryparameters":
            draft.set_query(part.arguments[0], value)


def request_context(connector: Connector, connection: Connection, draft: Draft) -> Context:
    """What expressions see of a request in the making."""

    def parameter(name: str) -> str | None:
        value = connection.parameter(name)
        if value is not None:
            return value
        declared = connector.connection.parameter(name)
        return str(declared.default) if declared is not None and declared.default is not None else None

    return Context(
        connection_parameter=parameter,
        header=draft.headers.get,
        query_parameter=draft.query_value,
        body=draft.body.value if isinstance(draft.body, DataBody) else None,
        method=draft.method,
    )


def _set_header(policy: Policy, context: Context, draft: Draft) -> None:
    name = evaluate_text(_text(policy, "name"), context)
    value = evaluate(_text(policy, "value"), context)
    # An optional connection parameter that the connection does not have sets no header.
    if not name or value is None:
        return
    value = urls.refuse_control_characters(name, evaluate_text(_text(policy, "value"), context), "header")
    before = draft.headers.get(name)
    match _text(policy, "existsAction").lower():
        case "skip" if before is not None:
            return
        case "append" if before is not None:
            draft.headers.set(name, f"{before}, {value}")
        case "delete":
            draft.headers.remove(name)
        case _:
            draft.headers.set(name, value)


def _set_query(policy: Policy, context: Context, draft: Draft) -> None:
    name = evaluate_text(_text(policy, "name"), context)
    value = evaluate(_text(policy, "value"), context)
    if not name or value is None:
        return
    value = evaluate_text(_text(policy, "value"), context)
    exists = draft.query_value(name) is not None
    match _text(policy, "existsAction").lower():
        case "skip" if exists:
            return
        case "append" if exists:
            draft.query.append(QueryPair(name, value))
        case _:
            draft.set_query(name, value)


def _set_host(connector: Connector, connection: Connection, policy: Policy, context: Context, draft: Draft) -> None:
    """The template's address takes the place of scheme, host and base path."""
    template = _text(policy, "urlTemplate")
    # A stand-in or proxy named by the connection answers whatever host the policy would make.
    if connection.base_url and _lacking(template, context):
        return
    if lacking := _lacking(template, context):
        kind = Unauthorized if any("connection" in one for one in lacking) else InvalidInputs
        raise kind(f"the address of {connector.title} needs {' and '.join(lacking)}")
    address = evaluate_text(template, context).strip()
    if "://" not in address:
        address = f"https://{address}"
    address, _, query = address.partition("?")
    address = urls.refuse_control_characters(policy.title or "the host", address, "address").rstrip("/")
    if not urls.has_host(address):
        raise InvalidInputs(f"the address of {connector.title} has no host")
    kept = urlsplit(connector.base_url).path if connection.keep_base_path else ""
    draft.base = address + kept
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        draft.query.append(QueryPair(name, value))


def _lacking(template: str, context: Context) -> list[str]:
    """What the template reads and nobody gave."""
    names = {
        "connectionparameters": "the connection parameter",
        "headers": "the header parameter",
        "queryparameters": "the query parameter",
    }
    return [
        f'{names[part.function]} "{part.arguments[0]}"'
        for part in parse(template)
        if isinstance(part, Call) and part.arguments and not evaluate_text(_written(part), context)
    ]


def _written(part: Call) -> str:
    arguments = ", ".join(f"'{argument}'" for argument in part.arguments)
    return f"@{part.function}({arguments})"


def _set_subdomain(policy: Policy, context: Context, draft: Draft) -> None:
    """The part before the first dot of the host."""
    subdomain = evaluate_text(_text(policy, "subdomain") or _text(policy, "urlTemplate"), context).strip()
    if not subdomain:
        return
    if not all(letter.isalnum() or letter in "-." for letter in subdomain):
        raise InvalidInputs("the subdomain may hold letters, digits, dots and hyphens only")
    parts = urlsplit(draft.base)
    draft.base = parts._replace(netloc=f"{subdomain}.{parts.netloc}").geturl()


def _route(policy: Policy, context: Context, draft: Draft) -> None:
    """Another path below the base, and another method."""
    path = _text(policy, "newPath")
    if path:
        written = "".join(part if isinstance(part, str) else in_path(part, context) for part in parse(path))
        draft.path, query = urls.fill(written, draft.path_values)
        for pair in query:
            draft.set_query(pair.name, pair.value)
    method = evaluate_text(_text(policy, "httpMethod"), context).strip().upper()
    if method.isalpha():
        draft.method = method


def in_path(part: Call, context: Context) -> str:
    """An expression's value within a path cannot become more than one segment, a query or a placeholder."""
    return urls.encode_segment(f"@{part.function}", evaluate_text(_written_with_accessors(part), context))


def _written_with_accessors(part: Call) -> str:
    if part.function == "request":
        return "@Request.OriginalHTTPMethod"
    return _written(part) + "".join(
        f"[{accessor}]" if isinstance(accessor, int) else f"['{accessor}']" for accessor in part.accessors
    )


def apply_to_answer(
    connector: Connector, operation: Operation, connection: Connection, headers: dict[str, str], body: Json
) -> Json:
    """The answer's body as the response-side policies change it; `headers` are changed in place."""
    for policy in connector.policies_for(operation.id):
        if not policy.response or policy.failure:
            continue
        context = Context(connection_parameter=connection.parameter, header=headers.get, body=body)
        if policy.template == "setheader":
            _set_answer_header(policy, context, headers)
        else:
            body = reshape(policy, context, body)
    return body


def told_type(connector: Connector, operation: Operation, headers: Mapping[str, str]) -> dict[str, str]:
    """The answer's headers with the content type that a response-side policy gives it: the body is read by that."""
    told = dict(headers)
    for policy in connector.policies_for(operation.id):
        if policy.response and not policy.failure and policy.template == "setheader":
            name, value = _text(policy, "name").lower(), _text(policy, "value")
            if name == "content-type" and all(isinstance(part, str) for part in parse(value)):
                _set_answer_header(policy, Context(), told)
    return told


def _set_answer_header(policy: Policy, context: Context, headers: dict[str, str]) -> None:
    name = _text(policy, "name").lower()
    value = evaluate_text(_text(policy, "value"), context)
    match _text(policy, "existsAction").lower():
        case "skip" if name in headers:
            return
        case "append" if name in headers:
            headers[name] = f"{headers[name]}, {value}"
        case "delete":
            headers.pop(name, None)
        case _:
            headers[name] = value


def reshape(policy: Policy, context: Context, body: Json) -> Json:
    """The body after a policy that changes data; policies that only serve Microsoft's gateway change nothing."""
    if policy.template == "setproperty":
        return _set_property(policy, context, body)
    change = RESHAPING.get(policy.template)
    return change(policy.parameters, body) if change else body


def _set_property(policy: Policy, context: Context, body: Json) -> Json:
    """Set a property of an object, or of each object of a list, to a constant, another value, or a mixture."""
    accessors = accessors_of(_text(policy, "newPropertyParentPathTemplate"))
    names = [name for name in _text(policy, "newPropertySubPathTemplate").strip("/").split("/") if name]
    if accessors is None or not names:
        return body
    body = _copied(body if body is not None else {})
    parent = pick(body, accessors)
    for item in _objects(parent):
        value = evaluate_json(_text(policy, "propertyValuePathTemplate"), replace(context, body=body, item=item))
        for name in names[:-1]:
            item = item.setdefault(name, {})  # noqa: PLW2901 - walking down from the item
        item[names[-1]] = value
    return body


def _objects(parent: Json) -> Iterable[dict[str, Json]]:
    if isinstance(parent, dict):
        return [parent]
    return [item for item in parent if isinstance(item, dict)] if isinstance(parent, list) else []


def _copied(value: Json) -> Json:
    """A copy that may be changed: inputs belong to the caller."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _text(policy: Policy, name: str) -> str:
    value = policy.get(name)
    return "" if value is None else as_text(value)
