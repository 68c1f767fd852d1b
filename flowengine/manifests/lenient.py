"""Reading values out of files that people wrote: what has the wrong type counts as absent."""

from __future__ import annotations

from typing import Any

from flowengine.types import JsonObject


def as_object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Text as it is, numbers as text, anything else as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def as_texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in as_list(value) if isinstance(item, str))


def as_flag(value: Any) -> bool:
    """True for `true` and for the text "true", which some definitions write."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
