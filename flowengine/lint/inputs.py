"""What an author writes under `with`, held against the operation: names, what is required, types and allowed values.

Templates are left alone: what they give is known only when they run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from flowengine.findings import did_you_mean, nearest
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import CALLBACK, Operation, Parameter
from flowengine.spec.document import MISTAKES
from flowengine.spec.reading import describe, has_template, one_of
from flowengine.spec.source import Location
from flowengine.types import Json

_DEEPEST = 12
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in an action's or trigger's inputs."""

    kind: Literal["unknown", "missing", "value", "template"]
    loc: Location
    message: str
    hint: str = ""
    at_key: bool = False
    name: str = ""
    """The parameter's own name."""
    wanted: str = ""
    """Of a template: the type of what it should give. It is a mistake only if it is known to give another."""


def problems(
    connector: Connector, operation: Operation, inputs: Mapping[str, Json], loc: Location, made: Collection[str] = ()
) -> Iterator[Problem]:
    """Every mistake in `inputs`, which stand at `loc`. `made` are dotted paths that the engine fills in.

    What is missing because it was misspelt is told once, as misspelt.
    """
    found = list(islice(_all(connector, operation, inputs, loc, made), MISTAKES))
    for problem in found:
        if problem.kind != "missing" or not _misspelt(problem, found):
            yield problem


def _misspelt(missing: Problem, found: list[Problem]) -> bool:
    """Whether one of the unknown names beside it was most likely meant to be the missing one."""
    unknown = [one.name for one in found if one.kind == "unknown" and one.loc[:-1] == missing.loc]
    return any(nearest(name, [missing.name]) for name in unknown[:20])


def _all(
    connector: Connector, operation: Operation, inputs: Mapping[str, Json], loc: Location, made: Collection[str]
) -> Iterator[Problem]:
    outside = {parameter.name: parameter for parameter in operation.parameters if parameter.location != "body"}
    for parameter in outside.values():
        yield from _outside(connector, parameter, inputs, loc, made)
    rest = {name: value for name, value in inputs.items() if name not in outside and name != CALLBACK}
    if operation.body is None:
        shown = [parameter.path for parameter in operation.parameters if not parameter.internal]
        yield from (_unknown((*loc, name), name, operation.id, shown) for name in rest)
        return
    yield from _Body(connector, operation, frozenset(made), list(outside)).check(rest, loc)


def _outside(
    connector: Connector, parameter: Parameter, inputs: Mapping[str, Json], loc: Location, made: Collection[str]
) -> Iterator[Problem]:
    if parameter.name in inputs:
        yield from _value(connector, parameter.schema, inputs[parameter.name], (*loc, parameter.name), loose=True)
    elif parameter.required and parameter.name not in made and not (parameter.internal and parameter.has_default):
        yield _missing(loc, parameter.name, parameter.description or parameter.title)


def _missing(loc: Location, name: str, about: str) -> Problem:
    hint = f'add "{name}:" under "with"' + (f" ({about.rstrip('.')})" if about else "")
    told = f'the required parameter "{name}" is missing'
    return Problem("missing", loc, told, hint, at_key=True, name=name.rpartition(".")[2])


def _unknown(loc: Location, name: str, owner: str, names: Collection[str]) -> Problem:
    shown = [one for one in names if one]
    hint = did_you_mean(name, shown) if shown else "it takes none"
    return Problem("unknown", loc, f'"{owner}" has no parameter "{name}"', hint, at_key=True, name=str(loc[-1]))


@dataclass(frozen=True, slots=True)
class _Body:
    connector: Connector
    operation: Operation
    made: frozenset[str]
    others: list[str]

    def check(self, given: dict[str, Json], loc: Location) -> Iterator[Problem]:
        spec = self.operation.body
        assert spec is not None
        root = self.connector.resolve(spec.schema)
        properties = _properties(root)
        if not properties:
            yield from self._whole(root, given, loc, spec.name)
            return
        inner = given.get(spec.name)
        if spec.name in given and spec.name not in properties:
            given = {name: value for name, value in given.items() if name != spec.name}
            if has_template(inner):
                return
            if isinstance(inner, dict) and not given:
                yield from self._object(root, inner, (*loc, spec.name), "", 0)
                return
        needed = spec.required or bool(given)
        yield from self._object(root, given, loc, "", 0, needed=needed)

    def _whole(self, root: Mapping[str, Any], given: dict[str, Json], loc: Location, name: str) -> Iterator[Problem]:
        """A body that is not an object with declared keys stands under the body parameter's own name."""
        open_ended = root.get("type") in (None, "object")
        if name in given:
            yield from _value(self.connector, root, given[name], (*loc, name), loose=False)
        elif (
            self.operation.body is not None
            and self.operation.body.required
            and not (open_ended and given)
            and "default" not in root
        ):
            yield _missing(loc, name, self.operation.body.description)
        if not open_ended:
            yield from (
                _unknown((*loc, one), one, self.operation.id, [*self.others, name]) for one in given if one != name
            )

    def _object(
        self,
        schema: Mapping[str, Any],
        value: Mapping[str, Json],
        loc: Location,
        prefix: str,
        depth: int,
        *,
        needed: bool = True,
    ) -> Iterator[Problem]:
        properties = _properties(schema)
        if depth > _DEEPEST or not properties:
            return
        closed = not schema.get("additionalProperties") and "discriminator" not in schema
        names = [*properties, *(self.others if depth == 0 else ())]
        for name, item in value.items():
            if name in properties:
                yield from self._inner(properties[name], item, (*loc, name), f"{prefix}{name}", depth)
            elif closed:
                yield _unknown((*loc, name), name, prefix.rstrip(".") or self.operation.id, names)
        for name in schema.get("required") or ():
            if (
                needed
                and name in properties
                and name not in value
                and not self._filled(properties[name], f"{prefix}{name}")
            ):
                about = self.connector.resolve(properties[name])
                yield _missing(loc, f"{prefix}{name}", str(about.get("description") or ""))

    def _filled(self, schema: Any, path: str) -> bool:
        resolved = self.connector.resolve(schema)
        hidden = resolved.get("x-ms-visibility") == "internal" and "default" in resolved
        made = any(one == path or one.startswith(f"{path}.") for one in self.made)
        return hidden or made or self._filled_inside(resolved)

    def _filled_inside(self, resolved: Mapping[str, Any]) -> bool:
        """An object whose every required key has a hidden default is made without the author."""
        required, properties = resolved.get("required") or (), _properties(resolved)
        return bool(required) and all(name in properties and self._filled(properties[name], "\0") for name in required)

    def _inner(self, schema: Any, value: Json, loc: Location, path: str, depth: int) -> Iterator[Problem]:
        resolved = self.connector.resolve(schema)
        if isinstance(value, dict) and _properties(resolved):
            yield from self._object(resolved, value, loc, f"{path}.", depth + 1)
        elif isinstance(value, list) and resolved.get("type") == "array":
            for index, item in enumerate(value):
                yield from self._inner(resolved.get("items") or {}, item, (*loc, index), path, depth + 1)
        else:
            yield from _value(self.connector, resolved, value, loc, loose=False)


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _value(
    connector: Connector, schema: Mapping[str, Any], value: Json, loc: Location, *, loose: bool
) -> Iterator[Problem]:
    """A literal against its schema; `loose`: it travels as text, outside the body."""
    resolved = connector.resolve(schema)
    kind = resolved.get("type")
    if has_template(value):
        if kind in _TYPES and not (loose and kind == "array"):
            yield Problem("template", loc, "", wanted=str(kind))
        return
    # Some definitions give their choices another type than their own: what is listed is allowed.
    listed = resolved.get("enum")
    if value is None or (isinstance(listed, list) and value in listed):
        return
    if not _fits(kind, value, loose=loose):
        told = f'"{_last(loc)}" must be {_TYPES[str(kind)]}, not {describe(value)}'
        yield Problem("value", loc, told, _as_keys(resolved) if kind == "object" else "")
        return
    allowed = resolved.get("enum")
    if (
        isinstance(allowed, list)
        and allowed
        and not isinstance(value, dict | list)
        and str(value) not in {str(one) for one in allowed}
    ):
        words = [str(one) for one in allowed]
        found = nearest(str(value), words)
        hint = f'did you mean "{found}"?' if found else f"write {one_of(words[:12])}"
        yield Problem("value", loc, f'"{_last(loc)}" cannot be "{value}"', hint)


def _as_keys(schema: Mapping[str, Any]) -> str:
    """How a group of keys is written: with the first that must be there."""
    known = schema.get("properties")
    names = schema.get("required") or list(known if isinstance(known, dict) else ()) or ["name"]
    return f"write it as keys with values: {{ {names[0]}: ... }}"


def _last(loc: Location) -> str:
    return str(next((part for part in reversed(loc) if isinstance(part, str)), ""))


def _fits(kind: Any, value: Json, *, loose: bool) -> bool:
    match kind:
        case "integer":
            return _is_number(value) and (isinstance(value, int) or float(value).is_integer())
        case "number":
            return _is_number(value)
        case "boolean":
            return isinstance(value, bool) or str(value).lower() in ("true", "false")
        case "string":
            return not isinstance(value, list | dict) or (isinstance(value, dict) and "$content" in value)
        case "array":
            return isinstance(value, list) or (loose and isinstance(value, str | int))
        case "object":
            return isinstance(value, dict)
        case _:
            return True


def unfit(wanted: str, given: str | None) -> str:
    """What a parameter must be, in words, when a template for it is known to give another type; else empty."""
    refused = {
        "string": ("array", "object"),
        "integer": ("array", "object", "boolean"),
        "number": ("array", "object", "boolean"),
        "boolean": ("array", "object", "number", "integer"),
        "array": ("string", "number", "integer", "boolean", "object"),
        "object": ("string", "number", "integer", "boolean", "array"),
    }
    return _TYPES[wanted] if given in refused.get(wanted, ()) else ""


def _is_number(value: Json) -> bool:
    if isinstance(value, bool | list | dict):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True
