"""`flowengine serve`: the engine with its webhooks, schedules, polls and API."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, NotReady, WrongUsage
from flowengine.cli.place import AsJson

if TYPE_CHECKING:
    from flowengine.server.run import Serving
    from flowengine.types import Duty

app = place.single("The engine: webhooks, schedules, polls, runs, API.")


PARTS: Final[dict[Duty, str]] = {
    "everything": "",
    "worker": ": triggers and runs; pages are another process's (--web-only)",
    "web": ": pages, API and webhooks; runs are the worker's (--worker-only)",
}


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen at. [default: 127.0.0.1]")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="The port; 0 takes a free one. [default: 8080]")
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", help="Where services reach the webhooks, when not at the address above."),
    ] = None,
    worker_only: Annotated[
        bool, typer.Option("--worker-only", help="Triggers, schedules, polls and runs; no pages.")
    ] = False,
    web_only: Annotated[
        bool,
        typer.Option("--web-only", help="Pages, API and webhooks, beside a worker on the same PostgreSQL database."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the project: events come in, flows run. Ctrl-C or SIGTERM stops it; runs that go on are resumed next time."""
    from flowengine.server.run import CannotListen, run

    if worker_only and web_only:
        raise WrongUsage(
            "--worker-only and --web-only are for two processes; flowengine serve without them is both in one"
        )
    here = place.project(ctx, host=host, port=port, public_url=public_url)
    try:
        ended_by = run(
            here,
            _started_line if as_json else _started,
            "worker" if worker_only else "web" if web_only else "everything",
        )
    except CannotListen as error:
        raise NotReady(error.message) from None
    output.tell("stopped" if web_only else "stopped; runs that were going on are resumed at the next start")
    if ended_by == signal.SIGINT:
        raise typer.Exit(Exit.INTERRUPTED)


def _started(serving: Serving) -> None:
    """Tell where the engine is, which flows are in force, and which are not and why."""
    from flowengine.server.callers import trusts_this_machine

    output.say(f"flowengine serves {serving.app.settings.project} at {serving.url}{PARTS[serving.app.duty]}")
    for entry in sorted(serving.app.library.entries.values(), key=lambda each: each.id):
        flow = entry.flow
        if flow is None or entry.broken:
            output.say(
                f"  {output.shown(output.Styled('broken', 'red'))}  {entry.id}: {len(entry.findings)} findings, see flowengine check"
            )
        if flow is not None:
            on = serving.app.triggers.enabled(flow)
            output.say(
                f"  {output.shown(output.Styled('on ' if on else 'off', 'green' if on else 'bright_black'))}     {output.clean(flow.id)}"
            )
            for state in serving.app.triggers.states(flow):
                if state.detail:
                    output.say(f"          {output.clean(state.name)}: {output.clean(state.detail)}")
    if not trusts_this_machine(serving.app.settings):
        output.tell("Pages and API ask for a token: flowengine tokens add NAME --role admin")
    output.tell("Ctrl-C stops it. In another terminal: flowengine events list · flowengine runs list")


def _started_line(serving: Serving) -> None:
    """The same for programs, on one line."""
    app = serving.app
    flows = [
        {
            "id": entry.id,
            "valid": not entry.broken,
            "enabled": entry.flow is not None and app.triggers.enabled(entry.flow),
            "triggers": [state.to_json() for state in app.triggers.states(entry.flow)] if entry.flow else [],
        }
        for entry in sorted(app.library.entries.values(), key=lambda each: each.id)
    ]
    output.emit_line(
        serving={
            "project": str(app.settings.project),
            "url": serving.url,
            "pid": os.getpid(),
            "duty": app.duty,
            "flows": flows,
        }
    )
