"""What a webhook's sender delivered: raw bytes and headers on the way in, a JSON value or text for the flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

import orjson

from flowengine.record import record
from flowengine.types import Json

STRUCK_OUT = "***"

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Headers that are never kept, whatever the method of verification."""


@record(frozen=True, slots=True)
class Delivery:
    """One HTTP request at a hook: header names in lower case, the body as it came."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """The sender's address, as far as it is known."""


def read_body(raw: bytes) -> Json:
    """The value of a JSON body; the text of any other; None of an empty one."""
    if not raw.strip():
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", errors="replace")


def at_path(value: Json, path: str) -> Json:
    """What stands at a dotted path, such as `payload.chat.id`; None when something on the way is missing."""
    for part in path.split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def strike_out(delivery: Delivery, *, header: str = "", secret: str = "") -> Delivery:
    """The delivery as it may be stored: without credentials in headers, without `secret` anywhere in it."""
    unwanted = SECRET_HEADERS | {header.lower()}
    headers = {
        name: value.replace(secret, STRUCK_OUT) if secret else value
        for name, value in delivery.headers.items()
        if name not in unwanted
    }
    return Delivery(_without(delivery.body, secret), headers, delivery.source)


def _without(raw: bytes, secret: str) -> bytes:
    if not secret:
        return raw
    quoted = orjson.dumps(secret)[1:-1]
    struck = raw.replace(quoted, STRUCK_OUT.encode())
    value = read_body(struck)
    if isinstance(value, (dict, list)) and _holds(value, secret):  # written with other escapes than ours
        struck = orjson.dumps(_replaced(value, secret))
    return struck


def _holds(value: Json, secret: str) -> bool:
    match value:
        case str():
            return secret in value
        case dict():
            return any(secret in key or _holds(item, secret) for key, item in value.items())
        case list():
            return any(_holds(item, secret) for item in value)
        case _:
            return False


def _replaced(value: Json, secret: str) -> Json:
    match value:
        case str():
            return value.replace(secret, STRUCK_OUT)
        case dict():
            return {key.replace(secret, STRUCK_OUT): _replaced(item, secret) for key, item in value.items()}
        case list():
            return [_replaced(item, secret) for item in value]
        case _:
            return value
