"""`flowengine db`: the database, brought up to date, looked over and copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import changes, output, place
from flowengine.cli.errors import Exit, NotReady
from flowengine.cli.place import AsJson

if TYPE_CHECKING:
    from flowengine.config import Settings

app = place.group("The database: bring it up to date, look it over, copy it.")


@app.command()
def upgrade(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Make the database, or bring it to this version's layout. `serve` and `run` do it by themselves."""
    here = place.settings(ctx)
    changes.directly(here, _nothing)
    output.done(f"{_address(here)} is up to date", as_json=as_json, database={"address": _address(here)})


async def _nothing(store: object) -> None:
    """Opening to write is what upgrades."""


@app.command()
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Is the database whole, and has every unfinished run somebody or something that takes it on?

    May be asked while the engine runs. Exit code 1 when something is wrong.
    """
    here = place.settings(ctx)
    if not place.has_database(here):
        raise NotReady(f"there is no database at {_address(here)} yet; make it with flowengine db upgrade")
    found = place.finish(_look(here))
    if as_json:
        output.emit(database=found)
    else:
        _tell(found)
    raise typer.Exit(Exit.FINE if found["fine"] else Exit.FOUND)


def _tell(found: dict[str, Any]) -> None:
    output.say(f"{found['address']}: readable, layout fits")
    for each in found["checks"]:
        mark = output.shown(output.Styled("ok" if each["fine"] else "FAIL", "green" if each["fine"] else "red"))
        detail = f": {each['detail']}" if each["detail"] else ""
        examples = f" ({', '.join(each['examples'])})" if each["examples"] else ""
        output.say(f"{mark:<4}  {each['name']}{detail}{output.clean(examples)}")
    counts = found["unfinished_by_status"]
    listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    output.say(f"unfinished runs: {found['unfinished']}" + (f" ({listed})" if listed else ""))
    holder = found["engine"]
    output.say(
        f"engine: process {holder['pid']} at {holder.get('url') or 'no address yet'}" if holder else "engine: none runs"
    )


async def _look(here: Settings) -> dict[str, Any]:
    from flowengine.store.lock import holder

    engine = holder(here.database)
    async with place.history(here) as store:
        checks = await store.checkup.check(engine_runs=engine is not None)
        counts = await store.checkup.unfinished()
    return {
        "address": _address(here),
        "fine": all(each.fine for each in checks),
        "checks": [
            {"name": each.name, "fine": each.fine, "detail": each.detail, "examples": list(each.examples)}
            for each in checks
        ],
        "unfinished": sum(counts.values()),
        "unfinished_by_status": counts,
        "engine": engine,
    }


@app.command()
def backup(
    ctx: typer.Context,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="A new file to write the copy to.")],
    as_json: AsJson = False,
) -> None:
    """Copy the database to a new file, while the engine runs or not: one moment of it, whole and checked.

    Keep the key (.flowengine/key) in another place: without it the secrets in the copy cannot be read.
    """
    from flowengine.store.backup import back_up

    here = place.settings(ctx)
    size = back_up(here.database, to)
    if as_json:
        output.emit(backup={"file": str(to), "bytes": size})
        return
    output.say(f"{to}: {size / 1e6:.1f} MB")
    key = here.key
    output.tell(f"Its secrets can be read with the key only, which is not in it: {key}")


def _address(here: Settings) -> str:
    from flowengine.store.database import read_address

    return str(read_address(here.database))
