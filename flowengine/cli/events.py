"""`flowengine events`: everything that came in, and why it did or did not start a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place, why_nothing
from flowengine.cli.errors import WrongUsage
from flowengine.cli.place import AsJson
from flowengine.cli.since import parse_before, parse_since
from flowengine.errors import NotFound
from flowengine.types import Disposition

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.records import EventRecord

app = place.group("Everything that came in, and why it did or did not start a run.")


@app.command("list")
def list_(
    ctx: typer.Context,
    flow: Annotated[str | None, typer.Option("--flow", "-f", help="Only events for this flow.")] = None,
    disposition: Annotated[
        list[str] | None,
        typer.Option("--disposition", "-d", help="Only these: started, filtered, duplicate, ... (repeatable)."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only newer ones: 24h, 7d, 2026-01-31.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-L", min=1, max=10_000, help="At most this many.")] = 20,
    before: Annotated[str | None, typer.Option("--before", help="Only older than this event: the next page.")] = None,
    as_json: AsJson = False,
) -> None:
    """The newest events first."""
    here = place.settings(ctx)
    wanted = [_disposition(word) for word in disposition or []]
    query = {
        "flow": flow,
        "dispositions": wanted,
        "since": parse_since(since),
        "limit": limit + 1,
        "before": parse_before(before),
    }
    more, runs = place.finish(_read(here, query)) if place.has_history(here) else ([], {})
    events = more[:limit]
    following = events[-1].id if len(more) > limit else None
    if as_json:
        from flowengine.store.documents import event_document

        output.emit(events=[event_document(each, runs.get(each.id, [])) for each in events], next=following)
        return
    hint = why_nothing.hint(here, flow, empty=not events)
    if not events:
        asked = bool(flow or wanted or since or before)
        none = "They come in while `flowengine serve` runs; `flowengine demo` shows some."
        output.tell(f"No events. {hint or ('No event fits what was asked.' if asked else none)}")
        return
    output.table(
        ("event", "received", "flow", "trigger", "became", "why"),
        [_row(each, runs.get(each.id, [])) for each in events],
    )
    if following:
        output.tell(f"\nOlder ones: --before {following}")
    output.tell(f"{'' if following else chr(10)}More about one: flowengine events show EVENT")
    if hint:
        output.tell(hint)


async def _read(here: Settings, query: dict[str, Any]) -> tuple[list[EventRecord], dict[str, list[str]]]:
    async with place.history(here) as store:
        events = await store.events.list(**query)
        return list(events), await store.events.run_ids([each.id for each in events])


def _disposition(word: str) -> Disposition:
    try:
        return Disposition(word.lower())
    except ValueError:
        from flowengine.findings import did_you_mean

        raise WrongUsage(f'--disposition "{word}": {did_you_mean(word, list(Disposition))}') from None


def _row(event: EventRecord, runs: list[str]) -> list[output.Styled | str]:
    why = _started(runs) if runs else reason_text(event.reason)
    return [
        event.id,
        output.moment(event.received_at),
        event.flow,
        event.trigger_name,
        output.status(event.disposition),
        why,
    ]


def _started(runs: list[str]) -> str:
    """The runs' ids for programs; people find them, with everything else, on the event's page."""
    if output.on_terminal():
        return "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"run {', '.join(runs)}"


def reason_text(reason: Any) -> str:
    """A reason in one line: conditions with what was compared, or the words that were recorded."""
    if isinstance(reason, dict) and isinstance(reason.get("conditions"), list):
        failed = [each for each in reason["conditions"] if not each.get("held")]
        return "; ".join(condition_text(each) for each in failed or reason["conditions"])
    if isinstance(reason, dict) and "message" in reason:
        return str(reason["message"])
    if isinstance(reason, dict) and "dedupe_key" in reason:
        return f"seen before: {output.json_text(reason['dedupe_key'], 200)}"
    return "" if reason is None else output.json_text(reason, 200)


def condition_text(condition: dict[str, Any]) -> str:
    """`"Order 12" contains "refund": no`, with both values as they were."""
    operator = str(condition.get("operator", "?")).replace("_", " ")
    left = output.json_text({"": condition.get("left")}, 200)[5:-1]
    if operator in ("truth", "true", "?"):
        return f"{left}: {'yes' if condition.get('held') else 'no'}"
    right = output.json_text({"": condition.get("right")}, 200)[5:-1]
    return f"{left} {operator} {right}: {'yes' if condition.get('held') else 'no'}"


@app.command()
def show(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(help="An event's id, or the beginning of one.")],
    as_json: AsJson = False,
) -> None:
    """One event: what came in, and each condition with both values."""
    here = place.settings(ctx)
    record, runs = place.finish(_one(here, event))
    if as_json:
        from flowengine.store.documents import event_document

        output.emit(event=event_document(record, runs, body=True))
        return
    _print(record, runs)


async def _one(here: Settings, reference: str) -> tuple[EventRecord, list[str]]:
    if not place.has_database(here):
        raise NotFound(f"no event came in at {here.project} yet")
    async with place.history(here) as store:
        record = await store.events.get(reference)
        return record, (await store.events.run_ids([record.id])).get(record.id, [])


def _print(event: EventRecord, runs: list[str]) -> None:
    from flowengine.store.documents import readable

    output.say(f"Event {event.id}  {output.shown(output.status(event.disposition))}")
    output.say(f"  for       {output.clean(event.flow)}, by its trigger {output.clean(event.trigger_name)}")
    output.say(
        f"  received  {output.moment(event.received_at)}"
        + (f" from {output.clean(event.source)}" if event.source else "")
    )
    if event.dedupe_key:
        output.say(f"  known as  {output.clean(event.dedupe_key)}")
    _print_reason(event)
    for run in runs:
        output.say(f"  run       {run}")
    if event.body:
        output.say("\nWhat came in:")
        output.say(output.indented(readable(event.body), "  "))
    if runs:
        output.tell(f"\nWhat the run did: flowengine runs show {runs[0]}")


def _print_reason(event: EventRecord) -> None:
    conditions = event.reason.get("conditions") if isinstance(event.reason, dict) else None
    if conditions:
        output.say("  why       the conditions of the flow:")
        for each in conditions:
            mark = output.paint("held    ", "green") if each.get("held") else output.paint("not held", "red")
            output.say(f"            {mark}  {output.clean(condition_text(each).rpartition(':')[0])}")
    elif text := reason_text(event.reason):
        output.say(f"  why       {output.clean(text)}")
