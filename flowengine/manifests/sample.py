"""A value as a schema describes it, for where no real answer is to be had."""

from __future__ import annotations

from typing import Final

from flowengine.manifests.lenient import as_list, as_object
from flowengine.manifests.schema import Schemas
from flowengine.types import Json, JsonObject

_DEPTH = 8
_BY_FORMAT: Final = {
    "date-time": "2026-01-31T09:00:00Z",
    "date": "2026-01-31",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: JsonObject, schemas: Schemas, depth: int = _DEPTH) -> Json:
    """The schema's own example, default or first choice where it has one; one item a list; None where nothing is known."""
    found = schemas.resolve(schema)
    for key in ("example", "x-example", "default"):
        if found.get(key) is not None:
            return found[key]
    if choices := as_list(found.get("enum")):
        return choices[0]
    properties = as_object(found.get("properties"))
    match found.get("type"):
        case "object" if depth > 0:
            return {name: sample(as_object(one), schemas, depth - 1) for name, one in properties.items()}
        case "array" if depth > 0:
            return [sample(as_object(found.get("items")), schemas, depth - 1)]
        case "string":
            return _BY_FORMAT.get(str(found.get("format")), "sample")
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    if properties and depth > 0:
        return {name: sample(as_object(one), schemas, depth - 1) for name, one in properties.items()}
    return None
