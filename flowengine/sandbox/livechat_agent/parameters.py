"""Parameters of the methods, and the check of a request against them.

A name that ends in `!` is required: within an object, only where that object is there. Arrays are passed through, so
`chat.users.id!` says something about each user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from flowengine.sandbox.livechat_agent.errors import refused
from flowengine.types import Json, JsonObject

Judge: TypeAlias = Callable[[Json], str | None]
"""What a value must be, when it is not that."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter by its dotted path."""

    path: tuple[str, ...]
    required: bool
    judge: Judge


def check(parameters: Sequence[Parameter], given: JsonObject) -> None:
    """Refuse with `validation`, naming the field, unless the request fits."""
    for parameter in parameters:
        for holder, prefix in _holders(given, parameter.path[:-1]):
            _check_one(parameter, holder, ".".join((*prefix, parameter.path[-1])))


def text(name: str) -> Parameter:
    return _parameter(name, _typed(str, "text"))


def flag(name: str) -> Parameter:
    return _parameter(name, _typed(bool, "true or false"))


def record(name: str) -> Parameter:
    return _parameter(name, _typed(dict, "an object"))


def anything(name: str) -> Parameter:
    return _parameter(name, lambda _: None)


def array(name: str, most: int | None = None) -> Parameter:
    """An array of at most so many items."""

    def judge(value: Json) -> str | None:
        if not isinstance(value, list):
            return "an array"
        return f"an array of at most {most} items" if most is not None and len(value) > most else None

    return _parameter(name, judge)


def number(name: str, least: int = 0, most: int | None = None) -> Parameter:
    """A whole number in a range, ends included."""
    wanted = f"a number from {least} to {most}" if most is not None else f"a number of at least {least}"

    def judge(value: Json) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return None if fits and (most is None or value <= most) else wanted

    return _parameter(name, judge)


def choice(name: str, *allowed: str) -> Parameter:
    return _parameter(name, lambda value: None if value in allowed else f"one of {', '.join(allowed)}")


def moment(name: str) -> Parameter:
    """A date and time in RFC 3339 form."""
    return _parameter(name, lambda value: None if _is_moment(value) else "a date and time such as 2026-01-31T09:00:00Z")


def uuid4(name: str) -> Parameter:
    return _parameter(name, lambda value: None if _is_uuid4(value) else "a UUID v4")


def _parameter(name: str, judge: Judge) -> Parameter:
    return Parameter(tuple(name.removesuffix("!").split(".")), name.endswith("!"), judge)


def _typed(kind: type, wanted: str) -> Judge:
    return lambda value: None if isinstance(value, kind) else wanted


def _check_one(parameter: Parameter, holder: JsonObject, label: str) -> None:
    value = holder.get(parameter.path[-1])
    if value is None:
        if parameter.required:
            raise refused("validation", f"`{label}` is required")
        return
    if wanted := parameter.judge(value):
        raise refused("validation", f"`{label}` must be {wanted}")


def _holders(
    given: Json, path: tuple[str, ...], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[JsonObject, tuple[str, ...]]]:
    """The objects at a path, with the path of each."""
    if isinstance(given, list):
        for index, item in enumerate(given):
            if not isinstance(item, dict):
                raise refused("validation", f"`{'.'.join((*prefix, str(index)))}` must be an object")
            yield from _holders(item, path, (*prefix, str(index)))
    elif isinstance(given, dict):
        if not path:
            yield given, prefix
        else:
            yield from _holders(given.get(path[0]), path[1:], (*prefix, path[0]))


def _is_moment(value: Json) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_uuid4(value: Json) -> bool:
    try:
        return UUID(value).version == _UUID_VERSION
    except (AttributeError, TypeError, ValueError):
        return False


_UUID_VERSION: Final = 4
