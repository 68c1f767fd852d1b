"""`flowengine check`: the mistakes in flow files, before they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit
from flowengine.errors import NotFound

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.findings import Finding
    from flowengine.lint.linter import Project

app = place.single("Find the mistakes in flow files before they run.")

Format = Literal["text", "json", "github", "sarif"]


@app.command()
def check(
    ctx: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; default: the project's flows/.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the findings are written.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail the check, too.")] = False,
) -> None:
    """Find the mistakes in flow files before they run.

    Exit code 1 when there are errors, 2 when a file cannot be read as a flow at all.
    """
    here = place.settings(ctx)
    asked = paths or [place.project(ctx).flows]
    files = [file for path in asked for file in _files(path)]
    found = place.finish(_findings(here, files))
    _write(found, files, "json" if as_json else format_)
    raise typer.Exit(_verdict(found, strict))
