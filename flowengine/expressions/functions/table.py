"""How functions are declared: each with its words, an example and what the example gives; tests run them, docs show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from flowengine.types import Json, JsonObject

F = TypeVar("F", bound=Callable[..., Any])

Family = Literal["dates", "text", "lists", "numbers", "logic", "objects"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the template language; those with `filter` can stand behind a `|` too."""

    name: str
    family: Family
    call: Callable[..., Any]
    signature: str
    """How it is written, such as `addDays(moment, days, format?)`."""
    about: str
    example: str
    """A template."""
    result: Json
    """What the example gives."""
    scope: JsonObject = field(default_factory=dict)
    """The names that the example reads."""
    is_filter: bool = True
    is_function: bool = True
    cheap: bool = True
    """Whether its cost is bounded by the size of what it is given; others run in the child process."""
    takes_missing: bool = False
    """Whether a missing value may be given to it."""
    drawn: bool = False
    """Whether it reads the run's clock or chance, which are recorded."""


class Table:
    """The functions of one family, in the order they are declared."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.functions: list[Function] = []

    def add(self, signature: str, about: str, example: str, result: Json, **more: Any) -> Callable[[F], F]:
        """Declare the decorated function under the name that the signature begins with."""

        def declare(call: F) -> F:
            self.functions.append(
                Function(
                    name=signature.split("(", maxsplit=1)[0],
                    family=self.family,
                    call=call,
                    signature=signature,
                    about=about,
                    example=example,
                    result=result,
                    **more,
                )
            )
            return call

        return declare
