"""Connectors as pages of reference: what each operation takes, what it gives, and YAML to copy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from flowengine.errors import InvalidFile, NotFound
from flowengine.manifests.catalog import Catalog
from flowengine.manifests.definition import Connector
from flowengine.manifests.operation import Operation, Parameter

FIELDS: Final = 60
_PLAIN: Final = re.compile(r"[A-Za-z][\w ()/.,'-]*[\w).']")
_BY_TYPE: Final = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


@dataclass(frozen=True, slots=True)
class Help:
    """An operation for its readers."""

    connector: str
    operation: Operation
    parameters: tuple[Parameter, ...]
    fields: tuple[str, ...]
    """What comes back, at the top."""
    snippet: str


def help_of(catalog: Catalog, use: str) -> Help | None:
    """The help for `connector.Operation`; None when there is none of that name."""
    name, _, operation = use.partition(".")
    try:
        connector = catalog.get(name)
        return helped(connector, connector.operation(operation))
    except (NotFound, InvalidFile):
        return None


def helped(connector: Connector, operation: Operation) -> Help:
    """The help for one operation; internal parameters are left out, required ones come first."""
    visible = [one for one in operation.parameters if not one.internal]
    visible.sort(key=lambda one: not one.required_always)
    return Help(
        connector.name,
        operation,
        tuple(visible),
        tuple(_fields(connector, operation))[:FIELDS],
        snippet(connector.name, operation),
    )


def _fields(connector: Connector, operation: Operation) -> list[str]:
    schema = connector.resolve(operation.returns)
    for _ in range(5):
        if schema.get("type") != "array":
            break
        schema = connector.resolve(schema.get("items") or {})
    return list(schema.get("properties") or {})


def snippet(connector: str, operation: Operation) -> str:
    """The YAML of an action or trigger with every required parameter."""
    tree: dict[str, Any] = {}
    for parameter in operation.parameters:
        if parameter.required_always and not parameter.internal and "$" not in parameter.path:
            _put(tree, parameter.path.split("."), _sample(parameter))
    use = f"use: {connector}.{operation.id}"
    if operation.kind == "trigger":
        return "\n".join(["trigger:", f"  {use}", *_with(tree, 2)])
    return "\n".join([f"  - name: {_plain(operation.summary or operation.id)}", f"    {use}", *_with(tree, 4)])


def _put(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            inner = tree[part] = {}
        tree = inner
    tree.setdefault(parts[-1], value)


def _sample(parameter: Parameter) -> Any:
    if parameter.has_default and parameter.default is not None:
        return parameter.default
    return parameter.enum[0] if parameter.enum else _BY_TYPE.get(parameter.type or "", "...")


def _with(tree: dict[str, Any], indent: int) -> list[str]:
    return [f"{' ' * indent}with:", *_lines(tree, indent + 2)] if tree else []


def _lines(tree: dict[str, Any], indent: int) -> list[str]:
    made: list[str] = []
    for name, value in tree.items():
        start = f"{' ' * indent}{_plain(name)}:"
        if isinstance(value, dict) and value:
            made += [start, *_lines(value, indent + 2)]
        else:
            made.append(f"{start} {json.dumps(value, ensure_ascii=False)}")
    return made


def _plain(text: str) -> str:
    """A name as it is where YAML takes it for text, else in quotes."""
    text = " ".join(text.split())
    word = text.lower() in ("true", "false", "null", "yes", "no", "on", "off")
    return text if _PLAIN.fullmatch(text) and not word else json.dumps(text, ensure_ascii=False)
