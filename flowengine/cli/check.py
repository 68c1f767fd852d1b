"""`flowengine check`: the mistakes in flow files, before they run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowengine.cli import hook_secrets, output, place
from flowengine.cli.errors import Exit
from flowengine.errors import FlowEngineError
from flowengine.findings import Severity

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.findings import Finding

app = place.single("Find the mistakes in flow files before they run.")

Format = Literal["text", "json", "github", "sarif"]

UNUSABLE = frozenset({"not-a-flow", "not-text", "too-large", "not-readable"})
"""Rules that say: this is no flow at all. Everything else is a mistake in one."""


@app.command()
def check(
    ctx: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; default: the project's flows/.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the findings are written.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail the check, too.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes, until Ctrl-C.")] = False,
) -> None:
    """Find the mistakes in flow files before they run.

    Exit code 1 when there are errors, 2 when a file cannot be read as a flow at all.
    """
    here = place.settings(ctx) if paths else place.project(ctx)
    asked = [shown_path(path) for path in paths or [here.flows]]
    written: Format = "json" if as_json else format_

    def look() -> Exit:
        found, files = _look(here, asked, connections=not paths)
        _write(found, files, written, _passing(here))
        if written == "text" and not paths:
            for each in hook_secrets.missing(here, place.flow_files(here)):
                output.tell(output.clean(each))
        return _verdict(found, strict)

    verdict = look()
    if watch:
        from flowengine.cli.watching import each_change

        for changed in each_change([*asked, here.connections_file, here.connectors]):
            output.tell(f"\n{_said(changed)}")
            try:
                look()
            except FlowEngineError as error:  # such as a connections.yaml that is just being written
                output.tell(str(error))
    raise typer.Exit(verdict)


def _look(here: Settings, asked: Sequence[Path], *, connections: bool) -> tuple[list[Finding], int]:
    """The findings, and how many files were looked at."""
    from flowengine.lint.linter import flow_files

    if here.server:
        return _look_there(here, flow_files(asked)), len(flow_files(asked))
    found = find_mistakes(here, asked)
    if connections:
        found = [*_in_connections(here), *found]
    return found, len(flow_files(asked))


def _look_there(here: Settings, files: Sequence[Path]) -> list[Finding]:
    """The findings, with a server's connectors, connections and flows in mind."""
    from flowengine.cli.server_client import running
    from flowengine.findings import finding_of
    from flowengine.lint.linter import Project, check_paths

    server = running(here)
    assert server is not None
    found: list[Finding] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            # What is no text says so by itself; no server is needed for that.
            found += check_paths([file], Project(place.catalog(here), {}, []))
            continue
        document = server.ask("POST", "/check", {"text": text, "flow": file.stem})
        found += [finding_of({**one, "file": str(file)}) for one in document["findings"]]
    return found


def _said(changed: Sequence[Path]) -> str:
    names = ", ".join(str(shown_path(path)) for path in changed[:3])
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"{names}{more} changed:"


def find_mistakes(here: Settings, paths: Sequence[Path]) -> list[Finding]:
    """The findings in these files and folders, with the project's connectors, connections and flows in mind."""
    from flowengine.lint.linter import Project, check_paths

    connections, _ = place.finish(place.connections(here))
    return check_paths(paths, Project(place.catalog(here), connections, place.flow_ids(here)))


def shown_path(path: Path) -> Path:
    """The path as people at this place would write it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else Path(relative)


def _in_connections(here: Settings) -> list[Finding]:
    return list(place.finish(place.connections(here))[1])


def _passing(here: Settings) -> str:
    """What stands before the names of a server's files in the passing copy of them; nobody wants to read it."""
    return f"{shown_path(here.flows).parent}{os.sep}" if here.server else ""


def _write(found: list[Finding], files: int, format_: Format, passing: str) -> None:
    if format_ != "text" and passing:
        found = [replace(each, file=each.file.removeprefix(passing)) for each in found]
    match format_:
        case "json":
            output.emit(findings=[each.to_json() for each in found], summary=_summary(found, files))
        case "text":
            _write_text(found, files, passing)
        case "github" | "sarif":
            from flowengine.lint import report

            output.say(report.github(found) if format_ == "github" else report.sarif(found))


def _write_text(found: list[Finding], files: int, passing: str) -> None:
    from flowengine.cli.sources import findings_with_lines

    if found:
        text = findings_with_lines(found)
        output.say(text.replace(passing, "") if passing else text)
    counts = _summary(found, files)
    if not found:
        output.tell(f"{_count(files, 'file')}: no mistakes found" if files else "no flow files there")
    else:
        output.tell(
            f"{_count(counts['files'], 'file')}: {_count(counts['errors'], 'error')}, {_count(counts['warnings'], 'warning')}."
            " What a rule means: flowengine explain RULE"
        )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _summary(found: list[Finding], files: int) -> dict[str, int]:
    errors = sum(each.severity is Severity.ERROR for each in found)
    return {"files": files, "errors": errors, "warnings": len(found) - errors}


def _verdict(found: list[Finding], strict: bool) -> Exit:
    if any(each.rule in UNUSABLE for each in found):
        return Exit.USAGE
    if any(strict or each.severity is Severity.ERROR for each in found):
        return Exit.FOUND
    return Exit.FINE
