"""`flowengine run`: one run of a flow, waited for; in this process, or by the engine that holds the project."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.cli.place import AsJson
from flowengine.errors import SignInNeeded
from flowengine.types import Status

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.records import RunRecord

app = place.single("Run one flow now and wait for it.")


@app.command()
def run(
    ctx: typer.Context,
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="A flow's id: its file's name without .yaml.")],
    event: Annotated[
        str | None, typer.Option("--event", "-e", metavar="FILE", help="The event's body, a JSON file; - reads stdin.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="KEY=VALUE", help="A value for the flow's inputs (repeatable)."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Call what only reads; show the requests of everything else; store nothing."),
    ] = False,
    mock: Annotated[
        str | None,
        typer.Option("--mock", metavar="FILE", help="Answers instead of the services' (YAML or JSON); store nothing."),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Give the run's id at once; needs a running engine.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", min=0, help="Seconds to wait at most; then exit code 5, and the run goes on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run one flow now and wait for it.

    Exit code 0 when the run succeeded, 1 when it did not, 3 when a connection is missing, 5 when --timeout passed.
    """
    from flowengine.cli.run_ready import refuse_unready
    from flowengine.cli.running import run_here, run_there
    from flowengine.cli.server_client import running

    here = place.project(ctx)
    file = place.flow_file(here, flow)
    refuse_unready(here, file, calls="none" if mock else "reading" if dry_run else "all")
    body = read_event(event)
    given = dict(_pair(text) for text in inputs or [])
    if dry_run or mock is not None:
        from flowengine.cli.rehearse import rehearse

        rehearse(here, file.stem, body, given, mock, dry=dry_run, as_json=as_json)
    if server := running(here):
        ended = place.finish(
            run_there(here, server, file.stem, body, given, wait=not no_wait, seconds=timeout, quiet=as_json)
        )
    elif no_wait:
        raise WrongUsage(
            "--no-wait needs a running engine (flowengine serve); without one the run would end with this command"
        )
    else:
        ended = place.finish(run_here(here, file.stem, body, given, seconds=timeout, quiet=as_json))
    _tell(here, ended, waited=not no_wait, as_json=as_json)


def read_event(name: str | None) -> Any:
    """The event's body from a JSON file. None when there is none."""
    if name is None:
        return None
    text = sys.stdin.buffer.read() if name == "-" else _read(Path(name))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongUsage(f"{name} is not JSON: {error}") from None


def _read(path: Path) -> bytes:
    if not path.exists() or path.is_dir():
        raise WrongUsage(f"there is no file {path}; --event takes a JSON file that holds the event's body")
    return path.read_bytes()


def _pair(text: str) -> tuple[str, Any]:
    """`key=value`; what reads as JSON (numbers, true, lists) is that, everything else is text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise WrongUsage(f'"{text}" is not key=value, such as -i login=ann@example.com')
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


def _tell(here: Settings, ended: RunRecord, *, waited: bool, as_json: bool) -> None:
    if as_json:
        from flowengine.cli import run_page

        output.emit(run=place.finish(run_page.read(here, ended.id)).document())
    elif not waited:
        output.say(ended.id)
        output.tell(f"Follow it: flowengine runs watch {ended.id}")
    else:
        _tell_end(ended)
    if not waited:
        return
    if not ended.status.finished:
        raise typer.Exit(Exit.TIMED_OUT)
    if (ended.error or {}).get("code") == SignInNeeded.code:
        raise typer.Exit(Exit.SIGN_IN)
    raise typer.Exit(Exit.FINE if ended.status == Status.SUCCEEDED else Exit.FOUND)


def _tell_end(ended: RunRecord) -> None:
    from flowengine.cli.run_watch import ending

    if not ended.status.finished:
        output.say(f"Run {ended.id} is {output.shown(output.status(ended.status))}; the time to wait for it is over")
        output.tell(f"It goes on while an engine runs. Follow it: flowengine runs watch {ended.id}")
        return
    output.say(ending(ended))
    if ended.output is not None:
        output.say(output.indented(ended.output, "  "))
    output.tell(f"\nMore: flowengine runs show {ended.id}")
