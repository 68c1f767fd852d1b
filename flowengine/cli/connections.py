"""`flowengine connections`: the accounts at services that flows use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.connection_login import PORT
from flowengine.cli.errors import Exit, NotReady, WrongUsage
from flowengine.cli.place import AsJson
from flowengine.errors import NotFound
from flowengine.findings import Severity

if TYPE_CHECKING:
    from flowengine.app.accounts import Account
    from flowengine.config import Settings
    from flowengine.connectors.sign_in import SignIn
    from flowengine.connectors.tokens import Standing
    from flowengine.findings import Finding
    from flowengine.manifests.definition import Connector

app = place.group("The accounts at services that flows use.")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The connections of connections.yaml and whether each can be used; values are never shown."""
    from flowengine.cli.accounts import read

    here = place.settings(ctx)
    found, findings = place.finish(read(here))
    if as_json:
        output.emit(connections=[each.to_json() for each in found], findings=[each.to_json() for each in findings])
        raise typer.Exit(_verdict(findings))
    if found:
        rows: list[list[output.Styled | str]] = [
            [
                each.connection.name,
                each.connection.connector,
                _state(each.standing),
                each.connection.shown_url,
                _told(each),
            ]
            for each in found
        ]
        output.table(("connection", "connector", "state", "address", ""), rows)
    elif not findings:
        output.tell(f"No connections in {here.connections_file}. Add one: flowengine connections add livechat")
    if findings:
        _tell_findings(findings)
    raise typer.Exit(_verdict(findings))


def _verdict(findings: list[Finding]) -> Exit:
    return Exit.FOUND if any(each.severity is Severity.ERROR for each in findings) else Exit.FINE


def _state(standing: Standing) -> output.Styled:
    style = {"ready": "green", "sign_in_needed": "red", "incomplete": "yellow"}[standing.state]
    return output.Styled(standing.state.replace("_", " "), style)


def _told(account: Account) -> str:
    match account.standing.state:
        case "sign_in_needed":
            return f"{account.standing.why}; run: flowengine connections login {account.connection.name}"
        case "incomplete":
            return account.standing.why
        case _:
            until = account.standing.until
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
    from flowengine.app.accounts import find_connection
    from flowengine.cli.accounts import try_all

    here = place.settings(ctx)
    found, findings = place.finish(place.connections(here))
    if findings and not as_json:
        _tell_findings(findings)
    chosen = [find_connection(found, name)] if name else list(found.values())
    if not chosen:
        raise NotReady(f"there are no connections to test in {here.connections_file}")
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
) -> None:
    """Ask for what the connector needs, store the secrets encrypted, and add the connection to connections.yaml.

    Without a terminal stdin gives the values: one a line, or a JSON object with the parameters' names.
    """
    from flowengine.cli import connection_file
    from flowengine.cli.connection_ask import ask

    here = place.settings(ctx)
    found = _connector(here, connector, name)
    connection_file.refuse_known(here, name)
    asked = ask(name, found, authentication)
    entry = connection_file.Entry(
        name=name,
        connector=found.name,
        parameters=asked.written,
        authentication=asked.authentication,
        base_url=base_url,
        private=connection_file.is_private(base_url),
    )
    text = connection_file.appended(here, entry)
    if asked.secrets:
        from flowengine.cli.changes import set_secret

        for secret, value in asked.secrets.items():
            set_secret(here, secret, value)
    connection_file.append(here, text)
    output.say(f"{name} stands in {here.connections_file}")
    output.tell(f"Sign in: flowengine connections login {name}" if asked.signs_in else _TRY.format(name))


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
) -> None:
    """Sign in at the service: in the browser, or at once where the application signs in by itself."""
    from flowengine.app.accounts import find_connection, way_to_sign_in
    from flowengine.cli.accounts import sign_in
    from flowengine.cli.connection_login import ask_for_code

    here = place.settings(ctx)
    found, findings = place.finish(place.connections(here))
    if name not in found and findings:
        _tell_findings(findings)
    way = way_to_sign_in(place.catalog(here), find_connection(found, name))
    _refuse_nameless(name, way)
    code = None
    if not way.by_itself:
        code = ask_for_code(way, port=port, redirect_url=redirect_url, browser=browser, seconds=timeout)
    sign_in(here, name, code)
    output.say(f"{name} is signed in")
    output.tell(_TRY.format(name))


def _refuse_nameless(name: str, way: SignIn) -> None:
    """Services let people in through an application that was registered there; without one nothing can begin."""
    if not way.client_id:
        raise WrongUsage(
            f'the connection "{name}" names no application: register one at the service with the redirect address'
            f" http://127.0.0.1:{PORT}/callback, and write its client_id (and client_secret) under parameters:"
        )
    if way.by_itself and not way.client_secret:
        raise WrongUsage(f'the connection "{name}" signs in by itself and needs a client_secret under parameters:')


@app.command()
def remove(ctx: typer.Context, name: Annotated[str, typer.Argument(help="The connection's name.")]) -> None:
    """Take a connection out of connections.yaml and forget its tokens; the rest of the file stays as it is."""
    from flowengine.cli import connection_file
    from flowengine.cli.accounts import sign_out

    here = place.settings(ctx)
    if not here.connections_file.is_file():
        raise WrongUsage(f"there is no {here.connections_file}")
    used = connection_file.cut(here, name)
    sign_out(here, name)
    output.say(f"{name} is removed from {here.connections_file}")
    for secret in used:
        output.tell(f"Its secret is still stored: flowengine secrets remove {secret}")
