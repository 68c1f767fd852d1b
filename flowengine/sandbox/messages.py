"""What goes in and out of a stand-in: a call, its answer, and the refusal that a service's code raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from flowengine.types import Json, JsonObject

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read to its end. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Json:
        """The body read as JSON, None when there is none. Raises `ValueError` when it is something else."""
        return orjson.loads(self.body) if self.body.strip() else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"{answer.status} {answer.body.decode(errors='replace')}")


def json_answer(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is JSON."""
    given = tuple((headers or {}).items())
    return Answer(status, orjson.dumps(body), (("content-type", JSON), *given))


def merged(defaults: JsonObject, given: JsonObject) -> JsonObject:
    """`defaults` with what was `given` laid over it, objects within objects included."""
    result = dict(defaults)
    for key, value in given.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result
