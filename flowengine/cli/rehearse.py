"""`flowengine run --dry-run` and `--mock`: a run that is walked and not stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.errors import InvalidFile
from flowengine.types import JsonObject, Status, format_path

if TYPE_CHECKING:
    from flowengine.app.dry_run import Unsent
    from flowengine.app.rehearsal import Stage
    from flowengine.cli.server_client import Server
    from flowengine.config import Settings
    from flowengine.store.records import ActionRecord, RunRecord

SECONDS = 90.0
"""For trying a flow at a server."""


def rehearse(
    here: Settings, flow: str, event: Any, inputs: Mapping[str, Any], mock: str | None, *, dry: bool, as_json: bool
) -> None:
    """Walk the run and tell what it would do; ends with the exit code that the run would have."""
    answers = _answers(mock)
    if server := _elsewhere(here):
        body = {"event": event, "inputs": dict(inputs), "answers": answers, "offline": not dry}
        document = server.ask("POST", f"/flows/{quote(flow, safe='')}/try", body, SECONDS)
        came = _from_document(document)
        for request in () if as_json else came.requests:
            _show(request)
    else:
        came = place.finish(_rehearsed(here, _dry if dry else _offline, flow, event, inputs, answers, as_json))
    for key in came.unused:
        output.tell(f'Nothing asked for the answer "{key}".')
    if as_json:
        runs = [_document(*each) for each in came.runs]
        more = {"runs": runs} if len(runs) > 1 else {}
        output.emit(
            dry_run=True,
            event=came.event,
            run=runs[0] if runs else None,
            requests=list(came.requests),
            assumed=list(came.assumed),
            **more,
        )
    else:
        _tell(came, dry=dry)
    fine = came.runs and all(run.status is Status.SUCCEEDED for run, _ in came.runs)
    raise typer.Exit(Exit.FINE if fine else Exit.FOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What a rehearsal gave, here or elsewhere."""

    event: JsonObject
    """`{disposition, reason}`."""
    runs: tuple[tuple[RunRecord, tuple[ActionRecord, ...]], ...]
    requests: tuple[JsonObject, ...] = ()
    """`{action, name, use, request}` of what was not sent."""
    assumed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def _elsewhere(here: Settings) -> Server | None:
    from flowengine.cli.server_client import running

    return running(here) if here.server else None


def _from_document(document: JsonObject) -> Came:
    from flowengine.cli.remote import action_of, run_of

    return Came(
        event=document["event"],
        runs=tuple(
            (run_of(run), tuple(action_of(run["id"], number, one) for number, one in enumerate(run["actions"], 1)))
            for run in document["runs"]
        ),
        requests=tuple(document["requests"]),
        assumed=tuple(document["assumed"]),
        unused=tuple(document["unused"]),
    )


async def _rehearsed(
    here: Settings,
    stage_of: Any,
    flow: str,
    event: Any,
    inputs: Mapping[str, Any],
    answers: JsonObject,
    quiet: bool,
) -> Came:
    from flowengine.app.rehearsal import Given
    from flowengine.engine.scripted import Script
    from flowengine.store.action_rows import hidden
    from flowengine.types import SystemClock

    try:
        script = Script(answers)
    except ValueError as error:
        raise WrongUsage(str(error)) from None
    async with stage_of(here, quiet) as stage:
        given = Given(now=SystemClock().now(), event=event, inputs=inputs, script=script)
        came = await stage.rehearse(stage.flows(flow), given)
        return Came(
            event={"disposition": str(came.event.disposition), "reason": came.event.reason},
            runs=tuple((one.run, tuple(hidden(action) for action in one.actions)) for one in came.runs),
            requests=tuple(request_document(one) for one in getattr(stage.outside, "unsent", ())),
            assumed=tuple(getattr(stage.outside, "assumed", ())),
            unused=tuple(script.unused),
        )


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
        yield replace(stage, outside=DryRun(calls, clock, _silent if quiet else _show_unsent))


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


def request_document(unsent: Unsent) -> JsonObject:
    """`{action, name, use, request}`."""
    return {
        "action": format_path(unsent.path),
        "name": unsent.name,
        "use": unsent.use,
        "request": unsent.request,
    }


def _silent(_: Unsent) -> None:
    """Nothing is shown of what is told as one document."""


def _show_unsent(unsent: Unsent) -> None:
    _show(request_document(unsent))


def _show(unsent: JsonObject) -> None:
    request = unsent["request"]
    output.say(f"  would send  {output.clean(unsent['action'])}  {output.clean(unsent['use'])}")
    output.say(f"    {request['method']} {output.clean(request['url'])}")
    for name, value in request["headers"].items():
        output.say(f"    {output.clean(name)}: {output.clean(value)}")
    if request["body"] is not None:
        output.say(output.indented(request["body"], "    "))
    elif request["body_base64"] is not None:
        output.say(f"    ({len(request['body_base64']) * 3 // 4} bytes)")


def _document(run: RunRecord, actions: Sequence[ActionRecord]) -> JsonObject:
    from flowengine.store.documents import run_document

    return run_document(run, actions=actions)


def _tell(came: Came, *, dry: bool) -> None:
    from flowengine.cli.run_watch import Progress, ending

    if not came.runs:
        output.say(f"The event would start no run: it is {came.event['disposition']}")
        output.say(output.indented(came.event["reason"], "  "))
        return
    for number, (run, actions) in enumerate(came.runs, 1):
        if len(came.runs) > 1:
            output.say(f"\nRun {number} of {len(came.runs)}:")
        Progress().show(list(actions))
        output.say(ending(run))
        if run.output is not None:
            output.say(output.indented(run.output, "  "))
    for told in came.assumed:
        output.tell(f"Note: {output.clean(told)}")
    what = "Nothing was changed at any service" if dry else "Nothing left this machine"
    output.tell(f"\n{what}, and nothing was stored.")
