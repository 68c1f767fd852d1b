"""Polling triggers: what an answer announces, and from where the next poll goes on. Pure.

A `pollingtrigger` policy computes the next poll's query from the last answer and says where the items are. Without one, the
service itself says where to go on: `Location` with 200 or 202, `Retry-After` for when; 202 announces nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Self
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from flowengine.connectors.draft import QueryPair
from flowengine.connectors.policy_expressions import Call, Context, as_text, evaluate, parse, pick
from flowengine.connectors.urls import with_query
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation
from flowengine.manifests.policies import Policy
from flowengine.manifests.schema import type_of
from flowengine.record import record
from flowengine.types import Json, JsonObject, Outputs

NOTHING_NEW = 202


@record(frozen=True, slots=True)
class Position:
    """From where a poll goes on."""

    query: Mapping[str, str] = field(default_factory=dict)
    """Query parameters that take the place of the operation's own."""
    address: str = ""
    """Where the service wants to be asked instead; may be relative."""

    @property
    def kept_by_service(self) -> bool:
        """Whether answers hold only what is new since the last one."""
        return bool(self.query or self.address)

    def to_json(self) -> JsonObject:
        return {"query": dict(self.query), "address": self.address}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """The position that `to_json` wrote; the beginning for anything else."""
        if not isinstance(value, dict):
            return cls()
        query = value.get("query")
        return cls(query if isinstance(query, dict) else {}, str(value.get("address") or ""))

    def applied(self, url: str) -> str:
        """The URL with this position's query in the place of what it names."""
        if not self.query:
            return url
        parts = urlsplit(url)
        kept = "&".join(
            pair for pair in parts.query.split("&") if pair and parse_qsl(pair, True)[0][0] not in self.query
        )
        bare = urlunsplit(parts._replace(query=kept))
        return with_query(bare, [QueryPair(name, value) for name, value in self.query.items()])


@record(frozen=True, slots=True)
class Announcement:
    """What one poll of a polling trigger gave."""

    events: list[Json]
    position: Position = field(default_factory=Position)
    """From where the next poll goes on."""
    wait: float | None = None
    """Seconds after which the service wants to be asked again."""


def announced(connector: Connector, operation: Operation, outputs: Outputs) -> list[Json]:
    """The events of an answer: each item of a `batch`, the whole answer of a `single`, none of 202 or nothing."""
    policy = _policy(connector, operation)
    body = outputs.body
    if outputs.status_code == NOTHING_NEW or body in (None, "", [], {}):
        return []
    if policy is not None:
        body = _at(policy.text("triggerDataPath") or "@triggerBody()", body)
    elif operation.batch:
        body = _list_in(connector, operation, body)
    if isinstance(body, list) and operation.batch:
        return list(body)
    return [] if body in (None, [], {}) else [body]


def following(connector: Connector, operation: Operation, outputs: Outputs, before: Position) -> Position:
    """From where the poll after this answer goes on; what this answer does not say stays as it was."""
    address = outputs.headers.get("location", "")
    policy = _policy(connector, operation)
    wanted = policy.get("triggerConfig") if policy else None
    if not isinstance(wanted, dict) or outputs.status_code == NOTHING_NEW:
        return Position(before.query, address or before.address)
    context = Context(trigger_body=outputs.body, body=outputs.body)
    query = dict(before.query)
    for name, template in wanted.items():
        value = _next_value(template, context)
        if value is not None:
            query[name] = value
    return Position(query, address or before.address)


def _policy(connector: Connector, operation: Operation) -> Policy | None:
    found = (one for one in connector.policies_for(operation.id) if one.template == "pollingtrigger")
    return next(found, None)


def _next_value(template: Json, context: Context) -> str | None:
    """A parameter's next value; None where the answer lacks something that it is made of."""
    if not isinstance(template, str):
        return as_text(template)
    parts = parse(template)
    if any(isinstance(part, Call) and pick(context.trigger_body, part.accessors) is None for part in parts):
        return None
    return as_text(evaluate(template, context))


def _at(path: str, body: Json) -> Json:
    return evaluate(path, Context(trigger_body=body, body=body))


def _list_in(connector: Connector, operation: Operation, body: Json) -> Json:
    """The items of a batch that comes in an envelope: `value` as Microsoft's services write it, else its only list."""
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("value"), list):
        return body["value"]
    declared = connector.resolve(operation.returns).get("properties") or {}
    lists = [name for name, value in body.items() if isinstance(value, list)]
    named = [name for name in lists if type_of(connector.resolve(declared.get(name))) == "array"] or lists
    return body[named[0]] if len(named) == 1 else body
