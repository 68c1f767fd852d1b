"""Schemas of OpenAPI 2.0: references followed, `allOf` merged, bodies flattened to dotted parameters.

32 of Microsoft's public definitions are recursive, so every walk carries a guard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flowengine.manifests.lenient import as_list, as_object
from flowengine.types import Json, JsonObject

MAX_DEPTH = 12
"""How deep bodies are flattened; deeper properties are still accepted, they are only not listed."""
_MAX_REFERENCES = 32
_MOST_RESOLVED = 10_000


@dataclass(frozen=True, slots=True)
class Schemas:
    """The document that `$ref`s point into."""

    document: JsonObject
    _resolved: dict[int, tuple[Any, JsonObject]] = field(default_factory=dict, compare=False, repr=False)
    """By the schema's identity, the schema (so that the identity stays its own) and what it came to."""

    def resolve(self, schema: Any) -> JsonObject:
        """The schema itself: `$ref`s followed and `allOf` merged at its top; properties below stay as written.

        A reference that leads nowhere, or round in a circle, gives `{}`: anything goes. Every call of an operation asks for the
        same few schemas, which nobody changes: each is resolved once.
        """
        known = self._resolved.get(id(schema))
        if known is None:
            if len(self._resolved) >= _MOST_RESOLVED:
                self._resolved.clear()
            known = self._resolved[id(schema)] = (schema, _tidy(self._merged(self.follow(schema), _MAX_REFERENCES)))
        return known[1]

    def follow(self, value: Any) -> JsonObject:
        """What a `$ref` stands for. What is written beside it (a description, a visibility) wins."""
        beside: JsonObject = {}
        found = as_object(value)
        for _ in range(_MAX_REFERENCES):
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return {**found, **beside} if beside else found
            beside = {**{key: item for key, item in found.items() if key != "$ref"}, **beside}
            found = as_object(self._at(reference))
        return {}

    def _at(self, reference: str) -> Json:
        if not reference.startswith("#"):
            return {}
        found: Json = self.document
        for part in reference.lstrip("#").strip("/").split("/"):
            found = as_object(found).get(part.replace("~1", "/").replace("~0", "~").replace("%20", " "), {})
        return found

    def _merged(self, schema: JsonObject, left: int) -> JsonObject:
        if not as_list(schema.get("allOf")) or not left:
            return schema
        merged: JsonObject = {}
        for part in [*as_list(schema["allOf"]), {key: item for key, item in schema.items() if key != "allOf"}]:
            resolved = self._merged(self.follow(part), left - 1)
            properties = {**as_object(merged.get("properties")), **as_object(resolved.get("properties"))}
            required = [*as_list(merged.get("required")), *as_list(resolved.get("required"))]
            merged = {**merged, **resolved}
            if properties:
                merged["properties"] = properties
            if required:
                merged["required"] = required
        return merged


_KINDS: Final[tuple[tuple[str, type | tuple[type, ...]], ...]] = (
    ("properties", dict),
    ("items", dict),
    ("enum", list),
    ("required", list),
    ("minLength", int),
    ("minimum", (int, float)),
    ("x-ms-enum-values", list),
)
"""What readers of schemas rely on. A key of another kind counts as absent, as everywhere in files that people write."""


def _tidy(schema: JsonObject) -> JsonObject:
    """The schema without what has the wrong kind; itself when nothing has."""
    wrong = [key for key, kind in _KINDS if key in schema and not isinstance(schema[key], kind)]
    needed = schema.get("required")
    named = not isinstance(needed, list) or all(isinstance(name, str) for name in needed)
    if not wrong and named:
        return schema
    tidied = {key: value for key, value in schema.items() if key not in wrong}
    return tidied if named else {**tidied, "required": [name for name in as_list(needed) if isinstance(name, str)]}


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a body or an answer, at its dotted path; arrays are passed through without an index."""

    path: str
    name: str
    schema: JsonObject
    required: bool
    """Whether the object that holds it needs it."""
    required_always: bool
    """Whether every object on the way is needed too, so that a call without it cannot succeed."""
    internal: bool
    """Whether it, or an object that holds it, is hidden from authors."""


def flatten(schemas: Schemas, schema: Any, *, prefix: str = "", required: bool = True) -> Iterator[Field]:
    """The properties of an object (or of an array's objects), parents before children, in the file's order.

    `prefix` is the dotted path of the value that `schema` describes, empty for the root.
    """
    top = Field(prefix, "", {}, required=required, required_always=required, internal=False)
    yield from _walk(schemas, schema, top, frozenset(), 0)


def _walk(schemas: Schemas, schema: Any, parent: Field, seen: frozenset[str], depth: int) -> Iterator[Field]:
    resolved, seen = _inside(schemas, schema, seen)
    if resolved is None or depth > MAX_DEPTH:
        return
    needed = frozenset(name for name in as_list(resolved.get("required")) if isinstance(name, str))
    for name, child in as_object(resolved.get("properties")).items():
        field = _field(schemas, name, child, parent, name in needed)
        yield field
        yield from _walk(schemas, child, field, seen, depth + 1)


def _field(schemas: Schemas, name: str, schema: Any, parent: Field, needed: bool) -> Field:
    resolved = schemas.resolve(schema)
    return Field(
        path=f"{parent.path}.{name}" if parent.path else name,
        name=name,
        schema=resolved,
        required=needed,
        required_always=needed and parent.required_always,
        internal=parent.internal or resolved.get("x-ms-visibility") == "internal",
    )


def _inside(schemas: Schemas, schema: Any, seen: frozenset[str]) -> tuple[JsonObject | None, frozenset[str]]:
    """The object within any number of arrays; None when a reference comes round again."""
    for _ in range(_MAX_REFERENCES):
        reference = as_object(schema).get("$ref")
        if isinstance(reference, str):
            if reference in seen:
                return None, seen
            seen |= {reference}
        resolved = schemas.resolve(schema)
        if "properties" in resolved or "items" not in resolved:
            return resolved, seen
        schema = resolved["items"]
    return None, seen


def type_of(schema: Mapping[str, Any]) -> str | None:
    """The declared type; the first that is not null when several are; guessed from `properties` and `items`."""
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((word for word in declared if word != "null"), None)
    if isinstance(declared, str):
        return declared
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else None
