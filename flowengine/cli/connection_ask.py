"""Asking a person for a connection's values, one parameter after another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from flowengine.cli import output
from flowengine.cli.errors import WrongUsage

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector


def ask(name: str, connector: Connector) -> tuple[dict[str, str], dict[str, str]]:
    """What to write under `parameters`, and the secrets to store.

    At a terminal each value is asked for, secrets without echo. Otherwise stdin gives one value a line, in the order of
    `flowengine connectors show`.
    """
    wanted = connector.to_json()["connection"]["parameters"]
    lines = None if sys.stdin.isatty() else iter(sys.stdin.read().splitlines())
    written: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for parameter in wanted:
        value = _value(parameter, lines)
        if not value:
            continue
        if parameter["type"] == "securestring":
            secret = f"{name}_{parameter['name']}".replace("-", "_").replace(":", "_")
            secrets[secret] = value
            written[parameter["name"]] = f"{{{{ secrets.{secret} }}}}"
        else:
            written[parameter["name"]] = value
    return written, secrets


def _value(parameter: dict[str, Any], lines: Any) -> str:
    required = bool(parameter["required"])
    if lines is not None:
        value = next(lines, "").strip()
        if required and not value:
            raise WrongUsage(
                f"no value for {parameter['name']}: give one line for each parameter on stdin, or run this at a terminal"
            )
        return value
    question = parameter["name"] + ("" if required else " (may be left empty)")
    if parameter.get("description"):
        output.tell(output.clean(parameter["description"]))
    hidden = parameter["type"] == "securestring"
    return str(
        typer.prompt(question, default=None if required else "", hide_input=hidden, show_default=False, err=True)
    )
