"""`flowengine demo`: the whole thing at work in a few seconds, on this machine only, with services that are stand-ins."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit
from flowengine.cli.place import AsJson

app = place.single("See it work: stand-in services, sample flows, events, and what became of them.")

FOLDER = Path("flowengine-demo")


@app.command()
def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo's project is put.")] = FOLDER,
    serve: Annotated[
        bool, typer.Option("--serve", help="Stay up afterwards, with the web page, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="The engine's port; 0 takes a free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """See it work, without an account anywhere.

    Starts stand-ins of LiveChat and Comm100 on free ports and an engine with the sample flows. The engine registers its
    webhooks at the stand-ins; then chats and tickets come in there, flows run, and you see what each did and why
    others did not run. Everything stays on this machine; the project folder stays for you to look around in.
    """
    from flowengine.cli import demo_pages, demo_project, demo_story

    project = demo_project.make(ctx.obj / folder)
    told = asyncio.run(demo_story.tell(project, port=port, stay=serve, quiet=as_json))
    if as_json:
        output.emit(demo=told.document(demo_pages.commands(told)))
    raise typer.Exit(Exit.FINE if told.as_expected else Exit.FOUND)
