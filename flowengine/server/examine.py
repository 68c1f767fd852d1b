"""How the engine and its project are, part by part: for the health page and the API."""

from __future__ import annotations

import asyncio
import platform
import shutil
from dataclasses import asdict, dataclass
from typing import Final, Literal

from flowengine import __version__
from flowengine.app import App
from flowengine.store.heads import Heads
from flowengine.types import JsonObject

SCARCE: Final = 200_000_000
"""Bytes of free disk below which a warning is due."""
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Check:
    """One part, and what to do where something is wrong with it."""

    part: str
    state: Literal["ok", "warn", "fail"]
    told: str
    remedy: str = ""

    def to_json(self) -> JsonObject:
        """`{part, state, told, remedy}`."""
        return asdict(self)


async def examine(app: App, heads: Heads) -> list[Check]:
    """Every part. Nothing is called."""
    broken = [entry.file for entry in app.library.entries.values() if entry.broken]
    going = await heads.going(_MOST)
    unready = [one.connection.name for one in app.accounts.all() if one.standing.state != "ready"]
    summaries = await asyncio.to_thread(app.catalog.summaries)
    unreadable = [one.name for one in summaries if one.problem]
    states = {flow.id: app.triggers.states(flow) for flow in app.library.flows()}
    troubled = [f"{flow}: {one.detail}" for flow, each in states.items() for one in each if one.state == "failed"]
    more = "+" if len(going) == _MOST else ""
    return [
        await _engine(app),
        _database(app),
        Check("Runs", "ok", f"{len(going)}{more} going on or queued"),
        _part("Flows", "fail", f"{len(app.library.flows())} in force", "mend", broken),
        _part("Triggers", "warn", f"{sum(map(len, states.values()))} there", "see", troubled),
        _part("Connectors", "fail", f"{len(summaries)} found", "look at", unreadable),
        _part(
            "Connections", "warn", f"{len(app.calls.connections)} in connections.yaml", "sign in or complete", unready
        ),
        _disk(app),
    ]


async def _engine(app: App) -> Check:
    """Whether anybody carries runs out: a web process leaves them to the worker."""
    told = f"flowengine {__version__} on Python {platform.python_version()}, at {app.public_url}"
    if await app.store.engine_runs():
        return Check("Engine", "ok", told)
    return Check("Engine", "fail", f"{told}; no worker runs, events wait", "flowengine serve --worker-only")


def _part(name: str, otherwise: Literal["warn", "fail"], told: str, what: str, troubled: list[str]) -> Check:
    return Check(name, otherwise if troubled else "ok", told, f"{what}: {', '.join(troubled)}" if troubled else "")


def _database(app: App) -> Check:
    """Which kind, without an address that may hold a password."""
    settings, trouble = app.settings, app.store.journal.trouble
    told = settings.database.partition(":")[0] if settings.database_url else "SQLite in .flowengine/"
    if trouble is None:
        return Check("Database", "ok", told)
    return Check("Database", "fail", f"{told} cannot be written: {trouble}", "make it writable again: runs wait for it")


def _disk(app: App) -> Check:
    free = shutil.disk_usage(app.settings.project).free
    scarce = free < SCARCE
    remedy = "make room: a full disk stops the engine" if scarce else ""
    return Check("Disk", "warn" if scarce else "ok", f"{free // 1_000_000:,} MB free", remedy)
