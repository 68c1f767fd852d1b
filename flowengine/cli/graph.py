"""`flowengine graph`: a flow in one picture, perhaps with what became of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import WrongUsage
from flowengine.cli.place import AsJson
from flowengine.errors import InvalidFile
from flowengine.types import JsonObject, format_path

if TYPE_CHECKING:
    from flowengine.app.picture.outline import Branch, Drawn, Outline
    from flowengine.config import Settings
    from flowengine.spec.flow import Flow
    from flowengine.store.records import ActionRecord

app = place.single("A flow as a tree, as Mermaid or as SVG; with the statuses of a run.")


@app.command()
def graph(
    ctx: typer.Context,
    flow: Annotated[
        str | None, typer.Argument(metavar="FLOW", help="A flow's id; with --run it need not be named.")
    ] = None,
    format_: Annotated[
        Literal["tree", "mermaid", "svg"], typer.Option("--format", "-f", help="What to draw it as.")
    ] = "tree",
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="With the statuses of this run: an id, @last, @last-failed."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw a flow; with --run in the version that ran."""
    from flowengine.app import picture

    if run is None and flow is None:
        raise WrongUsage("name a flow, or a run with --run")
    here = place.settings(ctx) if run is not None else place.project(ctx)
    found, actions = _of_run(here, flow, run) if run is not None else (_of_file(here, str(flow)), ())
    drawn = picture.outline(found, actions)
    if as_json:
        output.emit(graph={"flow": found.id, "version": found.version, **_document(drawn)})
        return
    match format_:
        case "tree":
            for line in _tree(drawn):
                output.say(line.rstrip())
        case "mermaid":
            output.say(picture.as_mermaid(drawn).rstrip("\n"))
        case "svg":
            output.say(picture.as_svg(drawn).rstrip("\n"))


def _of_file(here: Settings, name: str) -> Flow:
    from flowengine.cli.stage import flow_of

    return flow_of(here, name)


def _of_run(here: Settings, flow: str | None, reference: str) -> tuple[Flow, Sequence[ActionRecord]]:
    from flowengine.cli import run_page
    from flowengine.spec.load import parse_flow

    found = place.finish(run_page.read(here, reference))
    if flow is not None and flow != found.run.flow:
        raise WrongUsage(f"run {found.run.id} is one of {found.run.flow}, not of {flow}")
    parsed, findings = parse_flow(found.text, found.file, found.run.flow)
    if parsed is None:
        raise InvalidFile(findings)
    return parsed, found.actions


def _document(drawn: Outline) -> JsonObject:
    return {
        "name": drawn.name,
        "starts": list(drawn.starts),
        "conditions": list(drawn.conditions),
        "actions": [_of_action(each) for each in drawn.actions],
        "on_failure": [_of_action(each) for each in drawn.on_failure],
    }


def _of_action(drawn: Drawn) -> JsonObject:
    """`status` is null without a run, and where the run did not come."""
    branches = [
        {"label": branch.label, "actions": [_of_action(each) for each in branch.actions]} for branch in drawn.branches
    ]
    return {
        "path": format_path(drawn.path),
        "name": drawn.name,
        "kind": drawn.kind,
        "about": drawn.about,
        "status": drawn.status or None,
        "branches": branches,
    }


def _tree(drawn: Outline) -> Iterator[str]:
    yield output.paint(output.clean(drawn.name), "bold")
    for start in drawn.starts:
        yield f"  starts: {output.clean(start)}"
    for condition in drawn.conditions:
        yield f"  only if {output.clean(condition)}"
    yield from _lines(drawn.actions, "  ")
    if drawn.on_failure:
        yield "  on failure"
        yield from _lines(drawn.on_failure, "    ")


def _lines(actions: Sequence[Drawn], indent: str) -> Iterator[str]:
    for action in actions:
        last = action is actions[-1]
        told = (
            f"  {output.shown(output.Styled(action.told, output.STYLES.get(action.status, '')))}" if action.told else ""
        )
        yield f"{indent}{'└' if last else '├'} {output.clean(action.name)}  ({output.clean(action.about)}){told}"
        yield from _inside(action.branches, f"{indent}{' ' if last else '│'} ")


def _inside(branches: Sequence[Branch], indent: str) -> Iterator[str]:
    for branch in branches:
        yield f"{indent}{output.clean(branch.label)}"
        yield from _lines(branch.actions, f"{indent}  ")
