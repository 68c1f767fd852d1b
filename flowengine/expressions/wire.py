"""How the engine and its child process talk: a length of four bytes, then that many bytes: a letter and JSON."""

from __future__ import annotations

import json

import orjson

from flowengine.types import Json

LENGTH = 4
OUT_OF_MEMORY = 9
"""What a child ends with that reached its limit of memory where it could not say so over the line."""
_FAST, _EXACT = b"f", b"e"


def pack(message: Json) -> bytes:
    """A message as bytes, its length first."""
    try:
        body = _FAST + orjson.dumps(message)
    except (TypeError, UnicodeEncodeError):  # numbers beyond 64 bits, lone surrogates: orjson would not read them back
        body = _EXACT + json.dumps(message).encode()
    return len(body).to_bytes(LENGTH, "big") + body


def unpack(body: bytes) -> Json:
    """The message of a body."""
    return orjson.loads(body[1:]) if body[:1] == _FAST else json.loads(body[1:])
