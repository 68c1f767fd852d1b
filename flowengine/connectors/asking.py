"""Requests beside an operation's own: what a `setvaluefromurl` policy asks first, and addresses that a service gave. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from flowengine.connectors import urls
from flowengine.connectors.auth import with_key
from flowengine.connectors.connection import Connection
from flowengine.connectors.draft import Draft, Request
from flowengine.connectors.policies import ASKED_TARGET, in_path, request_context
from flowengine.connectors.policy_expressions import accessors_of, as_text, parse, pick
from flowengine.connectors.request import complete, draft_of
from flowengine.errors import InvalidInputs
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.manifests.policies import Policy
from flowengine.types import Json

READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class AskedFirst:
    """One question whose answer an operation's request needs."""

    target: str
    """Where the answer goes, as the policy writes it: the key of `build_request(asked=...)`."""
    request: Request
    value_at: str
    """Where in the answer the value is."""

    def value(self, body: Json) -> str:
        """The value in an answer. Raises `InvalidInputs` when it is not there."""
        accessors = accessors_of(self.value_at) if self.value_at.startswith(("@", "{")) else None
        place = tuple(self.value_at.split(".")) if accessors is None else accessors
        found = pick(body, place)
        if found is None:
            raise InvalidInputs(f"the answer to a first question of the definition has nothing at {self.value_at}")
        return as_text(found)


def asked_first(
    connector: Connector, operation: Operation, inputs: Mapping[str, Json], connection: Connection
) -> list[AskedFirst]:
    """The questions of an operation's `setvaluefromurl` policies, in the file's order."""
    policies = [one for one in connector.policies_for(operation.id) if one.template == "setvaluefromurl"]
    return [_question(connector, operation, inputs, connection, policy) for policy in policies]


def _question(
    connector: Connector, operation: Operation, inputs: Mapping[str, Json], connection: Connection, policy: Policy
) -> AskedFirst:
    given = draft_of(connector, operation, inputs)
    values = given.path_values
    draft = Draft(method="GET", base=given.base, path="", headers=given.headers, query=given.query)
    complete(connector, operation, connection, draft, None)
    context = request_context(connector, connection, draft)
    written = policy.text("parameterValueUrl")
    url = "".join(part if isinstance(part, str) else in_path(part, context) for part in parse(written))
    host, mark, rest = url.partition("://")
    path, query = urls.fill(rest.partition("/")[2] if mark else url, values)
    whole = f"{host}://{rest.partition('/')[0]}/{path}" if mark else urls.join(draft.base, path)
    whole = urls.with_query(whole, query)
    method = (policy.text("httpMethod") or "GET").upper()
    own = urls.origin(whole) == urls.origin(draft.base)
    return AskedFirst(
        policy.text(ASKED_TARGET),
        Request(
            method if method in READING else "GET",
            with_key(connector, operation, connection, whole) if own else whole,
            tuple(draft.headers) if own else (),
        ),
        policy.text("parameterValuePathTemplate"),
    )


def request_at(connector: Connector, operation: Operation, connection: Connection, method: str, url: str) -> Request:
    """A request to an address that the service gave, relative or whole, such as a subscription's `Location`.

    Signed as the operation's own requests are when it leads to the connection's own host, and not at all elsewhere.
    """
    draft = Draft(method=method, base=connector.base_url, path="")
    try:
        complete(connector, operation, connection, draft, None)
    except InvalidInputs:  # where the host is made of an operation's inputs nobody knows any more which host is its own
        return Request(method, url)
    whole = urljoin(f"{draft.base}/", url)
    if urls.origin(whole) != urls.origin(draft.base):
        return Request(method, whole)
    return Request(method, with_key(connector, operation, connection, whole), tuple(draft.headers))
