"""`flowengine runs diff`, `export` and `prune`: comparing runs, taking them out, letting them go."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.errors import WrongUsage
from flowengine.cli.place import AsJson
from flowengine.cli.since import parse_since
from flowengine.types import Status

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.records import RunRecord

PAGE = 200


def diff(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="A run, @last or @last-failed.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare it with.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs: the first action where they part, and what differs after it."""
    found = place.finish(_compared(place.settings(ctx), a, b))
    if as_json:
        output.emit(**found)
        return
    output.say(f"{found['a']}  {output.shown(output.status(found['a_status']))}")
    output.say(f"{found['b']}  {output.shown(output.status(found['b_status']))}")
    if found["a_version"] != found["b_version"]:
        output.say(f"The flow changed in between: {found['a_version']}, {found['b_version']}")
    if not found["differences"]:
        output.say("They do not differ.")
        return
    first = found["first"]
    output.say(f"\nThey part at {output.clean(first['path']) or 'what they were given'}: {first['what']}")
    for side in ("a", "b"):
        output.say(f"  {found[side][:10]}  {output.json_text(first[side], 2_000)}")
    rest = [each for each in found["differences"] if each is not first]
    if rest:
        output.say("\nThey also differ at:")
        for each in rest[:50]:
            output.say(f"  {output.clean(each['path']) or 'what they were given'}: {each['what']}")


async def _compared(here: Settings, a: str, b: str) -> dict[str, Any]:
    from flowengine.store.comparing import compare

    async with place.require_history(here) as store:
        one, other = await store.runs.find(a), await store.runs.find(b)
        return compare(one, await store.runs.actions(one.id), other, await store.runs.actions(other.id))


def export(
    ctx: typer.Context,
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Only these runs.")] = None,
    flow: Annotated[str | None, typer.Option("--flow", "-f", help="Only this flow's.")] = None,
    flow_version: Annotated[
        str | None, typer.Option("--flow-version", help="Only runs of this version of a flow; its beginning is enough.")
    ] = None,
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help="Only these (repeatable).")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only newer ones: 24h, 7d, 2026-01-31.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only those that hold this text.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="jsonl: everything, one run a line; csv: a table of the runs.")
    ] = "jsonl",
    to: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; stdout if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
) -> None:
    """Take runs out, newest first: as JSON lines with all their actions, or as a table for a spreadsheet."""
    form = "jsonl" if as_json else form
    if form not in ("jsonl", "csv"):
        raise WrongUsage(f'--format "{form}": jsonl or csv')
    query = {
        "flow": flow,
        "flow_version": flow_version,
        "statuses": [_status(word) for word in status or []],
        "since": parse_since(since),
        "search": search,
    }
    here = place.settings(ctx)
    if to is None:
        place.finish(_exported(here, runs or [], query, form, sys.stdout))
        return
    try:
        with open(to, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123  # /dev/stdout and the like are files, too
            count = place.finish(_exported(here, runs or [], query, form, file))
    except OSError as error:
        raise WrongUsage(f"{to} cannot be written: {error.strerror}") from None
    output.tell(f"{count} runs in {to}")


def _status(word: str) -> Status:
    try:
        return Status(word.lower().replace("-", "_"))
    except ValueError:
        raise WrongUsage(f'--status "{word}": one of {", ".join(Status)}') from None


async def _exported(here: Settings, references: list[str], query: dict[str, Any], form: str, file: IO[str]) -> int:
    import json

    from flowengine.store import spreadsheet
    from flowengine.store.documents import run_document

    count, table = 0, None
    async with place.require_history(here) as store:
        async for run in _chosen(store, references, query):
            count += 1
            if form == "csv":
                table = table or spreadsheet.header(file)
                table.writerow(spreadsheet.row(run))
                continue
            event = await store.events.get(run.event_id) if run.event_id else None
            document = run_document(run, actions=await store.runs.actions(run.id), event=event)
            file.write(json.dumps({"v": 1, "run": document}, ensure_ascii=False, default=str) + "\n")
    if form == "csv" and table is None:
        spreadsheet.header(file)
    return count


async def _chosen(store: Any, references: list[str], query: dict[str, Any]) -> AsyncIterator[RunRecord]:
    for reference in references:
        yield await store.runs.find(reference)
    before: str | None = None
    while not references:
        page = await store.runs.list(**query, limit=PAGE, before=before)
        for run in page:
            yield run
        if len(page) < PAGE:
            return
        before = page[-1].id


def prune(
    ctx: typer.Context,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", help="How old, such as 28d; what each flow's `keep` says, if left out."),
    ] = None,
    flow: Annotated[str | None, typer.Option("--flow", "-f", help="Only this flow's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go of old runs and events, and of flow versions that no run needs. Runs that have not ended stay, and so does what
    says which events were seen.

    The engine does this by itself every hour, by each flow's `keep` and the setting limits.history_days.
    """
    from flowengine.cli.server_client import running
    from flowengine.store.retention import Pruned

    age = None if older_than is None else _age(older_than)
    here = place.settings(ctx)
    if server := running(here):
        body = {"flow": flow, "older_than_seconds": None if age is None else age.total_seconds(), "dry_run": dry_run}
        found = server.ask(
            "POST", "/runs/prune", {name: value for name, value in body.items() if value is not None}, 3_600.0
        )
    else:
        found = place.finish(_pruned(here, flow, age, dry_run=dry_run))
    gone = Pruned(**{name: int(found.get(name, 0)) for name in ("runs", "events", "versions")})
    if as_json:
        output.emit(runs=gone.runs, events=gone.events, versions=gone.versions, dry_run=dry_run)
    else:
        output.say(f"{gone} {'would go' if dry_run else 'are gone'}")


async def _pruned(here: Settings, flow: str | None, age: timedelta | None, *, dry_run: bool) -> dict[str, int]:
    from flowengine.app.housekeeping import prune_by
    from flowengine.cli.changes import writing

    if not place.has_database(here):
        return {}
    async with writing(here) as store:
        gone = await prune_by(
            store, await _keeps(here), here.limits.history_days, flow=flow, age=age, really=not dry_run
        )
        return {"runs": gone.runs, "events": gone.events, "versions": gone.versions}


async def _keeps(here: Settings) -> dict[str, dict[str, timedelta]]:
    """What the flow files say under `keep`."""
    from flowengine.spec.load import parse_flow

    read = [parse_flow(path.read_bytes(), str(path), path.stem)[0] for path in place.flow_files(here)]
    return {flow.id: flow.keep for flow in read if flow is not None}


def _age(text: str) -> timedelta:
    from flowengine.spec.times import parse_duration

    short = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    if text[:-1].isdecimal() and text[-1:] in short:
        return timedelta(**{short[text[-1]]: int(text[:-1])})
    try:
        return parse_duration(text)
    except ValueError as error:
        raise WrongUsage(f'--older-than "{text}": write an age such as 28d, 12h or "4 weeks" ({error})') from None
