"""`flowengine connections`: the accounts at services that flows use."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.connection_login import PORT
from flowengine.cli.errors import Exit, NotReady
from flowengine.cli.place import AsJson
from flowengine.errors import NotFound
from flowengine.findings import Severity

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.findings import Finding
    from flowengine.manifests.definition import Connector
    from flowengine.types import JsonObject

app = place.group("The accounts at services that flows use.")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The connections of connections.yaml and whether each can be used; values are never shown."""
    from flowengine.cli.accounts import read

    here = place.settings(ctx)
    found, findings = read(here)
    if as_json:
        output.emit(connections=found, findings=[each.to_json() for each in findings])
        raise typer.Exit(_verdict(findings))
    if found:
        rows: list[list[output.Styled | str]] = [
            [each["name"], each["connector"], _state(each["state"]), each["base_url"] or "", _told(each)]
            for each in found
        ]
        output.table(("connection", "connector", "state", "address", ""), rows)
    elif not findings:
        told = place.connections_told(here)
        output.tell(f"No connections in {told}. Add one: flowengine connections add livechat")
    if findings:
        _tell_findings(findings)
    raise typer.Exit(_verdict(findings))


def _verdict(findings: list[Finding]) -> Exit:
    return Exit.FOUND if any(each.severity is Severity.ERROR for each in findings) else Exit.FINE


def _state(word: str) -> output.Styled:
    style = {"ready": "green", "sign_in_needed": "red", "incomplete": "yellow"}.get(word, "")
    return output.Styled(word.replace("_", " "), style)


def _told(account: JsonObject) -> str:
    match account["state"]:
        case "sign_in_needed":
            return f"{account['why']}; run: flowengine connections login {account['name']}"
        case "incomplete":
            return str(account["why"])
        case _:
            until = account["token_until"]
            return f"signed in, token until {output.moment(until)}" if until else ""


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
    from flowengine.cli.accounts import names_of, try_all

    here = place.settings(ctx)
    chosen, findings = names_of(here, name)
    if findings and not as_json:
        _tell_findings(findings)
    if not chosen:
        raise NotReady(f"there are no connections to test in {place.connections_told(here)}")
    results = try_all(here, chosen)
    if as_json:
        output.emit(connections=results)
    else:
        output.table(
            ("connection", "works", "tried", "answer"),
            [
                [
                    each["name"],
                    output.status("ok" if each["works"] else "fail"),
                    each["operation"] or "-",
                    each["message"],
                ]
                for each in results
            ],
        )
    if any(each["needs_sign_in"] for each in results):
        raise typer.Exit(Exit.SIGN_IN)
    raise typer.Exit(Exit.FINE if all(each["works"] for each in results) else Exit.FOUND)


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What flows call it; the connector's name is a good one.")],
    connector: Annotated[str | None, typer.Option("--connector", help="When the name is not the connector's.")] = None,
    authentication: Annotated[
        str | None, typer.Option("--authentication", help="Which way to sign in, where the connector offers several.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Another address than the service's own: a stand-in.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for what the connector needs, store the secrets encrypted, and add the connection to connections.yaml.

    Without a terminal stdin gives the values: one a line, or a JSON object with the parameters' names.
    """
    from flowengine.app import connection_file
    from flowengine.cli import accounts
    from flowengine.cli.connection_ask import ask

    here = place.settings(ctx)
    found = _connector(here, connector, name)
    accounts.refuse_known(here, name)
    way, values = ask(found, authentication)
    private = connection_file.is_private(base_url)
    signs_in = accounts.add(here, found, name, way, values, base_url=base_url, private=private)
    told = f"{name} stands in {place.connections_told(here)}"
    output.done(told, as_json=as_json, connection={"name": name, "connector": found.name, "needs_sign_in": signs_in})
    output.tell(f"Sign in: flowengine connections login {name}" if signs_in else _TRY.format(name))


def _connector(here: Settings, given: str | None, name: str) -> Connector:
    try:
        return place.catalog(here).get(given or name)
    except NotFound as error:
        hint = (
            ""
            if given
            else f"\nA connection of another name says what it is for: flowengine connections add {name} --connector NAME"
        )
        raise NotFound(error.message + hint) from None


_TRY = "Try it: flowengine connections test {}"


@app.command()
def login(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The connection's name.")],
    port: Annotated[
        int,
        typer.Option(
            "--port", help="Where the browser comes back to on this machine; 0: any free one.", min=0, max=65_535
        ),
    ] = PORT,
    redirect_url: Annotated[
        str | None,
        typer.Option(
            "--redirect-url", help="Another address that is registered at the service; you paste what it shows."
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser, or only show the address.")
    ] = True,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for you to come back.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Sign in at the service: in the browser, or at once where the application signs in by itself."""
    from flowengine.cli import accounts

    here = place.settings(ctx)
    # The address to sign in at is data for people; for programs the document is.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        code = accounts.asked_code(here, name, port=port, redirect_url=redirect_url, browser=browser, seconds=timeout)
        accounts.sign_in(here, name, code)
    output.done(f"{name} is signed in", as_json=as_json, connection={"name": name, "signed_in": True})
    output.tell(_TRY.format(name))


@app.command()
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The connection's name.")],
    as_json: AsJson = False,
) -> None:
    """Take a connection out of connections.yaml and forget its tokens; the rest of the file stays as it is."""
    from flowengine.cli import accounts

    here = place.settings(ctx)
    used = accounts.remove(here, name)
    told = f"{name} is removed from {place.connections_told(here)}"
    output.done(told, as_json=as_json, connection={"name": name, "removed": True, "secrets_still_stored": list(used)})
    for secret in used:
        output.tell(f"Its secret is still stored: flowengine secrets remove {secret}")
