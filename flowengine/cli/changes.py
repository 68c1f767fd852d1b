"""What changes the database: through the engine that holds it when one runs, else directly under its lock."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from flowengine.cli import many, place
from flowengine.cli.server_client import running

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store import Store

Where = Literal["server", "database"]

CANCEL_WITHIN = 30.0
"""Seconds that a cancelled run has to come to its end."""


@asynccontextmanager
async def writing(here: Settings) -> AsyncIterator[Store]:
    """The store, to write to; `Conflict` when an engine holds it."""
    from flowengine.store import Store

    async with Store.open(here.database, write=True, key_file=here.key) as store:
        yield store


def actor() -> str:
    """Who changes something by a command, for the audit record."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a process without a user's name, as in some containers
        return "cli"


async def _recorded(store: Store, change: Awaitable[Any], action: str, target: str) -> Any:
    result = await change
    await store.audit.add(actor(), action, target)
    return result


def directly(here: Settings, change: Callable[[Store], Awaitable[Any]]) -> Any:
    """Make one change under the lock."""

    async def made() -> Any:
        async with writing(here) as store:
            return await change(store)

    return place.finish(made())


def switch_flow(here: Settings, flow: str, on: bool) -> Where:
    """Turn a flow on or off; a running engine does it at once."""
    if server := running(here):
        server.ask("POST", f"/flows/{quote(flow)}/{'enable' if on else 'disable'}")
        return "server"
    action = "enable_flow" if on else "disable_flow"
    directly(here, lambda store: _recorded(store, store.flows.set_enabled(flow, on), action, flow))
    return "database"


def set_secret(here: Settings, name: str, value: str) -> Where:
    """Store a secret."""
    if server := running(here):
        server.ask("PUT", f"/secrets/{quote(name)}", {"value": value})
        return "server"
    directly(here, lambda store: _recorded(store, store.secrets.set(name, value), "set_secret", name))
    return "database"


def remove_secret(here: Settings, name: str) -> Where:
    """Forget a secret."""
    if server := running(here):
        server.ask("DELETE", f"/secrets/{quote(name)}")
        return "server"
    directly(here, lambda store: _recorded(store, store.secrets.delete(name), "delete_secret", name))
    return "database"


def rotate_key(here: Settings) -> int:
    """Put a new key in force; gives how many secrets were encrypted with it."""
    if server := running(here):
        return int(server.ask("POST", "/secrets/rotate-key", {})["secrets"])
    return int(directly(here, lambda store: _recorded(store, store.secrets.rotate(), "rotate_key", "")))


def cancel_run(here: Settings, run_id: str, reason: str) -> dict[str, Any]:
    """Cancel a run and give its document."""
    if server := running(here):
        answer = server.ask("POST", f"/runs/{quote(run_id)}/cancel", {"reason": reason})
        return dict(answer.get("run") or {"id": run_id, "status": "cancelled"})
    return dict(place.finish(_cancel_here(here, run_id, reason)))


async def _cancel_here(here: Settings, run_id: str, reason: str) -> dict[str, Any]:
    """No engine runs, so this process is it for as long: a cancelled run's `finally` is still walked."""
    from flowengine.app import Engine
    from flowengine.store.documents import run_document

    async with Engine.open(here) as engine:
        await engine.app.engine.cancel(run_id, reason)
        await engine.app.store.audit.add(actor(), "cancel_run", run_id)
        ended = await engine.wait(run_id, CANCEL_WITHIN)
        return run_document(ended)


def cancel_runs(here: Settings, wanted: dict[str, Any], reason: str, *, really: bool) -> dict[str, Any]:
    """Cancel all unfinished runs that fit `wanted` (flow, flow_version, statuses, since, search), or only tell which."""
    if server := running(here):
        body = many.asked(wanted, really=really) | {"reason": reason}
        return server.ask("POST", "/runs/cancel", body, many.WITHIN)
    return dict(place.finish(_cancel_many_here(here, wanted, reason, really=really)))


async def _cancel_many_here(here: Settings, wanted: dict[str, Any], reason: str, *, really: bool) -> dict[str, Any]:
    from flowengine.app import Engine
    from flowengine.app.again import Wanted
    from flowengine.app.ending import cancel_many

    async with Engine.open(here) as engine:
        done = await cancel_many(engine.app, Wanted(**wanted), reason, really=really)
        if really:
            await engine.app.store.audit.add(actor(), "cancel_runs", "", {"runs": len(done.cancelled)})
        ended = [await engine.wait(run.id, CANCEL_WITHIN) for run in done.cancelled]
        return replace(done, cancelled=tuple(ended)).to_json()
