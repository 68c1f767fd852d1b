"""How a webhook's registration is ended where no file says so.

Microsoft's way is DELETE at the `Location` of the registration's answer; the definition has a hidden DELETE operation there,
so that the gateway lets it through. Services that give no `Location` still have that operation, and an id in their answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation, Parameter
from flowengine.types import Json, JsonObject

_ABOUT_HOOKS = re.compile(r"hook|subscri|trigger|callback", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{[^{}/]+\}")
_DEEPEST = 4


def unsubscribing(
    connector: Connector, operation: Operation, inputs: Mapping[str, Json], answer: Json, location: str
) -> tuple[str, JsonObject] | None:
    """The operation that ends what `operation` registered, and its inputs; None when the definition has none.

    `inputs` and `answer` are those of the registration, `location` its `Location` header, empty when there was none.
    """
    candidates = sorted(_candidates(connector, operation), key=lambda one: _likeness(operation, one), reverse=True)
    for one in candidates:
        found = _from_location(one, location) if location else _from_answer(one, inputs, answer)
        if found is not None:
            return one.id, found
    return None


def _candidates(connector: Connector, operation: Operation) -> Iterator[Operation]:
    for id_, (path, method) in connector.places.items():
        if method.upper() != "DELETE":
            continue
        one = connector.operations[id_]
        about = _ABOUT_HOOKS.search(f"{id_} {path}") is not None
        if about or (one.visibility == "internal" and path.startswith(operation.path.rstrip("/"))):
            yield one


def _likeness(operation: Operation, other: Operation) -> tuple[bool, int]:
    """The hidden one, and the nearer path, come first."""
    mine, theirs = operation.path.split("/"), other.path.split("/")
    shared = next((index for index, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), len(mine))
    return other.visibility == "internal", shared


def _from_location(operation: Operation, location: str) -> JsonObject | None:
    """The path's parameters, read from an address that ends as the operation's path does."""
    names = [found[1:-1] for found in _PLACEHOLDER.findall(operation.path)]
    literals = [re.escape(part) for part in _PLACEHOLDER.split(operation.path.rstrip("/"))]
    if not names or not any(part.strip("\\/") for part in literals):
        return None
    found = re.search("([^/]+)".join(literals) + "/?$", urlsplit(location).path)
    if found is None or any(
        each.required and each.location != "path" and not _filled(each) for each in _own(operation)
    ):
        return None
    return dict(zip(names, map(unquote, found.groups()), strict=True))


def _from_answer(operation: Operation, inputs: Mapping[str, Json], answer: Json) -> JsonObject | None:
    """Each required parameter from what was registered or answered by that name; one more may be the id itself."""
    given = {_folded(name): value for name, value in inputs.items() if not isinstance(value, dict | list)}
    told = dict(reversed(list(_names(answer, 0))))
    found: JsonObject = {}
    unknown: list[Parameter] = []
    for each in _own(operation):
        name = _folded(each.name)
        if not each.required or _filled(each):
            continue
        if name in told or name in given:
            found[each.name] = told.get(name, given.get(name))
        else:
            unknown.append(each)
    if (
        len(unknown) > 1
        or any(each.location == "header" for each in unknown)
        or (not unknown and not any(_folded(name) in told for name in found))
    ):
        return None
    id_ = _id_in(answer, told)
    if unknown and id_ is None:
        return None
    return {**found, **{each.name: id_ for each in unknown}}


def _id_in(answer: Json, told: Mapping[str, Json]) -> Json:
    """What an answer calls its own id: `id`, else its only name that ends so, else the answer itself when it is a text."""
    if isinstance(answer, str | int) and not isinstance(answer, bool):
        return answer
    if "id" in told:
        return told["id"]
    named = [value for name, value in told.items() if name.endswith("id")]
    return named[0] if len(named) == 1 else None


def _names(value: Json, depth: int) -> Iterator[tuple[str, Json]]:
    """Every plain value by its name, the outer ones first."""
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict) or depth > _DEEPEST:
        return
    for name, item in value.items():
        if isinstance(item, str | int) and not isinstance(item, bool) and item != "":
            yield _folded(name), item
    for item in value.values():
        yield from _names(item, depth + 1)


def _own(operation: Operation) -> list[Parameter]:
    return [each for each in operation.parameters if each.location in ("path", "query", "header")]


def _filled(parameter: Parameter) -> bool:
    return parameter.internal and parameter.has_default


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
