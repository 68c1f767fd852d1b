"""`flowengine runs`: what ran, what each action did, where it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place, run_again, run_cancel, run_records, why_nothing
from flowengine.cli.errors import Exit, WrongUsage
from flowengine.cli.place import AsJson
from flowengine.cli.since import parse_before, parse_since
from flowengine.types import Status

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.records import RunRecord

app = place.group("What ran, what each action did, where it failed.")

Reference = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id or the beginning of one, @last, or @last-failed.")
]


@app.command("list")
def list_(
    ctx: typer.Context,
    flow: Annotated[str | None, typer.Option("--flow", "-f", help="Only this flow's.")] = None,
    flow_version: Annotated[
        str | None, typer.Option("--flow-version", help="Only runs of this version of a flow; its beginning is enough.")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", "-s", help="Only these: running, succeeded, failed, ... (repeatable)."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only newer ones: 24h, 7d, 2026-01-31.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", help="Only runs whose event, inputs or error hold this text.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Let --search look into what each action was given and gave back, too.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-L", min=1, max=10_000, help="At most this many.")] = 20,
    before: Annotated[str | None, typer.Option("--before", help="Only older than this run: the next page.")] = None,
    as_json: AsJson = False,
) -> None:
    """The newest runs first."""
    here = place.settings(ctx)
    statuses = [_status(word) for word in status or []]
    query = {
        "flow": flow,
        "flow_version": flow_version,
        "statuses": statuses,
        "since": parse_since(since),
        "limit": limit + 1,
        "before": parse_before(before),
    }
    more, total = (
        place.finish(_read(here, query, search, everywhere=everywhere)) if place.has_history(here) else ([], None)
    )
    found = more[:limit]
    following = found[-1].id if len(more) > limit else None
    if as_json:
        from flowengine.store.documents import run_document

        counted = {} if total is None else {"total": total}
        output.emit(runs=[run_document(each) for each in found], next=following, **counted)
        return
    hint = why_nothing.hint(here, flow, empty=not found)
    if not found:
        asked = bool(flow or flow_version or statuses or since or search or before)
        none = "No run fits what was asked." if asked else "Start one: flowengine run FLOW, or see flowengine demo."
        output.tell(f"No runs. {hint or none}")
        return
    output.table(("run", "flow", "status", "started", "took", "error"), [_row(each) for each in found])
    if total is not None:
        output.tell(f"\n{total} in all hold this text.")
    if following:
        output.tell(f"\nOlder ones: --before {following}")
    output.tell(f"{'' if following else chr(10)}What one did: flowengine runs show RUN")
    if hint:
        output.tell(hint)


async def _read(
    here: Settings, query: dict[str, Any], search: str | None, *, everywhere: bool
) -> tuple[list[RunRecord], int | None]:
    """The runs that fit and, of a search, how many do in all."""
    async with place.history(here) as store:
        if not search:
            return list(await store.runs.list(**query)), None
        return await store.runs.found(search, **query, everywhere=everywhere)


def _status(word: str) -> Status:
    try:
        return Status(word.lower().replace("-", "_"))
    except ValueError:
        from flowengine.findings import did_you_mean

        raise WrongUsage(f'--status "{word}": {did_you_mean(word, list(Status))}') from None


def _row(run: RunRecord) -> list[output.Styled | str]:
    message = str(run.error.get("message", "")) if run.error else ""
    return [
        run.id,
        run.flow,
        output.status(run.status),
        output.moment(run.started_at or run.created_at),
        output.duration(output.took(run.started_at, run.finished_at)),
        message,
    ]


@app.command()
def show(
    ctx: typer.Context,
    run: Reference,
    action: Annotated[
        str | None, typer.Option("--action", "-a", help="Only this action, by its path, in full.")
    ] = None,
    inputs: Annotated[bool, typer.Option("--inputs", help="What each action was given.")] = False,
    outputs: Annotated[bool, typer.Option("--outputs", help="What each action gave back.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="The event's body, byte for byte; with --action, the requests that it sent.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """One run, straight to the failure: the action, the file's line, the attempts, and what to do next."""
    from flowengine.cli import run_page

    found = place.finish(run_page.read(place.settings(ctx), run))
    if raw and action is not None and not as_json:
        run_page.print_requests(found, action)
        return
    if raw and not as_json:
        import sys

        sys.stdout.buffer.write(found.event.body if found.event else b"")
        return
    if as_json:
        output.emit(run=found.document())
        return
    if action is not None:
        run_page.print_action(found, action)
    else:
        run_page.print_run(found, inputs=inputs, outputs=outputs)


@app.command()
def logs(ctx: typer.Context, run: Reference, as_json: AsJson = False) -> None:
    """What the run's `log` actions said, and every action's beginning and end, in order of time."""
    from flowengine.cli import run_page

    found = place.finish(run_page.read(place.settings(ctx), run))
    for line in run_page.log_lines(found):
        if as_json:
            output.emit_line(**line)
        else:
            output.say(
                f"{output.moment(line['at'])}  {output.shown(output.status(line['status']))}  {output.clean(line['path'])}  {output.clean(line['text'])}".rstrip()
            )


@app.command()
def watch(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="A run, @last or @last-failed.")] = "@last",
    as_json: AsJson = False,
) -> None:
    """Follow a run until it ends."""
    from flowengine.cli.run_watch import follow

    ended = place.finish(follow(place.settings(ctx), run, as_json=as_json))
    raise typer.Exit(Exit.FINE if ended.status == Status.SUCCEEDED else Exit.FOUND)


@app.command()
def wait(
    ctx: typer.Context,
    run: Reference,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, help="Seconds to wait at most; exit code 5 when they pass.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Wait until a run ends; the exit code says whether it succeeded."""
    from flowengine.cli.run_watch import wait_for

    ended = place.finish(wait_for(place.settings(ctx), run, timeout))
    if as_json:
        from flowengine.store.documents import run_document

        output.emit(run=run_document(ended))
    else:
        output.say(f"{ended.id}  {output.shown(output.status(ended.status))}")
    if not ended.status.finished:
        raise typer.Exit(Exit.TIMED_OUT)
    raise typer.Exit(Exit.FINE if ended.status == Status.SUCCEEDED else Exit.FOUND)


for command in (
    run_cancel.cancel,
    run_again.resubmit,
    run_again.answer,
    run_records.diff,
    run_records.export,
    run_records.prune,
):
    app.command()(command)
