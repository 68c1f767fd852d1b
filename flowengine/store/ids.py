"""Identifiers that sort by time: 10 characters of milliseconds and 16 of chance, in Crockford's base 32."""

from __future__ import annotations

import random
import secrets
import threading
from datetime import datetime

from flowengine.store.codec import moment
from flowengine.types import Clock

LENGTH = 26
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CHANCE_BITS = 80
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

_guard = threading.Lock()
# Identifiers keep no secret (addresses are derived from the key), and asking the system for each costs more than the rest.
_chance = random.Random(secrets.token_bytes(32))  # noqa: S311
_last = 0


def new_id(clock: Clock) -> str:
    """A new identifier, greater than every other that this process made, even when the clock is set back."""
    return _encode(_next(moment(clock.now()) // 1000))


def first_id_at(at: datetime) -> str:
    """The least identifier that can have been made at this time: for reading a list from a moment on."""
    return _encode((moment(at) // 1000) << _CHANCE_BITS)


def _next(milliseconds: int) -> int:
    global _last  # noqa: PLW0603  # the order holds for the process, whoever asks
    with _guard:
        fresh = (milliseconds << _CHANCE_BITS) | _chance.getrandbits(_CHANCE_BITS)
        # Within a millisecond identifiers follow each other at random distances.
        _last = fresh if fresh > _last else _last + 1 + _chance.getrandbits(32)
        return _last


def _encode(number: int) -> str:
    time = number >> _CHANCE_BITS
    return _PAIRS[time >> 40] + _eight(time) + _eight(number >> 40) + _eight(number)


def _eight(number: int) -> str:
    """The letters of the lowest 40 bits."""
    number &= 0xFFFFFFFFFF
    return _PAIRS[number >> 30] + _PAIRS[number >> 20 & 1023] + _PAIRS[number >> 10 & 1023] + _PAIRS[number & 1023]
