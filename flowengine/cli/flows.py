"""`flowengine flows`: which flows there are, whether they are on, and when they run next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import flow_versions, output, place
from flowengine.cli.place import AsJson
from flowengine.errors import FlowEngineError, InvalidFile

if TYPE_CHECKING:
    from pathlib import Path

    from flowengine.config import Settings
    from flowengine.findings import Finding
    from flowengine.spec.flow import Flow
    from flowengine.spec.triggers import Trigger
    from flowengine.store.records import RunRecord

app = place.group("List, show, enable and disable flows; when they run next; what changed.")
app.command()(flow_versions.versions)
app.command()(flow_versions.diff)

FlowName = Annotated[str, typer.Argument(metavar="FLOW", help="A flow's id: its file's name without .yaml.")]


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every flow with its triggers, whether it is on, and its last run."""
    here = place.project(ctx)
    documents = place.finish(_documents(here, place.flow_files(here)))
    if as_json:
        output.emit(flows=documents)
        return
    if not documents:
        output.tell(f"No flows in {here.flows}. Make one from a template: flowengine new --list")
        return
    output.table(("flow", "name", "on", "starts", "last run"), [_row(each) for each in documents])
    for each in documents:
        for trigger in each["triggers"]:
            if trigger.get("problem"):
                output.tell(f"{each['id']}: {output.clean(trigger['name'])}: {output.clean(trigger['problem'])}")


States = dict[tuple[str, str], dict[str, Any]]
"""(flow id, trigger key) to how the trigger stands: `problem`, and of a running engine `address` and `next_at`."""


async def _documents(here: Settings, files: list[Path]) -> list[dict[str, Any]]:
    if not place.has_database(here):
        return [_document(here, file, {}, None, {}) for file in files]
    async with place.history(here) as store:
        switches = await store.flows.enabled()
        states: States = {
            (each.flow, each.trigger_key): {"problem": each.error} for each in await store.subscriptions.list()
        }
        states |= _states_of_engine(here)
        return [
            _document(here, file, switches, next(iter(await store.runs.list(flow=file.stem, limit=1)), None), states)
            for file in files
        ]


def _states_of_engine(here: Settings) -> States:
    """What the running engine knows of the triggers; nothing when none runs or it does not answer."""
    from flowengine.cli.server_client import running

    server = running(here)
    if server is None:
        return {}
    try:
        flows = server.ask("GET", "/flows", seconds=5.0).get("flows", [])
    except FlowEngineError:
        return {}
    return {
        (flow["id"], state["key"]): {
            "problem": state["detail"] or None,
            "address": state["address"] or None,
            "next_at": state["next_at"],
        }
        for flow in flows
        for state in flow["triggers"]
    }


def _document(
    here: Settings, file: Path, switches: dict[str, bool], last: RunRecord | None, states: States
) -> dict[str, Any]:
    flow, findings = parse(file)
    mistakes = [each for each in findings if each.severity == "error"]
    return {
        "id": file.stem,
        "name": flow.name if flow else file.stem,
        "description": flow.description if flow else "",
        "file": place.shown(here, file),
        "valid": flow is not None and not mistakes,
        "enabled": bool(flow and flow.enabled and switches.get(file.stem, True)),
        "version": flow.version if flow else None,
        "triggers": [_trigger(each, states.get((file.stem, each.key), {})) for each in flow.triggers] if flow else [],
        "last_run": {
            "id": last.id,
            "status": str(last.status),
            "started_at": output.rfc3339(last.started_at or last.created_at),
        }
        if last
        else None,
        "findings": [each.to_json() for each in mistakes],
    }


def parse(file: Path) -> tuple[Flow | None, list[Finding]]:
    """Read a flow file and what is wrong with it."""
    from flowengine.spec.load import parse_flow

    return parse_flow(file.read_bytes(), str(file), file.stem)


def _trigger(trigger: Trigger, state: dict[str, Any]) -> dict[str, Any]:
    from flowengine.spec.words import starts

    unknown = {"problem": None, "address": None, "next_at": None}
    return {
        "key": trigger.key,
        "kind": trigger.kind,
        "name": trigger.name,
        "words": starts(trigger),
        **unknown,
        **state,
    }


def _row(flow: dict[str, Any]) -> list[output.Styled | str]:
    last = flow["last_run"]
    on: output.Styled | str = "yes" if flow["enabled"] else output.Styled("no", "bright_black")
    if not flow["valid"]:
        on = output.Styled("has mistakes", "red")
    starts = ", ".join(each["words"] for each in flow["triggers"])
    return [flow["id"], flow["name"], on, starts, output.status(last["status"]) if last else "-"]


@app.command()
def show(ctx: typer.Context, flow: FlowName, as_json: AsJson = False) -> None:
    """One flow: what starts it, what it does, its last runs."""
    here = place.project(ctx)
    file = place.flow_file(here, flow)
    document = place.finish(_documents(here, [file]))[0]
    found, findings = parse(file)
    if found is None:
        raise InvalidFile(findings)
    if as_json:
        output.emit(flow={**document, "actions": _actions(found)})
        return
    output.say(
        f"{output.paint(output.clean(found.name), 'bold')} ({found.id}), {'on' if document['enabled'] else 'off'}"
    )
    if found.description:
        output.say(output.clean(found.description, lines=True))
    for trigger in document["triggers"]:
        output.say(f"Starts:  {output.clean(trigger['words'])}")
        if trigger["address"] and trigger["kind"] == "webhook":
            output.say(f"         {output.clean(trigger['address'])}")
        if trigger["problem"]:
            output.say(f"         {output.paint('problem', 'red')}: {output.clean(trigger['problem'])}")
    output.say("\nActions:")
    for each in _actions(found):
        depth = each["path"].count("/")
        output.say(f"  {'  ' * depth}{output.clean(each['name'])}  ({output.clean(each['what'])})")
    if document["last_run"]:
        output.say(
            f"\nLast run: {document['last_run']['id']} {output.shown(output.status(document['last_run']['status']))}"
        )
    output.tell(f"\nIts runs: flowengine runs list --flow {found.id}")


def _actions(flow: Flow) -> list[dict[str, str]]:
    from flowengine.spec.actions import OperationAction
    from flowengine.types import format_path

    return [
        {
            "path": format_path(path),
            "name": action.name,
            "kind": action.kind,
            "what": action.use if isinstance(action, OperationAction) else action.kind,
        }
        for path, action in flow.walk()
    ]


@app.command()
def enable(ctx: typer.Context, flow: FlowName, as_json: AsJson = False) -> None:
    """Let events start the flow; its webhooks are registered at the services."""
    _switch(ctx, flow, True, as_json)


@app.command()
def disable(ctx: typer.Context, flow: FlowName, as_json: AsJson = False) -> None:
    """Keep events from starting the flow; runs that go on end as they would."""
    _switch(ctx, flow, False, as_json)


def _switch(ctx: typer.Context, name: str, on: bool, as_json: bool) -> None:
    from flowengine.cli import changes

    here = place.project(ctx)
    file = place.flow_file(here, name)
    where = changes.switch_flow(here, file.stem, on)
    found, _ = parse(file)
    if as_json:
        output.emit(flow={"id": file.stem, "enabled": bool(on and found and found.enabled)})
        return
    output.say(f"{file.stem} is {'on' if on else 'off'}")
    if on and found and not found.enabled:
        output.tell(f"Its file says `enabled: false`, which still holds: {file}")
    if where == "database":
        output.tell("It holds from the next `flowengine serve` on.")


@app.command("next")
def next_(
    ctx: typer.Context,
    flow: Annotated[str | None, typer.Argument(metavar="[FLOW]", help="Only this flow's times.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many times.")] = 5,
    as_json: AsJson = False,
) -> None:
    """The coming times of schedules, daylight saving included."""
    here = place.project(ctx)
    files = [place.flow_file(here, flow)] if flow else place.flow_files(here)
    coming = sorted((each for file in files for each in _coming(file, number)), key=lambda each: each["at"])
    coming = coming[:number]
    if as_json:
        output.emit(next=[{**each, "at": output.rfc3339(each["at"])} for each in coming])
    elif not coming:
        output.tell("No schedules." if not flow else f"{flow} has no schedule.")
    else:
        output.table(("at", "flow", "schedule"), [[_local(each), each["flow"], each["schedule"]] for each in coming])


def _coming(file: Path, number: int) -> list[dict[str, Any]]:
    from flowengine.spec.schedules import coming, read_schedule
    from flowengine.spec.triggers import Schedule
    from flowengine.types import SystemClock

    flow, findings = parse(file)
    if flow is None:
        output.tell(f"{file}: has mistakes ({len(findings)}); see flowengine check")
        return []
    found: list[dict[str, Any]] = []
    for trigger in flow.triggers:
        if isinstance(trigger, Schedule) and flow.enabled:
            schedule = read_schedule(trigger.recurrence, trigger.timezone)
            times = coming(schedule, SystemClock().now(), number)
            found += [{"at": at, "flow": flow.id, "schedule": schedule.describe()} for at in times]
    return found


def _local(entry: dict[str, Any]) -> str:
    """The moment in the schedule's own zone, which is how the author thinks of it."""
    at: datetime = entry["at"]
    return at.strftime("%a %Y-%m-%d %H:%M %Z") if output.on_terminal() else at.isoformat(timespec="seconds")
