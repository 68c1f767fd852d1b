"""Values as people read them: text that cannot play tricks, moments, lengths of time, JSON, statuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from flowengine.spec.times import format_duration, lasted
from flowengine.store.documents import timestamp
from flowengine.types import Json

LONGEST: Final = 20_000
"""Characters of a value that a page shows; the whole is one link away."""

# What would move the cursor, turn the direction of reading around, or cannot be seen at all.
_TRICKS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a status is told apart without colour: a shape, and the tone that colours it where there is colour."""

    shape: str
    tone: str


MARKS: Final[Mapping[str, Mark]] = {
    "succeeded": Mark("check", "good"),
    "failed": Mark("cross", "bad"),
    "timed_out": Mark("clock", "bad"),
    "running": Mark("play", "live"),
    "waiting": Mark("pause", "wait"),
    "queued": Mark("dots", "wait"),
    "skipped": Mark("skip", "off"),
    "cancelled": Mark("stop", "off"),
    "not_taken": Mark("skip", "off"),
    # What became of an event.
    "started": Mark("check", "good"),
    "filtered": Mark("funnel", "off"),
    "duplicate": Mark("twin", "off"),
    "dropped": Mark("skip", "wait"),
    "disabled": Mark("stop", "off"),
    "missed": Mark("clock", "wait"),
    "rejected": Mark("cross", "bad"),
    # How a trigger or a connection stands.
    "active": Mark("check", "good"),
    "registering": Mark("dots", "wait"),
    "removing": Mark("dots", "off"),
    "off": Mark("stop", "off"),
    "ok": Mark("check", "good"),
    "warn": Mark("warn", "wait"),
    "fail": Mark("cross", "bad"),
}
UNKNOWN: Final = Mark("dots", "off")


def mark(status: object) -> Mark:
    """The mark of a status, disposition or state."""
    return MARKS.get(str(status), UNKNOWN)


def word(status: object) -> str:
    """A status as a word of a sentence."""
    return str(status).replace("_", " ")


def clean(text: str) -> str:
    """Text in which nothing is hidden: controls and marks of direction are written out."""
    return _TRICKS.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return "\n" if code == 0x0D else chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩"


def pretty(value: Json, longest: int | None = LONGEST) -> str:
    """A value as indented JSON; text is itself. Cut at `longest` characters."""
    text = value if isinstance(value, str) else _json(value)
    if longest is not None and len(text) > longest:
        return text[:longest] + f"\n… {len(text) - longest:,} characters more"
    return text


def _json(value: Json) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    except (TypeError, ValueError):  # such as numbers beyond 64 bits, which are in the history all the same
        return repr(value)


def brief(value: Json, longest: int = 120) -> str:
    """A value in one line."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else _compact(value)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def told(value: Json, longest: int = 120) -> str:
    """A value inside a sentence: text stands in quotes, so that it is told apart from the words around it."""
    text = brief(value, longest)
    return f"“{text}”" if isinstance(value, str) else text


def _compact(value: Json) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except (TypeError, ValueError):
        return repr(value)


def quoted(text: str) -> str:
    """A word of a command line, in quotes where it needs them."""
    plain = text and all(sign.isalnum() or sign in "-_./:@" for sign in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def between(start: datetime | None, end: datetime | None) -> str:
    """The time from one moment to another."""
    return "" if start is None or end is None else lasted((end - start).total_seconds() * 1_000)


def away(at: datetime, now: datetime) -> str:
    """How far off a moment is: `3 minutes ago`, `in 2 hours`."""
    seconds = (at - now).total_seconds()
    amount = _in_words(abs(seconds))
    if amount is None:
        return "just now" if seconds <= 0 else "in a moment"
    return f"{amount} ago" if seconds < 0 else f"in {amount}"


def _in_words(seconds: float) -> str | None:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return None


def local(at: datetime) -> str:
    """A moment in this machine's zone; scripts turn it into the reader's."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def utc(at: datetime | None) -> str:
    """A moment as `<time datetime>` takes it."""
    return timestamp(at) or ""


def span_words(length: timedelta) -> str:
    """`30 days`."""
    return format_duration(length)
