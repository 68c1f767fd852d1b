"""How the engine and its child process talk: a length of four bytes, then that many bytes of JSON."""

from __future__ import annotations

import json

import orjson

from flowengine.types import Json

LENGTH = 4


def pack(message: Json) -> bytes:
    """A message as bytes, its length first."""
    try:
        body = orjson.dumps(message)
    except (TypeError, UnicodeEncodeError):  # numbers beyond 64 bits, lone surrogates
        body = json.dumps(message).encode()
    return len(body).to_bytes(LENGTH, "big") + body


def unpack(body: bytes) -> Json:
    """The message of a body. Raises `ValueError`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)
