"""`flowengine runs resubmit` and `runs answer`: doing runs again, and giving what a run waits for."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from flowengine.cli import many, output, place
from flowengine.cli.errors import WrongUsage
from flowengine.cli.many import Holding, OfFlow, OfVersion, Really, Since
from flowengine.cli.place import AsJson
from flowengine.cli.since import parse_since
from flowengine.errors import Conflict
from flowengine.types import Status, format_path

if TYPE_CHECKING:
    from flowengine.cli.server_client import Server
    from flowengine.config import Settings
    from flowengine.store import Store
    from flowengine.store.records import ActionRecord, RunRecord

_AS_IT_WAS = object()
_CHOICES = "--failed, --status, --flow, --flow-version, --since, --search"


def resubmit(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run, @last or @last-failed.")] = None,
    from_action: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ACTION", help="Keep the results of what stands before this action (path or name)."
        ),
    ] = None,
    edit_inputs: Annotated[
        str | None,
        typer.Option(
            "--edit-inputs",
            metavar="FILE",
            help="Other input, as JSON: its inputs, or the event's body; - reads stdin.",
        ),
    ] = None,
    original: Annotated[bool, typer.Option("--original", help="The version it ran with, not the newest one.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Many: all that failed or timed out.")] = False,
    status: Annotated[
        list[str] | None, typer.Option("--status", "-s", help="Many: all that ended so (repeatable).")
    ] = None,
    flow: OfFlow = None,
    flow_version: OfVersion = None,
    since: Since = None,
    search: Holding = None,
    yes: Really = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Give the new run's id at once; needs a running engine.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, help="Seconds to wait at most; then exit code 5.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do a run again: whole, or from one of its actions; or many runs, after a look at which.

    What has been done is not done again unless you ask: with --from, results before that action are kept. Without RUN, say which
    runs: --failed, --status, --flow, --flow-version, --since, --search; they are shown, and done again with --yes.
    """
    here = place.settings(ctx)
    version = "original" if original else "newest"
    wanted: dict[str, Any] = {"flow": flow, "flow_version": flow_version, "since": parse_since(since), "search": search}
    several = failed or status or any(wanted.values())
    wanted["statuses"] = _ended(status, failed=failed)
    if run is None:
        if not several:
            raise WrongUsage(f"say which run, or which runs: {_CHOICES}")
        if edit_inputs is not None:
            raise WrongUsage("--edit-inputs goes with one RUN")
        _many(here, wanted, from_action, version, yes=yes, as_json=as_json)
        return
    if several:
        raise WrongUsage(f"either one RUN, or a choice of many ({_CHOICES})")
    given = _AS_IT_WAS if edit_inputs is None else _json_of(edit_inputs)
    _one(here, run, from_action, version, given, wait=not no_wait, seconds=timeout, as_json=as_json)


def _one(
    here: Settings,
    reference: str,
    from_action: str | None,
    version: str,
    given: Any,
    *,
    wait: bool,
    seconds: float | None,
    as_json: bool,
) -> None:
    from flowengine.cli.run import _tell
    from flowengine.cli.server_client import running

    if server := running(here):
        body = {"version": version} | ({"from": from_action} if from_action else {})
        body |= {} if given is _AS_IT_WAS else {"given": given}
        ended = place.finish(_one_there(here, server, reference, body, wait=wait, seconds=seconds, quiet=as_json))
    elif not wait:
        raise WrongUsage(
            "--no-wait needs a running engine (flowengine serve); without one the run would end with this command"
        )
    else:
        ended = place.finish(_one_here(here, reference, from_action, version, given, seconds=seconds, quiet=as_json))
    _tell(here, ended, waited=wait, as_json=as_json)


async def _one_there(
    here: Settings,
    server: Server,
    reference: str,
    body: dict[str, Any],
    *,
    wait: bool,
    seconds: float | None,
    quiet: bool,
) -> RunRecord:
    from flowengine.cli.running import shown

    answer = await asyncio.to_thread(server.ask, "POST", f"/runs/{quote(reference)}/resubmit", body)
    _tell_kept(answer["plan"], quiet=quiet)
    async with place.history(here) as store:
        made = await store.runs.get(answer["run"]["id"])
        return await shown(store, made, seconds, quiet=quiet) if wait else made


async def _one_here(
    here: Settings,
    reference: str,
    from_action: str | None,
    version: Any,
    given: Any,
    *,
    seconds: float | None,
    quiet: bool,
) -> RunRecord:
    from flowengine.app import Engine
    from flowengine.app.again import AS_IT_WAS, Again, plan, submit
    from flowengine.cli.running import shown

    async with Engine.open(here) as engine:
        again = Again(from_action=from_action, version=version, given=AS_IT_WAS if given is _AS_IT_WAS else given)
        store = engine.app.store
        planned = await plan(engine.app, await store.runs.find(reference), again)
        _tell_kept(planned.to_json(), quiet=quiet)
        return await shown(store, await submit(engine.app, planned), seconds, quiet=quiet)


def _tell_kept(plan: dict[str, Any], *, quiet: bool) -> None:
    if not quiet and plan["kept"]:
        kept = [output.clean(path) for path in plan["kept"]]
        more = f" and {len(kept) - many.SHOWN} more" if len(kept) > many.SHOWN else ""
        output.tell(f"Kept from {plan['run']}: {', '.join(kept[: many.SHOWN])}{more}")


def _many(
    here: Settings, wanted: dict[str, Any], from_action: str | None, version: str, *, yes: bool, as_json: bool
) -> None:
    from flowengine.cli.server_client import running

    if server := running(here):
        body = many.asked(wanted, really=yes) | {"version": version} | ({"from": from_action} if from_action else {})
        found = server.ask("POST", "/runs/resubmit", body, many.WITHIN)
    else:
        found = place.finish(_many_here(here, wanted, from_action, version, yes=yes))
    if as_json:
        many.emit(found)
    else:
        _tell_many(found, yes=yes)
    raise typer.Exit(many.exit_code(found))


async def _many_here(
    here: Settings, wanted: dict[str, Any], from_action: str | None, version: Any, *, yes: bool
) -> dict[str, Any]:
    """Without an engine this process is it, until the runs have ended or wait for something."""
    from flowengine.app import App
    from flowengine.app.again import Again, Wanted, resubmit_many

    async with App.open(here) as app:
        again = Again(from_action=from_action, version=version)
        done = await resubmit_many(app, Wanted(**wanted), again, really=yes)
        for run in done.made:
            await _at_rest(app.store, run.id)
        made = [await app.store.runs.get(run.id) for run in done.made]
        return replace(done, made=tuple(made)).to_json()


async def _at_rest(store: Store, run_id: str) -> None:
    """Returns when the run has ended or waits for something."""
    while (await store.runs.get(run_id)).status in (Status.QUEUED, Status.RUNNING):  # noqa: ASYNC110  # as others see it
        await asyncio.sleep(0.05)


def _tell_many(found: dict[str, Any], *, yes: bool) -> None:
    total = found["total"]
    many.show(found, "not done again")
    if found["done_again_before"]:
        output.tell(f"{found['done_again_before']} were done again before and are left out.")
    if not total:
        output.tell("No run fits what was asked.")
    elif yes:
        output.tell(f"{len(found['runs'])} of {total} are done again.")
    else:
        output.tell(f"{total} would be done again. Nothing has happened yet: add --yes to do it.")


def _ended(words: list[str] | None, *, failed: bool) -> list[str]:
    """The statuses of runs that are to be done again: failed and timed-out ones unless said otherwise."""
    ended = [str(status) for status in Status if status.finished]
    for word in words or []:
        if word.lower().replace("-", "_") not in ended:
            raise WrongUsage(f'--status "{word}": one of {", ".join(ended)}')
    chosen = [word.lower().replace("-", "_") for word in words or []]
    return list(dict.fromkeys([*chosen, *(("failed", "timed_out") if failed or not chosen else ())]))


def _json_of(name: str) -> Any:
    if name != "-" and not Path(name).is_file():
        raise WrongUsage(f"there is no file {name}; --edit-inputs takes a JSON file with what the run is to be given")
    text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongUsage(f"{name} is not JSON: {error}") from None


def answer(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run that waits for an answer.")],
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="One of the choices that the question gives.")],
    action: Annotated[
        str | None, typer.Option("--action", "-a", help="The question's path or name, where there are several.")
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help="A word to it, for the history.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who answers.")] = "",
    as_json: AsJson = False,
) -> None:
    """Answer what a run asks: an `ask` that waits for a person."""
    from flowengine.cli.server_client import running

    here = place.settings(ctx)
    by = by or _person()
    if server := running(here):
        body = {"choice": choice, "by": by, "comment": comment} | ({"action": action} if action else {})
        done = server.ask("POST", f"/runs/{quote(run)}/answer", body)
        path, given = done["action"], done["answer"]
    else:
        path, given = place.finish(_answer_here(here, run, action, choice, by, comment))
    if as_json:
        output.emit(action=path, answer=given)
    else:
        output.say(f"{output.clean(path)}: {output.clean(choice)}")


async def _answer_here(
    here: Settings, reference: str, wanted: str | None, choice: str, by: str, comment: str
) -> tuple[str, dict[str, Any]]:
    """No engine runs, so this process is it, until the run has ended or waits for something else."""
    from flowengine.app import App
    from flowengine.store.documents import timestamp

    async with App.open(here) as app:
        run = await app.store.runs.find(reference)
        asked = _asked(await app.store.runs.actions(run.id), wanted)
        choices = list((asked.inputs or {}).get("choices", []))
        if choice not in choices:
            raise WrongUsage(f'"{choice}" is not one of the choices: {", ".join(map(str, choices))}')
        given = {"choice": choice, "by": by, "comment": comment, "at": timestamp(app.clock.now())}
        await app.engine.answer(run.id, asked.path, given)
        await _at_rest(app.store, run.id)
        return format_path(asked.path), given


def _asked(actions: list[ActionRecord], wanted: str | None) -> ActionRecord:
    waiting = [each for each in actions if each.kind == "ask" and each.status is Status.WAITING]
    fitting = [each for each in waiting if wanted in (None, format_path(each.path), each.name)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise Conflict("the run does not wait for an answer" + (f" at {wanted}" if wanted else ""))
    raise Conflict(
        f"the run waits for several answers; say which with --action: {', '.join(format_path(each.path) for each in fitting)}"
    )


def _person() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"
