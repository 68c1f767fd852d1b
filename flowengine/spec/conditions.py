"""Conditions as data: what an author may write under `conditions`, `if`, `when` and `until`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from flowengine.spec.source import Location
from flowengine.types import Json

UNARY_OPERATORS = ("is_empty", "exists")
"""These take `true` or `false`: whether it should be so."""

OPERATORS = (
    "is",
    "is_not",
    "contains",
    "does_not_contain",
    "starts_with",
    "ends_with",
    "matches",
    "is_one_of",
    "more_than",
    "less_than",
    "at_least",
    "at_most",
    "before",
    "after",
    *UNARY_OPERATORS,
)


@dataclass(frozen=True, slots=True)
class Truth:
    """A template (or a plain `true`/`false`) that gives the answer itself."""

    template: str | bool
    loc: Location


@dataclass(frozen=True, slots=True)
class Comparison:
    """`value: ... contains: ...`: two values and how they are compared; `value` and `operand` may hold templates."""

    value: Json
    operator: str
    operand: Json
    match_case: bool
    loc: Location


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one must hold; a plain list of conditions is read as this."""

    conditions: tuple[Condition, ...]
    loc: Location


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one must hold."""

    conditions: tuple[Condition, ...]
    loc: Location


@dataclass(frozen=True, slots=True)
class Not:
    """It must not hold."""

    condition: Condition
    loc: Location


Condition: TypeAlias = Truth | Comparison | AllOf | AnyOf | Not
