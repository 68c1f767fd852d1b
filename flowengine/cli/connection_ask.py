"""Asking a person for a connection's values, one parameter after another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from flowengine.cli import output
from flowengine.cli.errors import WrongUsage
from flowengine.errors import InvalidInputs
from flowengine.findings import did_you_mean
from flowengine.manifests.properties import ConnectionParameter

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector

Source: TypeAlias = Callable[[ConnectionParameter], str]


def ask(connector: Connector, authentication: str | None = None) -> tuple[str, dict[str, str]]:
    """The way to sign in, and the values that it takes, by their names.

    At a terminal each value is asked for, secrets without echo. Otherwise stdin gives them: a JSON object by name, or one
    value a line in the order of `flowengine connectors show`.
    """
    from flowengine.app.new_connection import wanted

    way = _way(connector, authentication)
    asked = wanted(connector, way)
    return way, _values(asked, _source(asked))


def _way(connector: Connector, given: str | None) -> str:
    """The name of the way to sign in; empty when there is only one."""
    from flowengine.app.new_connection import way_of

    ways = {one.name: one for one in connector.connection.sets}
    if given is None and len(ways) > 1:
        if not sys.stdin.isatty():
            told = " or ".join(ways)
            raise WrongUsage(f"{connector.name} offers several ways to sign in: say --authentication {told}")
        for one in ways.values():
            output.tell(output.clean(f"  {one.name}: {one.title or one.description}"))
        given = str(typer.prompt("Which way to sign in", default=next(iter(ways)), err=True))
    try:
        return way_of(connector, given)
    except InvalidInputs as error:
        raise WrongUsage(error.message) from None


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
    from flowengine.app.new_connection import checked

    try:
        return checked(parameter, value)
    except InvalidInputs as error:
        more = "" if value else ": give one line for each parameter on stdin, or run this at a terminal"
        raise WrongUsage(error.message + more) from None


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
