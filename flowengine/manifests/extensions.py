"""The keys that flowengine adds to Microsoft's format, as records.

Everything is optional, so a connector file of Microsoft's is complete as it is. The keys:
`x-flowengine-limits` at the top; `x-flowengine-reads`, `-pagination`, `-idempotency`, `-response` and `-webhook` on an
operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flowengine.manifests.lenient import as_list, as_object, as_text, as_texts
from flowengine.types import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` calls in any `period_seconds`, for each connection."""

    calls: int
    period_seconds: float

    def to_json(self) -> JsonObject:
        period = self.period_seconds
        return {"calls": self.calls, "period_seconds": int(period) if period.is_integer() else period}


@dataclass(frozen=True, slots=True)
class Pagination:
    """How the next page of an operation is asked for."""

    parameter: str
    """The parameter that names the page."""
    next: str
    """Where the answer holds the next page's name, as a dotted path; absent on the last page."""
    items: str
    """Where the answer holds the page's items."""
    only: bool = False
    """Whether the page's parameter must be sent without the others."""
    with_page: tuple[str, ...] = ()
    """With `only`: the parameters that stay beside it, such as the id of what is listed."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Where the idempotency key goes unless the author set that place: a parameter's dotted path, or a header."""

    parameter: str | None = None
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Conversions:
    """How a service's answer becomes what the manifest promises."""

    root: str | None = None
    """The key of an envelope whose value is the answer; an answer without that key is taken as it is."""
    epoch_to_datetime: tuple[str, ...] = ()
    """Dotted paths (arrays are passed through) of epoch seconds that become RFC 3339 text in UTC."""


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """What proves that a delivery comes from the service."""

    parameter: str | None
    """Where the registration sends the secret that the engine made; None when the service makes it."""
    path: str
    """Where each delivery carries it."""
    source: str | None = None
    """Where a service's own secret is found at registration, such as `response.token`."""


@dataclass(frozen=True, slots=True)
class Unregister:
    """The operation that ends a subscription; `{id}` in its inputs is the subscription's id."""

    operation: str
    inputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missed:
    """An operation that lists what happened, and how an item of it becomes the event that was not delivered."""

    operation: str
    event: Json
    """What the delivery would have been: a text `{path}` stands for the item's value there, `{}` for the item."""
    inputs: JsonObject = field(default_factory=dict)
    """The list's inputs: `{since}` and `{until}` are times in RFC 3339."""
    items: str = ""
    """Where the answer holds the list, as a dotted path; the answer itself when empty."""
    at: str = ""
    """Where an item says when it happened; items from before the gap are left out. `last` is the last of a list."""
    where: Mapping[str, Json] = field(default_factory=dict)
    """Dotted path to value: items that differ are left out."""
    lookback: timedelta = timedelta()
    """How much earlier than the gap the list must begin, where it goes by another time than `at`."""


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """How a webhook trigger is registered, recognised, told apart and removed."""

    callback: str
    """The parameter (dotted path) that takes the callback URL: the one marked `x-ms-notification-url`."""
    secret: WebhookSecret | None = None
    match: Mapping[str, Json] = field(default_factory=dict)
    """Dotted path to value: deliveries that differ are not for this trigger."""
    dedupe: tuple[str, ...] = ()
    """Dotted paths whose values, joined by ":", are the default dedupe key."""
    status: int = 200
    """The status that the service takes for "received"."""
    id: str | None = None
    """Where the registration's answer holds the subscription's id; None: the `Location` header is its address."""
    unregister: Unregister | None = None
    """None: DELETE on the registration's `Location`, where there was one."""
    register_with: Mapping[str, Json] = field(default_factory=dict)
    """Fixed inputs of the registration."""
    missed: tuple[Missed, ...] = ()
    """How to ask, after a downtime, for what was not delivered."""
    conversions: Conversions | None = None
    """How a delivery becomes what the manifest promises: the trigger's `x-flowengine-response`."""


def read_limits(value: Any) -> tuple[Limit, ...]:
    """`x-flowengine-limits`; entries that are not positive numbers are left out."""
    limits = (_limit(as_object(entry)) for entry in as_list(value))
    return tuple(limit for limit in limits if limit)


def _limit(entry: JsonObject) -> Limit | None:
    calls, period = entry.get("calls"), entry.get("period_seconds")
    if not isinstance(calls, int) or not isinstance(period, int | float) or calls <= 0 or period <= 0:
        return None
    return Limit(calls, float(period))


def read_pagination(value: Any) -> Pagination | None:
    entry = as_object(value)
    if not entry:
        return None
    return Pagination(
        parameter=as_text(entry.get("parameter")),
        next=as_text(entry.get("next")),
        items=as_text(entry.get("items")),
        only=entry.get("only") is True,
        with_page=as_texts(entry.get("with_page")),
    )


def read_idempotency(value: Any) -> Idempotency | None:
    entry = as_object(value)
    if not entry:
        return None
    return Idempotency(as_text(entry.get("parameter")) or None, as_text(entry.get("header")) or None)


def read_conversions(value: Any) -> Conversions | None:
    entry = as_object(value)
    if not entry:
        return None
    return Conversions(as_text(entry.get("root")) or None, as_texts(entry.get("epoch_to_datetime")))


def read_webhook(value: Any, callback: str, conversions: Conversions | None = None) -> WebhookSpec:
    """`x-flowengine-webhook`, or what follows from Microsoft's own marks when it is absent."""
    entry = as_object(value)
    status = entry.get("status")
    return WebhookSpec(
        callback=callback,
        secret=_secret(as_object(entry.get("secret"))),
        match=as_object(entry.get("match")),
        dedupe=as_texts(entry.get("dedupe")),
        status=status if isinstance(status, int) else 200,
        id=as_text(entry.get("id")) or None,
        unregister=_unregister(as_object(entry.get("unregister"))),
        register_with=as_object(entry.get("register_with")),
        missed=tuple(
            _missed(as_object(each)) for each in as_list(entry.get("missed")) if as_object(each).get("operation")
        ),
        conversions=conversions,
    )


def _missed(entry: JsonObject) -> Missed:
    lookback = entry.get("lookback_seconds")
    return Missed(
        operation=as_text(entry.get("operation")),
        event=entry.get("event", "{}"),
        inputs=as_object(entry.get("with")),
        items=as_text(entry.get("items")),
        at=as_text(entry.get("at")),
        where=as_object(entry.get("where")),
        lookback=timedelta(seconds=lookback if isinstance(lookback, int | float) else 0),
    )


def _secret(entry: JsonObject) -> WebhookSecret | None:
    if not entry:
        return None
    return WebhookSecret(
        as_text(entry.get("parameter")) or None, as_text(entry.get("path")), as_text(entry.get("from")) or None
    )


def _unregister(entry: JsonObject) -> Unregister | None:
    operation = as_text(entry.get("operation"))
    return Unregister(operation, as_object(entry.get("with"))) if operation else None
