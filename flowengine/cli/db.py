"""`flowengine db`: the database, brought up to date and looked over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from flowengine.cli import changes, output, place
from flowengine.cli.errors import Exit, NotReady
from flowengine.cli.place import AsJson
from flowengine.types import Status

if TYPE_CHECKING:
    from flowengine.config import Settings

app = place.group("The database: bring it up to date, look it over.")

UNFINISHED = [status for status in Status if not status.finished]


@app.command()
def upgrade(ctx: typer.Context) -> None:
    """Make the database, or bring it to this version's layout. `serve` and `run` do it by themselves."""
    here = place.settings(ctx)
    changes.directly(here, _nothing)
    output.say(f"{_address(here)} is up to date")


async def _nothing(store: object) -> None:
    """Opening to write is what upgrades."""


@app.command()
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Can the database be read, does its layout fit this version, and what is unfinished in it?"""
    here = place.settings(ctx)
    if not place.has_database(here):
        raise NotReady(f"there is no database at {_address(here)} yet; make it with flowengine db upgrade")
    found = place.finish(_look(here))
    if as_json:
        output.emit(database=found)
    else:
        output.say(f"{found['address']}: readable, layout fits")
        output.say(f"unfinished runs: {found['unfinished']}" + ("" if found["unfinished"] < LOOK_AT else " or more"))
        holder = found["engine"]
        output.say(
            f"engine: process {holder['pid']} at {holder.get('url') or 'no address yet'}"
            if holder
            else "engine: none runs"
        )
    raise typer.Exit(Exit.FINE)


LOOK_AT = 1_000


async def _look(here: Settings) -> dict[str, Any]:
    from flowengine.store.lock import holder

    async with place.history(here) as store:
        unfinished = await store.runs.list(statuses=UNFINISHED, limit=LOOK_AT)
    return {"address": _address(here), "unfinished": len(unfinished), "engine": holder(here.database)}


def _address(here: Settings) -> str:
    from flowengine.store.database import read_address

    return str(read_address(here.database))
