"""`flowengine runs cancel`: ending a run that goes on or waits, or many after a look at which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import many, output, place
from flowengine.cli.errors import WrongUsage
from flowengine.cli.many import Holding, OfFlow, OfVersion, Really, Since
from flowengine.cli.place import AsJson
from flowengine.cli.since import parse_since
from flowengine.types import Status

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.records import RunRecord

UNFINISHED = [str(status) for status in Status if not status.finished]


def cancel(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's id or the beginning of one, or @last.")
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", "-s", help="Many: queued, running or waiting (repeatable).")
    ] = None,
    flow: OfFlow = None,
    flow_version: OfVersion = None,
    since: Since = None,
    search: Holding = None,
    yes: Really = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")] = "cancelled from the command line",
    as_json: AsJson = False,
) -> None:
    """Cancel a run that goes on or waits; or many runs, after a look at which.

    Without RUN, say which runs: --flow, --flow-version, --status, --since, --search; they are shown, and cancelled with --yes.
    """
    here = place.settings(ctx)
    several = bool(status or flow or flow_version or since or search)
    if run is not None and several:
        raise WrongUsage("either one RUN, or a choice of many (--flow, --flow-version, --status, --since, --search)")
    if run is not None:
        _one(here, run, reason, as_json=as_json)
        return
    if not several:
        raise WrongUsage("say which run, or which runs: --flow, --flow-version, --status, --since, --search")
    wanted: dict[str, Any] = {"flow": flow, "flow_version": flow_version, "since": parse_since(since), "search": search}
    wanted["statuses"] = _statuses(status)
    _many(here, wanted, reason, yes=yes, as_json=as_json)


def _one(here: Settings, reference: str, reason: str, *, as_json: bool) -> None:
    found = place.finish(_find(here, reference))
    from flowengine.cli import changes

    document = changes.cancel_run(here, found.id, reason)
    if as_json:
        output.emit(run=document)
    else:
        output.say(f"{found.id} is {document['status'] if document['status'] == 'cancelled' else 'being cancelled'}")


async def _find(here: Settings, reference: str) -> RunRecord:
    async with place.require_history(here) as store:
        return await store.runs.find(reference)


def _many(here: Settings, wanted: dict[str, Any], reason: str, *, yes: bool, as_json: bool) -> None:
    from flowengine.cli import changes

    found = changes.cancel_runs(here, wanted, reason, really=yes)
    if as_json:
        many.emit(found)
    else:
        _tell(found, yes=yes)
    raise typer.Exit(many.exit_code(found))


def _tell(found: dict[str, Any], *, yes: bool) -> None:
    many.show(found, "not cancelled")
    if not found["total"]:
        output.tell("No run fits what was asked.")
    elif yes:
        output.tell(
            f"{len(found['runs'])} of {found['total']} are cancelled, or will be when what they do now has ended."
        )
    else:
        output.tell(f"{found['total']} would be cancelled. Nothing has happened yet: add --yes to do it.")


def _statuses(words: list[str] | None) -> list[str]:
    chosen = [word.lower() for word in words or UNFINISHED]
    for word in chosen:
        if word not in UNFINISHED:
            raise WrongUsage(f'--status "{word}": one of {", ".join(UNFINISHED)}')
    return list(dict.fromkeys(chosen))
