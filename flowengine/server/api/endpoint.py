"""What is declared of each endpoint. Routes, roles, checked bodies and the OpenAPI document all come from this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from flowengine.findings import did_you_mean, wrong_value
from flowengine.server.access import CHANGING, Role
from flowengine.server.context import Handler, app_of, raw_body
from flowengine.types import JsonObject, is_deeper

PAGE_AT_MOST: Final = 500
WAIT_AT_MOST: Final = 60


class Body(BaseModel):
    """A request's body: known fields only, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Nothing(Body):
    """No fields; the body may be left out."""


BodyKind = TypeVar("BodyKind", bound=Body)


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query."""

    name: str
    doc: str
    schema: JsonObject = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method at one path below `/api/v1`; its name and its sentence are the handler's."""

    method: str
    path: str
    handler: Handler
    role: Role
    query: tuple[Query, ...] = ()
    body: type[Body] | None = None
    gives: Mapping[str, JsonObject] = field(default_factory=dict)
    """The fields of the answer beside `v`, each with its schema."""
    status: int = 200
    looked: Mapping[str, JsonObject] | None = None
    """The fields of the answer 200 of a change that was only looked at (`dry_run`), where `status` is another."""
    plain: bool = False
    """Whether the answer is a document of another format, without `v`."""
    media_type: str = "application/json"
    repeatable: bool = False
    """Whether it honours `Idempotency-Key`."""

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def changes(self) -> bool:
        return self.method in CHANGING

    @property
    def doc(self) -> str:
        return " ".join((self.handler.__doc__ or "").split())


LIMIT: Final = Query(
    "limit", "At most this many.", {"type": "integer", "minimum": 1, "maximum": PAGE_AT_MOST, "default": 20}
)
BEFORE: Final = Query("before", "The `next` of the page before this one.")
SINCE: Final = Query("since", "Only newer ones.", {"type": "string", "format": "date-time"})
FLOW: Final = Query("flow", "Only this flow's.")
FLOW_VERSION: Final = Query("flow_version", "Only runs of this version of a flow; its beginning is enough.")


def one_of(words: Sequence[str]) -> JsonObject:
    """The schema of a repeatable query parameter with these words."""
    return {"type": "array", "items": {"type": "string", "enum": [str(word) for word in words]}}


async def read(request: Request, kind: type[BodyKind]) -> BodyKind:
    """The request's body. Answers 400 with the field and what is wrong with it."""
    raw = await raw_body(request)
    try:
        found = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "the body must be a JSON object")
    limit = app_of(request).settings.limits.json_depth
    if is_deeper(found, limit):
        raise HTTPException(400, f"the body is nested more than {limit} deep")
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise HTTPException(400, _in_words(error, kind)) from None


def _in_words(error: ValidationError, kind: type[Body]) -> str:
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            return f'unknown field "{name:.80}"; {did_you_mean(name, kind.model_fields)}'.rstrip("; ")
        case "missing":
            return f'the field "{name:.80}" is missing'
        case _:
            return f'the field "{name:.80}" {wrong_value(problem)}'


def words(given: list[str], known: Sequence[str]) -> list[str]:
    """Repeated or comma-separated words of the query, each known. Answers 400 for any other, and for none where one should be."""
    found = [word for text in given for word in text.split(",")]
    for word in found:
        if word not in known:
            raise HTTPException(400, f'"{word:.40}" is not one of: {", ".join(str(one) for one in known)}')
    return found
