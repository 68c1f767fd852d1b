"""Forms that pages send: a few text fields, never files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from flowengine.server.context import raw_body

FIELDS_AT_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Form:
    """The fields in their order."""

    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for field, value in self.fields if field == name]

    def one(self, name: str) -> str:
        """The last value of a field, without the spaces around it; empty when there is none."""
        return (self.all(name) or [""])[-1].strip()


async def form_of(request: Request) -> Form:
    """The form that was sent. Answers 400 for anything else, 413 above the limit."""
    raw = await raw_body(request)
    try:
        fields = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_AT_MOST)
    except (UnicodeDecodeError, ValueError):
        raise HTTPException(400, "this is not a form") from None
    return Form(tuple(fields))
