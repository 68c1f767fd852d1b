"""`flowengine connectors`: what services can do, and the exact requests they would be sent."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.cli.place import AsJson
from flowengine.errors import InvalidInputs, NotFound

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation

app = place.group("What services can do: operations, parameters, requests.")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The connectors of this project and those that ship with flowengine."""
    rows = place.catalog(place.settings(ctx)).summaries()
    if as_json:
        output.emit(connectors=[row.to_json() for row in rows])
        return
    output.table(
        ("connector", "title", "actions", "triggers", "source"),
        [[row.name, row.problem or row.title, str(row.actions), str(row.triggers), row.source] for row in rows],
    )
    output.tell("\nMore about one: flowengine connectors show NAME")


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A connector's name, or name.Operation.")],
    operation: Annotated[
        str | None, typer.Option("--operation", "-o", help="One operation, with a snippet to copy.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A connector's operations; or one operation with its parameters and a snippet to copy."""
    connector, rest = find(ctx, name)
    wanted = operation or rest
    if wanted:
        from flowengine.cli.connector_pages import operation_page

        _print_operation(connector.operation(wanted), connector, operation_page, as_json)
        return
    if as_json:
        output.emit(connector=connector.to_json())
        return
    from flowengine.cli.connector_pages import connector_page

    connector_page(connector)
    output.tell(
        f"\nOne operation, with a snippet to copy: flowengine connectors show {connector.name} --operation NAME"
    )


def _print_operation(operation: Operation, connector: Connector, page: Any, as_json: bool) -> None:
    if as_json:
        documents = connector.to_json()["operations"]
        output.emit(operation=next(each for each in documents if each["id"] == operation.id))
        return
    page(connector, operation)


def find(ctx: typer.Context, name: str) -> tuple[Connector, str]:
    """The connector of a name or folder, and the operation after its dot, if any."""
    if Path(name).is_dir() and ("/" in name or name.startswith(".")):
        return _from_folder(Path(name)), ""
    folder, dot, operation = name.rpartition(".")
    if dot and Path(folder).is_dir() and "/" in folder:
        return _from_folder(Path(folder)), operation
    known = place.catalog(place.settings(ctx))
    if name in known.names():
        return known.get(name), ""
    connector, _, operation = name.partition(".")
    return known.get(connector), operation


def _from_folder(folder: Path) -> Connector:
    from flowengine.errors import InvalidFile
    from flowengine.manifests.definition import read_connector

    connector, findings = read_connector(folder)
    if connector is None:
        raise InvalidFile(findings)
    return connector


@app.command()
def request(
    ctx: typer.Context,
    operation: Annotated[
        str,
        typer.Argument(metavar="CONNECTOR.OPERATION", help="Such as livechat.CreateTicket; CONNECTOR may be a folder."),
    ],
    with_: Annotated[
        str, typer.Option("--with", help="The inputs, as a JSON object; @FILE reads them from a file.")
    ] = "{}",
    connection_parameters: Annotated[
        str | None, typer.Option("--connection-parameters", help="The connection's values, as a JSON object.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option("--connection", help="A connection of connections.yaml instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The request that would be sent, after authentication and policies. Nothing is sent."""
    from flowengine.connectors.request import build_request

    connector, name = find(ctx, operation)
    if not name:
        raise WrongUsage(f"name an operation: {operation}.OPERATION; see flowengine connectors show {operation}")
    inputs = _object(with_, "--with")
    account = _connection(ctx, connector, connection, connection_parameters)
    try:
        made = build_request(connector, connector.operation(name), inputs, account)
    except InvalidInputs as error:
        output.tell(f"flowengine: {output.clean(error.message, lines=True)}")
        raise typer.Exit(Exit.FOUND) from None
    _print_request(made, as_json)


def _connection(ctx: typer.Context, connector: Connector, name: str | None, parameters: str | None) -> Any:
    from flowengine.connectors.connection import Connection

    if name is not None:
        found, _ = place.finish(place.connections(place.settings(ctx)))
        if name not in found:
            from flowengine.findings import did_you_mean

            raise NotFound(f'there is no connection "{name}" in connections.yaml; {did_you_mean(name, found)}')
        return found[name]
    values = _object(parameters, "--connection-parameters") if parameters is not None else {}
    return Connection(name=connector.name, connector=connector.name, parameters=values)


def _object(text: str, flag: str) -> dict[str, Any]:
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise WrongUsage(f'{flag} is not JSON: {error}; write it like {flag} \'{{"name": "value"}}\'') from None
    if not isinstance(value, dict):
        raise WrongUsage(f'{flag} must be a JSON object such as \'{{"name": "value"}}\', not {type(value).__name__}')
    return value


def _print_request(made: Any, as_json: bool) -> None:
    text, encoded = _body(made.body)
    if as_json:
        output.emit(
            request={
                "method": made.method,
                "url": made.url,
                "headers": dict(made.headers),
                "body": text,
                "body_base64": encoded,
            }
        )
        return
    output.say(f"{made.method} {output.clean(made.url)}")
    for header, value in made.headers:
        output.say(f"{header}: {output.clean(value)}")
    if text is not None:
        output.say(f"\n{output.clean(text, lines=True)}")
    elif encoded is not None:
        output.say(f"\n({len(made.body)} bytes, base64: {encoded})")


def _body(body: bytes | None) -> tuple[str | None, str | None]:
    if body is None:
        return None, None
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode("ascii")


@app.command()
def docs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A connector's name or folder.")],
    html: Annotated[bool, typer.Option("--html", help="One HTML page instead of Markdown.")] = False,
    output_file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file; .html means --html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A connector's reference page: sign-in, limits, actions, triggers, definitions."""
    from flowengine.cli.connector_docs import as_html, as_markdown

    connector, _ = find(ctx, name)
    wanted = html or (output_file is not None and output_file.suffix == ".html")
    page = as_html(connector) if wanted else as_markdown(connector)
    if output_file is not None:
        output_file.write_text(page + "\n", encoding="utf-8")
        output.tell(f"written: {output_file}")
    if as_json:
        output.emit(docs={"connector": connector.name, "format": "html" if wanted else "markdown", "text": page})
    elif output_file is None:
        output.say(output.clean(page, lines=True))


@app.command()
def values(
    ctx: typer.Context,
    connector: Annotated[str, typer.Argument(help="A connector's name.")],
    operation: Annotated[str, typer.Argument(help="One of its operations.")],
    parameter: Annotated[str, typer.Argument(help="A parameter as it is written in a flow, such as assignee.id.")],
    connection: Annotated[
        str | None, typer.Option("--connection", "-c", help="A connection of connections.yaml.")
    ] = None,
    with_: Annotated[
        str, typer.Option("--with", help="What other parameters are, where the choices depend on them: a JSON object.")
    ] = "{}",
    as_json: AsJson = False,
) -> None:
    """What a parameter can be: listed by the definition, or by the service through the operation that it names."""
    from flowengine.cli.connector_values import choices

    here = place.settings(ctx)
    found, _ = find(ctx, connector)
    asked = choices(here, found, found.operation(operation), parameter, _object(with_, "--with"), connection)
    listed = place.finish(asked)
    if as_json:
        output.emit(values=[each.to_json() for each in listed])
        return
    output.table(("value", "title"), [[output.json_text(each.value).strip('"'), each.title] for each in listed])


@app.command("import")
def import_(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="OpenAPI 2.0, 3.0 or 3.1, in JSON or YAML.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What flows call it; made from the title if absent.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where connectors are; the project's connectors/ if absent."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a connector of an OpenAPI document: Microsoft's two files, checked at once."""
    from flowengine.cli.connector_check import examine
    from flowengine.cli.connector_import import read, write
    from flowengine.manifests.importing import folder_name

    here = place.settings(ctx)
    if here.server:
        raise WrongUsage("import writes files into connectors/ of this machine: leave --server out")
    imported = read(here, source)
    home = (folder or here.connectors) / (folder_name(name) if name else imported.name)
    write(imported, home, replace=force)
    report = examine(home)
    if as_json:
        output.emit(connector=report, folder=str(home), remarks=list(imported.remarks))
    else:
        for remark in imported.remarks:
            output.tell(f"remark: {output.clean(remark)}")
        output.say(f"{home}: {report['callable']} of {report['operations']} operations can be called")
        for problem in report["problems"]:
            output.say(f"{output.clean(problem['operation'] or home.name)}: {output.clean(problem['message'])}")
        output.tell(f"\nNext: flowengine connectors show {home.name}")
    raise typer.Exit(Exit.FINE if report["callable"] == report["operations"] else Exit.FOUND)


@app.command()
def check(
    ctx: typer.Context,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders with Microsoft's two files; default: the project's connectors/."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which connector files can be read and which of their operations can be called, and why not the others."""
    from flowengine.cli.connector_check import examine, summary

    asked = folders or [place.own_connectors(place.settings(ctx))]
    # A pattern such as `connectors/*` also names the files that lie beside the folders.
    beside = [folder for folder in asked if folder.is_file()] if len(asked) > 1 else []
    for file in beside:
        output.tell(f"left out: {output.clean(str(file))} is not a folder")
    asked = [folder for folder in asked if folder not in beside]
    missing = [str(folder) for folder in asked if not folder.is_dir()]
    if missing:
        raise NotFound(f"not a folder: {', '.join(missing)}")
    reports = [examine(folder) for folder in asked for folder in _connector_folders(folder)]
    totals = summary(reports)
    if as_json:
        output.emit(connectors=reports, summary=totals)
    else:
        _print_reports(reports, totals)
    raise typer.Exit(
        Exit.FINE
        if totals["loaded"] == totals["connectors"] and totals["callable"] == totals["operations"]
        else Exit.FOUND
    )


def _connector_folders(folder: Path) -> list[Path]:
    """The folder itself when it holds files, else the folders below it that do."""
    if any(path.is_file() and path.suffix.lower() in (".json", ".yaml", ".yml") for path in folder.iterdir()):
        return [folder]
    return sorted(
        inner
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
        for inner in _connector_folders(path)
    )


def _print_reports(reports: list[dict[str, Any]], totals: dict[str, int]) -> None:
    rows = [
        [
            each["name"],
            output.status("ok" if each["loaded"] else "fail"),
            f"{each['callable']} of {each['operations']}",
            str(len(each["problems"])),
        ]
        for each in reports
    ]
    output.table(("connector", "read", "callable", "remarks"), rows)
    for each in reports:
        for problem in each["problems"]:
            where = f"{each['name']}.{problem['operation']}" if problem["operation"] else each["name"]
            output.say(f"{output.clean(where)}: {output.clean(problem['message'])} [{problem['rule']}]")
    output.tell(
        f"\n{totals['loaded']} of {totals['connectors']} connectors read, {totals['callable']} of {totals['operations']} operations can be called"
    )
