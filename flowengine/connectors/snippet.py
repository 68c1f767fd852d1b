"""An operation as YAML to copy into a flow: for terminals, reference pages and web pages alike."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from flowengine.connectors.samples import author_inputs

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation


def snippet(connector: Connector, operation: Operation) -> str:
    """The YAML of an action or trigger with every required parameter, ready to paste into a flow."""
    given = author_inputs(connector, operation)
    use = f"use: {connector.name}.{operation.id}"
    if operation.kind == "trigger":
        return "\n".join(["trigger:", f"  {use}", *_with(given, 2)])
    name = operation.summary or operation.id
    return "\n".join([f"  - name: {_plain(' '.join(name.split()))}", f"    {use}", *_with(given, 4)])


def _with(given: dict[str, Any], indent: int) -> list[str]:
    return [f"{' ' * indent}with:", *_yaml(given, indent + 2)] if given else []


def _yaml(value: Any, indent: int) -> list[str]:
    """Lines of YAML in which no text can be mistaken for something else."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, dict):
        for name, item in value.items():
            nested = isinstance(item, dict | list) and bool(item)
            lines += (
                [f"{pad}{_plain(name)}:", *_yaml(item, indent + 2)]
                if nested
                else [f"{pad}{_plain(name)}: {_flow(item)}"]
            )
        return lines
    for item in value:
        if isinstance(item, dict) and item:
            first, *rest = _yaml(item, indent + 2)
            lines += [f"{pad}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{pad}- {_flow(item)}")
    return lines


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """A name as it is where YAML takes it for text, else in quotes."""
    safe = re.fullmatch(r"[A-Za-z][\w ()/.,'-]*", text) and not text.endswith(" ")
    word = text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if safe and not word else json.dumps(text, ensure_ascii=False)
