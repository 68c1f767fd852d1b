"""`flowengine flows versions` and `flows diff`: what a flow's file said before, and what has changed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from flowengine.cli import output, place
from flowengine.cli.place import AsJson
from flowengine.errors import Conflict, NotFound
from flowengine.findings import did_you_mean

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.records import FlowVersion

NOW = "now"
"""Names the file as it is."""

FlowName = Annotated[str, typer.Argument(metavar="FLOW", help="A flow's id: its file's name without .yaml.")]


def versions(ctx: typer.Context, flow: FlowName, as_json: AsJson = False) -> None:
    """Every version of a flow that was in force, the newest first; runs keep the one they began with."""
    here = place.project(ctx)
    kept = place.finish(_versions(here, flow))
    now = _version_now(here, flow)
    if not kept and now is None:
        raise NotFound(f'there is no flow "{flow}"; {did_you_mean(flow, place.flow_ids(here))}')
    if as_json:
        said = [
            {"version": each.version, "saved_at": output.rfc3339(each.saved_at), "current": each.version == now}
            for each in kept
        ]
        output.emit(flow=flow, current=now, versions=said)
        return
    if not kept:
        output.tell(f"No version of {flow} was in force yet; the file's is {now}.")
        return
    output.table(
        ("version", "since", ""),
        [[each.version, output.moment(each.saved_at), "the file now" if each.version == now else ""] for each in kept],
    )
    if now not in {each.version for each in kept}:
        output.tell(f"The file has changed since: {now}")
    output.tell(f"\nWhat changed: flowengine flows diff {flow} [OLD] [NEW]")


def diff(
    ctx: typer.Context,
    flow: FlowName,
    old: Annotated[
        str | None, typer.Argument(metavar="[OLD]", help="A version or its beginning; the last other one if left out.")
    ] = None,
    new: Annotated[str, typer.Argument(metavar="[NEW]", help="A version, or `now`: the file as it is.")] = NOW,
    as_json: AsJson = False,
) -> None:
    """What changed from one version of a flow to another, line by line."""
    here = place.project(ctx)
    before, after, lines = place.finish(_difference(here, flow, old, new))
    if as_json:
        output.emit(flow=flow, old=before, new=after, diff="".join(lines))
        return
    if not lines:
        output.tell(f"{before} and {after} are the same")
    for line in lines:
        style = {"+": "green", "-": "red"}.get(line[:1], "")
        output.say(output.paint(output.clean(line.rstrip("\n")), style))


async def _versions(here: Settings, flow: str) -> list[FlowVersion]:
    if not place.has_database(here):
        return []
    async with place.history(here) as store:
        return await store.flows.versions(flow)


async def _difference(here: Settings, flow: str, old: str | None, new: str) -> tuple[str, str, list[str]]:
    kept = [each.version for each in await _versions(here, flow)]
    after = _chosen(here, flow, kept, new)
    others = [version for version in kept if version != after]
    if old is None and not others:
        raise NotFound(f"there is no other version of {flow} to compare with; see flowengine flows versions {flow}")
    before = others[0] if old is None else _chosen(here, flow, kept, old)
    left, right = [(await _text(here, flow, version, kept)).splitlines(keepends=True) for version in (before, after)]
    return before, after, list(difflib.unified_diff(left, right, f"{flow} {before}", f"{flow} {after}"))


def _chosen(here: Settings, flow: str, kept: list[str], said: str) -> str:
    if said == NOW:
        now = _version_now(here, flow)
        if now is None:
            raise NotFound(f'there is no flow "{flow}" in {here.flows}')
        return now
    fitting = [version for version in kept if version.startswith(said.lower())]
    if len(fitting) > 1:
        raise Conflict(f'several versions begin with "{said}": {", ".join(fitting)}')
    if not fitting:
        raise NotFound(f'{flow} has no version "{said}"; see flowengine flows versions {flow}')
    return fitting[0]


async def _text(here: Settings, flow: str, version: str, kept: list[str]) -> str:
    if version not in kept:
        return place.flow_file(here, flow).read_text(encoding="utf-8")
    async with place.history(here) as store:
        return await store.flows.version_text(flow, version)


def _version_now(here: Settings, flow: str) -> str | None:
    """The version of the file as it is; None when there is no file, or it cannot be read as a flow."""
    from flowengine.spec.load import parse_flow

    try:
        file = place.flow_file(here, flow)
    except NotFound:
        return None
    found, _ = parse_flow(file.read_bytes(), str(file), file.stem)
    return found.version if found else None
