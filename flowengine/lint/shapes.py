"""Static shapes: what is known of a value before anything runs.

An unknown shape silences a check; nothing is ever guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowengine.manifests.definition import Connector
from flowengine.types import Json

_WORDS = {
    "string": "a text",
    "integer": "a number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A value's type and, for objects and lists, what is inside; `UNKNOWN` when nothing is known."""

    type: str | None = None
    fields: Mapping[str, Shape] | None = None
    """None: an object of which nothing more is known."""
    item: Shape | None = None
    closed: bool = False
    """Whether there can be no other fields: what the engine itself makes. Services return more than they declare."""
    schema: Any = None
    """Read when it is needed: schemas are recursive."""
    connector: Connector | None = field(default=None, repr=False)
    choices: tuple[str, ...] = ()
    """The only texts that it can be, where they are declared."""
    moment: bool = False
    """Whether the text is a moment in time."""

    def settled(self) -> Shape:
        """The same shape with one level of its schema read."""
        return _remembered(self.schema, self.connector) if self.connector is not None and self.schema else self

    @property
    def words(self) -> str:
        """The type, as an author would say it."""
        return _WORDS.get(self.type or "", "a value")


UNKNOWN = Shape()
TEXT = Shape("string")
NUMBER = Shape("number")
BOOLEAN = Shape("boolean")
MOMENT = Shape("string", moment=True)


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that a shape does not have: which part of the chain, and what there is instead."""

    index: int
    owner: Shape
    names: tuple[str, ...]


def record(**fields: Shape) -> Shape:
    """An object of the engine's own, with exactly these fields."""
    return Shape("object", fields, closed=True)


def list_of(item: Shape) -> Shape:
    """A list of one kind of items."""
    return Shape("array", item=item)


def of_schema(schema: Any, connector: Connector) -> Shape:
    """The shape of what a manifest's schema describes."""
    return Shape(schema=schema, connector=connector) if schema else UNKNOWN


def of_value(value: Json) -> Shape:
    """The shape of a literal in a flow; texts may hold templates, whose type is not known."""
    match value:
        case bool():
            return BOOLEAN
        case int() | float():
            return NUMBER
        case str() if "{{" not in value and "{%" not in value:
            return TEXT
        case dict():
            return Shape("object", {str(name): of_value(item) for name, item in value.items()}, closed=True)
        case list():
            return Shape("array", item=of_value(value[0]) if len(value) == 1 else UNKNOWN)
    return UNKNOWN


def follow(shape: Shape, parts: Iterable[str | int]) -> Shape | Missing:
    """The shape at the end of a chain of fields, or the first field that is not there."""
    for index, part in enumerate(parts):
        now = shape.settled()
        if now.type == "array":
            if isinstance(part, str):
                return Missing(index, now, ())
            shape = now.item or UNKNOWN
        elif now.type == "object" and now.fields is not None:
            if part not in now.fields:
                return Missing(index, now, tuple(now.fields)) if isinstance(part, str) else UNKNOWN
            shape = now.fields[str(part)]
        elif now.type in ("number", "integer", "boolean", "string"):
            return Missing(index, now, ()) if isinstance(part, str) else UNKNOWN
        else:
            return UNKNOWN
    return shape


def _remembered(schema: Any, connector: Connector) -> Shape:
    """Schemas are read once for all flows: a check of many asks for the same ones ten thousand times."""
    found = connector.memory.get(id(schema))
    if found is None or found[0] is not schema:  # identities begin anew in another process
        found = connector.memory[id(schema)] = (schema, _read(schema, connector))
    shape: Shape = found[1]
    return shape


def _read(schema: Any, connector: Connector) -> Shape:
    resolved = connector.resolve(schema)
    kind = resolved.get("type")
    properties = resolved.get("properties")
    if isinstance(properties, dict) and properties and kind in (None, "object") and not _is_open(resolved):
        fields = {
            str(name): Shape(schema=inner or {"x-any": True}, connector=connector) for name, inner in properties.items()
        }
        return Shape("object", fields)
    if kind == "array":
        items = resolved.get("items")
        return Shape("array", item=of_schema(items, connector))
    if kind in ("string", "number", "integer", "boolean") and not resolved.get("x-nullable"):
        return Shape(
            str(kind), choices=_choices(resolved), moment=kind == "string" and resolved.get("format") == "date-time"
        )
    return Shape("object") if kind == "object" else UNKNOWN


def _choices(schema: Mapping[str, Any]) -> tuple[str, ...]:
    allowed = schema.get("enum")
    return tuple(str(one) for one in allowed) if isinstance(allowed, list) and schema.get("type") == "string" else ()


def merged(shapes: Iterable[Shape]) -> Shape:
    """What is known of a value that has one of several shapes: a field that one of them has may be read."""
    first, *rest = [shape.settled() for shape in shapes] or [UNKNOWN]
    for other in rest:
        first = _either(first, other)
    return first


def _either(one: Shape, other: Shape) -> Shape:
    if one == other:
        return one
    if one.type != other.type or one.type is None:
        return UNKNOWN
    if one.type == "array":
        return list_of(merged((one.item or UNKNOWN, other.item or UNKNOWN)))
    if one.type == "object" and one.fields is not None and other.fields is not None:
        fields = {**one.fields, **other.fields}
        both = {name: merged((one.fields[name], other.fields[name])) for name in one.fields if name in other.fields}
        return Shape("object", {**fields, **both}, closed=one.closed and other.closed)
    return Shape(one.type, moment=one.moment and other.moment)


def _is_open(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("additionalProperties")) or any(key.startswith("x-ms-dynamic") for key in schema)
