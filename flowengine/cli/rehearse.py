"""`flowengine run --dry-run` and `--mock`: a run that is walked and not stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.errors import InvalidFile
from flowengine.types import JsonObject, Status, format_path

if TYPE_CHECKING:
    from flowengine.app.dry_run import DryRun, Unsent
    from flowengine.app.rehearsal import Rehearsal, Rehearsed, Stage
    from flowengine.config import Settings


def rehearse(
    here: Settings, flow: str, event: Any, inputs: Mapping[str, Any], mock: str | None, *, dry: bool, as_json: bool
) -> None:
    """Walk the run and tell what it would do; ends with the exit code that the run would have."""
    stage_of = _dry if dry else _offline
    came, outside = place.finish(_rehearsed(here, stage_of, flow, event, inputs, _answers(mock), as_json))
    unsent = getattr(outside, "unsent", [])
    if as_json:
        requests = [
            {"action": format_path(each.path), "name": each.name, "use": each.use, "request": each.request}
            for each in unsent
        ]
        assumed = getattr(outside, "assumed", [])
        runs = [_document(each) for each in came.runs]
        event_said = {"disposition": str(came.event.disposition), "reason": came.event.reason}
        more = {"runs": runs} if len(runs) > 1 else {}
        output.emit(
            dry_run=True, event=event_said, run=runs[0] if runs else None, requests=requests, assumed=assumed, **more
        )
    else:
        _tell(came, outside, dry=dry)
    fine = came.runs and all(each.run.status is Status.SUCCEEDED for each in came.runs)
    raise typer.Exit(Exit.FINE if fine else Exit.FOUND)


async def _rehearsed(
    here: Settings,
    stage_of: Any,
    flow: str,
    event: Any,
    inputs: Mapping[str, Any],
    answers: JsonObject,
    quiet: bool,
) -> tuple[Rehearsal, Any]:
    from flowengine.app.rehearsal import Given
    from flowengine.engine.scripted import Script
    from flowengine.types import SystemClock

    try:
        script = Script(answers)
    except ValueError as error:
        raise WrongUsage(str(error)) from None
    async with stage_of(here, quiet) as stage:
        given = Given(now=SystemClock().now(), event=event, inputs=inputs, script=script)
        came = await stage.rehearse(stage.flows(flow), given)
        for key in script.unused:
            output.tell(f'Nothing asked for the answer "{key}".')
        return came, stage.outside


@asynccontextmanager
async def _offline(here: Settings, _: bool) -> AsyncIterator[Stage]:
    from flowengine.cli.stage import offline

    async with offline(here) as stage:
        yield stage


@asynccontextmanager
async def _dry(here: Settings, quiet: bool) -> AsyncIterator[Stage]:
    from dataclasses import replace

    from flowengine.app.calls import Calls
    from flowengine.app.dry_run import DryRun
    from flowengine.cli.stage import offline
    from flowengine.connectors.client import Client
    from flowengine.types import SystemClock

    clock = SystemClock()
    async with offline(here) as stage, Client(here, clock) as client:
        calls = Calls(here, place.catalog(here), client, clock)
        found, findings = await place.connections(here)
        errors = [each for each in findings if each.severity == "error"]
        if errors:
            raise InvalidFile(errors)
        calls.connections = found
        yield replace(stage, outside=DryRun(calls, clock, (lambda _: None) if quiet else _show))


def _answers(mock: str | None) -> JsonObject:
    """The answers in a file: those under `answers:` of a test, or the file's own keys."""
    if mock is None:
        return {}
    from flowengine.spec.source import read_source

    path = Path(mock)
    if not path.is_file():
        raise WrongUsage(f"there is no file {mock}; --mock takes a YAML or JSON file with the answers")
    source, findings = read_source(path.read_bytes(), mock)
    if source is None or findings:
        raise InvalidFile(findings)
    data = source.data
    if isinstance(data, dict) and isinstance(data.get("answers"), dict):
        data = data["answers"]
    if not isinstance(data, dict):
        raise WrongUsage(f"{mock} must hold an object: actions or operations, and what they answer")
    return data


def _show(unsent: Unsent) -> None:
    request = unsent.request
    output.say(f"  would send  {output.clean(format_path(unsent.path))}  {output.clean(unsent.use)}")
    output.say(f"    {request['method']} {output.clean(request['url'])}")
    for name, value in request["headers"].items():
        output.say(f"    {output.clean(name)}: {output.clean(value)}")
    if request["body"] is not None:
        output.say(output.indented(request["body"], "    "))
    elif request["body_base64"] is not None:
        output.say(f"    ({len(request['body_base64']) * 3 // 4} bytes)")


def _document(each: Rehearsed) -> JsonObject:
    from flowengine.store.action_rows import hidden
    from flowengine.store.documents import run_document

    return run_document(each.run, actions=[hidden(action) for action in each.actions])


def _tell(came: Rehearsal, outside: DryRun | Any, *, dry: bool) -> None:
    from flowengine.cli.run_watch import Progress, ending
    from flowengine.store.action_rows import hidden

    if not came.runs:
        output.say(f"The event would start no run: it is {came.event.disposition}")
        output.say(output.indented(came.event.reason, "  "))
        return
    for each in came.runs:
        if len(came.runs) > 1:
            output.say(f"\nRun {came.runs.index(each) + 1} of {len(came.runs)}:")
        Progress().show([hidden(action) for action in each.actions])
        output.say(ending(each.run))
        if each.run.output is not None:
            output.say(output.indented(each.run.output, "  "))
    for told in getattr(outside, "assumed", []):
        output.tell(f"Note: {output.clean(told)}")
    what = "Nothing was changed at any service" if dry else "Nothing left this machine"
    output.tell(f"\n{what}, and nothing was stored.")
