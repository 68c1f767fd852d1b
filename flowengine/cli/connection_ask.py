"""Asking a person for a connection's values, one parameter after another."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from flowengine.cli import output
from flowengine.cli.errors import WrongUsage
from flowengine.findings import did_you_mean
from flowengine.manifests.properties import ConnectionParameter

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector

Source: TypeAlias = Callable[[ConnectionParameter], str]

_APPLICATION = (
    ConnectionParameter("client_id", "string", description="The id of your application at the service."),
    ConnectionParameter(
        "client_secret",
        "securestring",
        required=False,
        description="Its secret; leave it empty for an application that has none.",
    ),
)
"""What OAuth needs besides the definition: the application in a definition is Microsoft's own."""


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What a person gave."""

    written: Mapping[str, str] = field(default_factory=dict)
    """For `parameters:`; secrets are named, not written."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """To be stored, by name."""
    authentication: str = ""
    signs_in: bool = False


def ask(name: str, connector: Connector, authentication: str | None = None) -> Asked:
    """What to write for a connection, and the secrets to store.

    At a terminal each value is asked for, secrets without echo. Otherwise stdin gives them: a JSON object by name, or one
    value a line in the order of `flowengine connectors show`.
    """
    chosen = _chosen(connector, authentication)
    wanted = _wanted(connector, chosen)
    values = _values(wanted, _source(wanted))
    secret_names = {each.name: _secret_name(name, each.name) for each in wanted if each.secret}
    written = {
        key: f"{{{{ secrets.{secret_names[key]} }}}}" if key in secret_names else value for key, value in values.items()
    }
    secrets = {secret_names[key]: value for key, value in values.items() if key in secret_names}
    signs_in = any(each.oauth for each in connector.connection.way({}, chosen))
    return Asked(written, secrets, chosen, signs_in)


def _secret_name(connection: str, parameter: str) -> str:
    return re.sub(r"\W", "_", f"{connection}_{parameter}")


def _chosen(connector: Connector, given: str | None) -> str:
    """The name of the way to sign in; empty when there is only one."""
    ways = {one.name: one for one in connector.connection.sets}
    if given is not None:
        if given not in ways:
            told = did_you_mean(given, ways) or "it has only one way to sign in"
            raise WrongUsage(f'{connector.name} has no way to sign in called "{given}"; {told}')
        return given
    if len(ways) < 2:
        return next(iter(ways), "")
    if not sys.stdin.isatty():
        raise WrongUsage(f"{connector.name} offers several ways to sign in: say --authentication {' or '.join(ways)}")
    for one in ways.values():
        output.tell(output.clean(f"  {one.name}: {one.title or one.description}"))
    answer = str(typer.prompt("Which way to sign in", default=next(iter(ways)), err=True))
    return _chosen(connector, answer)


def _wanted(connector: Connector, chosen: str) -> list[ConnectionParameter]:
    """What to ask for, in order. An OAuth sign-in itself is not asked for, but the application that it is made with."""
    way = connector.connection.way({}, chosen)
    asked = [each for each in way if each.oauth is None and not each.hidden]
    if any(each.oauth for each in way):
        known = {each.name.rpartition(":")[2].lower().replace("_", "") for each in asked}
        asked += [each for each in _APPLICATION if each.name.replace("_", "") not in known]
    return asked


def _source(wanted: list[ConnectionParameter]) -> Source:
    """Where the values come from."""
    if sys.stdin.isatty():
        return _prompted
    text = sys.stdin.read()
    return _by_name(text, wanted) if text.lstrip().startswith("{") else _by_line(iter(text.splitlines()))


def _values(wanted: list[ConnectionParameter], source: Source) -> dict[str, str]:
    found = {each.name: _checked(each, source(each)) for each in wanted}
    return {name: value for name, value in found.items() if value}


def _checked(parameter: ConnectionParameter, value: str) -> str:
    if not value and parameter.required and len(parameter.allowed) == 1:
        return str(parameter.allowed[0])
    if not value and parameter.required and parameter.default is None:
        raise WrongUsage(
            f"no value for {parameter.name}: give one line for each parameter on stdin, or run this at a terminal"
        )
    choices = [str(one) for one in parameter.allowed]
    if value and choices and value not in choices:
        raise WrongUsage(f"{parameter.name} must be one of: {', '.join(choices)}")
    return value


def _by_line(lines: Iterator[str]) -> Source:
    return lambda _: next(lines, "").strip()


def _by_name(text: str, wanted: list[ConnectionParameter]) -> Source:
    try:
        given: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise WrongUsage(f"stdin is not a JSON object: {error}") from None
    names = [each.name for each in wanted]
    for name in given:
        if name not in names:
            raise WrongUsage(f'there is no parameter "{name}"; {did_you_mean(name, names)}'.rstrip("; "))
    return lambda parameter: str(given.get(parameter.name) or "").strip()


def _prompted(parameter: ConnectionParameter) -> str:
    optional = not parameter.required or parameter.default is not None or len(parameter.allowed) == 1
    if parameter.description:
        output.tell(output.clean(parameter.description))
    if parameter.allowed:
        output.tell(output.clean("  one of: " + ", ".join(str(one) for one in parameter.allowed)))
    question = parameter.name + (" (may be left empty)" if optional else "")
    return str(
        typer.prompt(
            question, default="" if optional else None, hide_input=parameter.secret, show_default=False, err=True
        )
    )
