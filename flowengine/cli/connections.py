"""`flowengine connections`: the accounts at services that flows use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, NotReady, WrongUsage
from flowengine.cli.place import AsJson
from flowengine.errors import NotFound
from flowengine.findings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowengine.connectors.connection import Connection
    from flowengine.findings import Finding

app = place.group("The accounts at services that flows use.")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The connections of connections.yaml; values are never shown."""
    here = place.settings(ctx)
    found, findings = place.finish(place.connections(here))
    if as_json:
        output.emit(
            connections=[_document(each) for each in found.values()], findings=[each.to_json() for each in findings]
        )
    elif found:
        rows = [
            [each.name, each.connector, each.base_url or "", ", ".join(sorted(each.parameters))]
            for each in found.values()
        ]
        output.table(("connection", "connector", "address", "parameters"), rows)
    elif not findings:
        output.tell(f"No connections in {here.connections_file}. Add one: flowengine connections add livechat")
    if findings and not as_json:
        _tell_findings(findings)


def _document(connection: Connection) -> dict[str, Any]:
    return {
        "name": connection.name,
        "connector": connection.connector,
        "base_url": connection.base_url or None,
        "parameters": sorted(connection.parameters),
        "limits": [{"calls": calls, "period_seconds": seconds} for calls, seconds in connection.limits],
    }


def _tell_findings(findings: list[Finding]) -> None:
    from flowengine.cli.sources import findings_with_lines

    output.tell(findings_with_lines(findings).rstrip("\n"))


@app.command("test")
def try_(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this connection.")] = None,
    as_json: AsJson = False,
) -> None:
    """Call a harmless reading operation with each connection. Exit code 4 when one needs signing in."""
    from flowengine.cli.connection_test import try_all

    here = place.settings(ctx)
    found, findings = place.finish(place.connections(here))
    if findings and not as_json:
        _tell_findings(findings)
    chosen = [_one(found, name)] if name else list(found.values())
    if not chosen:
        raise NotReady(f"there are no connections to test in {here.connections_file}")
    results = place.finish(try_all(here, place.catalog(here), chosen))
    if as_json:
        output.emit(connections=[each.to_json() for each in results])
    else:
        output.table(
            ("connection", "works", "tried", "answer"),
            [
                [each.name, output.status("ok" if each.works else "fail"), each.operation or "-", each.message]
                for each in results
            ],
        )
    if any(each.needs_sign_in for each in results):
        raise typer.Exit(Exit.SIGN_IN)
    raise typer.Exit(Exit.FINE if all(each.works for each in results) else Exit.FOUND)


def _one(found: Mapping[str, Connection], name: str) -> Connection:
    if name not in found:
        raise NotFound(f'there is no connection "{name}" in connections.yaml; {did_you_mean(name, found)}'.rstrip("; "))
    return found[name]


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What flows call it; the connector's name is a good one.")],
    connector: Annotated[str | None, typer.Option("--connector", help="When the name is not the connector's.")] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Another address than the service's own: a stand-in.")
    ] = None,
) -> None:
    """Ask for what the connector needs, store the secrets encrypted, and add the connection to connections.yaml."""
    from flowengine.cli import connection_file
    from flowengine.cli.connection_ask import ask

    here = place.settings(ctx)
    found = place.catalog(here).get(connector or name)
    connection_file.refuse_known(here, name)
    parameters, secrets = ask(name, found)
    connection_file.append(here, name, found.name, parameters, base_url, private=connection_file.is_private(base_url))
    if secrets:
        from flowengine.cli.changes import set_secret

        for secret, value in secrets.items():
            set_secret(here, secret, value)
    output.say(f"{name} stands in {here.connections_file}")
    output.tell(f"Try it: flowengine connections test {name}")


@app.command()
def remove(ctx: typer.Context, name: Annotated[str, typer.Argument(help="The connection's name.")]) -> None:
    """Take a connection out of connections.yaml; the rest of the file stays as it is."""
    from flowengine.cli import connection_file

    here = place.settings(ctx)
    if not here.connections_file.is_file():
        raise WrongUsage(f"there is no {here.connections_file}")
    used = connection_file.cut(here, name)
    output.say(f"{name} is removed from {here.connections_file}")
    for secret in used:
        output.tell(f"Its secret is still stored: flowengine secrets remove {secret}")
