"""Inputs made up from an operation's schemas: for `connectors check`, and for snippets to copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowengine.manifests.operation import CALLBACK
from flowengine.manifests.schema import type_of
from flowengine.types import Json, JsonObject

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation

DEEPEST = 12
"""Recursive schemas end here."""

_TEXTS = {
    "date-time": "2026-01-31T09:00:00Z",
    "date": "2026-01-31",
    "byte": "c2FtcGxl",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "someone@example.com",
    "uri": "https://example.com/",
}


def sample_inputs(connector: Connector, operation: Operation, text: str = "sample") -> JsonObject:
    """Every input that an operation cannot be called without; what the engine fills in itself is left out.

    `text` stands where any text will do. A webhook is given an address as `$callback_url`.
    """
    made = _Samples(connector, text, _filled_in(operation))
    addressed = _addressed(connector, operation)
    given: JsonObject = {
        each.name: made.sample(each.schema, "")
        for each in operation.parameters
        if each.location != "body"
        and (each.required or each.name.lower() in addressed)
        and not (each.internal and each.has_default)
        and each.name not in made.filled
    }
    if operation.body is not None and operation.body.required:
        given |= _body(connector, operation, made, given)
    elif operation.body is not None:
        root = connector.resolve(operation.body.schema)
        given |= _body(connector, operation, made, given) if root.get("required") and root.get("properties") else {}
    return {**given, CALLBACK: "https://flows.example.com/hooks/sample"} if operation.webhook else given


def author_inputs(connector: Connector, operation: Operation) -> JsonObject:
    """What an author has to write, with dots where a text belongs. The engine knows its own address itself."""
    given = sample_inputs(connector, operation, text="...")
    given.pop(CALLBACK, None)
    return given


def _body(connector: Connector, operation: Operation, made: _Samples, given: JsonObject) -> JsonObject:
    """An object's properties at the top, unless a name is taken there; anything else under the body's own name."""
    spec = operation.body
    assert spec is not None
    root = connector.resolve(spec.schema)
    value = made.sample(root, "")
    outside = {each.name for each in operation.parameters if each.location != "body"} | set(given)
    if isinstance(value, dict) and root.get("properties"):
        return {spec.name: value} if value and outside & set(value) else value
    return {} if "default" in root and value in ({}, []) else {spec.name: value}


def _filled_in(operation: Operation) -> frozenset[str]:
    """The dotted paths that the engine fills in when it registers a webhook."""
    spec = operation.webhook
    if spec is None:
        return frozenset()
    secret = spec.secret.parameter if spec.secret else None
    return frozenset({spec.callback, *spec.register_with, *([secret] if secret else [])})


def _addressed(connector: Connector, operation: Operation) -> frozenset[str]:
    """The parameters, in lower case, without which a policy could not make the address."""
    from flowengine.connectors.policy_expressions import Call, parse

    return frozenset(
        part.arguments[0].lower()
        for policy in connector.policies_for(operation.id)
        if policy.template in ("dynamichosturl", "routerequesttoendpoint")
        for value in policy.parameters.values()
        for part in parse(str(value))
        if isinstance(part, Call) and part.function in ("headers", "queryparameters") and part.arguments
    )


@dataclass(frozen=True, slots=True)
class _Samples:
    """Values that fit schemas, with nothing in them that is not required."""

    connector: Connector
    text: str
    filled: frozenset[str]

    def sample(self, schema: JsonObject, path: str, depth: int = 0) -> Json:
        found = self.connector.resolve(schema)
        kind = type_of(found)
        if _fits(kind, found.get("default")):
            return found["default"]
        if found.get("enum"):
            return found["enum"][0]
        match kind:
            case "array":
                return [] if depth > DEEPEST else [self.sample(found.get("items") or {}, path, depth + 1)]
            case "object":
                return self._object(found, path, depth)
            case "integer" | "number":
                return found.get("minimum", 1)
            case "boolean":
                return True
            case _:
                return self._text(found)

    def _object(self, schema: JsonObject, path: str, depth: int) -> JsonObject:
        """What the object needs; what it says it needs and does not declare cannot be given."""
        properties = schema.get("properties") or {}
        if depth > DEEPEST:
            return {}
        below = ((name, f"{path}.{name}" if path else name) for name in schema.get("required") or [])
        return {
            name: self.sample(properties[name], place, depth + 1)
            for name, place in below
            if name in properties and place not in self.filled and not self._hidden(properties[name])
        }

    def _hidden(self, schema: JsonObject) -> bool:
        """Whether the engine knows the value."""
        from flowengine.connectors.values import hidden_default

        return hidden_default(self.connector.schemas, schema) is not None

    def _text(self, schema: JsonObject) -> str:
        text = _TEXTS.get(str(schema.get("format")), self.text)
        return text + "x" * max(0, int(schema.get("minLength") or 0) - len(text))


def _fits(kind: str | None, default: Json) -> bool:
    """Whether a default can be sent: some definitions give an empty text, a line break, or another type."""
    if isinstance(default, str):
        return bool(default.strip()) and default.isprintable() and kind in (None, "string")
    if kind in ("integer", "number"):
        return isinstance(default, int | float) and not isinstance(default, bool)
    return default is not None and kind != "object" and (kind != "boolean" or isinstance(default, bool))
