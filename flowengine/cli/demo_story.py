"""The demo as it goes: services, engine, events, runs; told while it happens and handed over as a document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.cli import demo_events, demo_pages, demo_project, demo_showing, place
from flowengine.cli.demo_events import FORM, HAPPENINGS, Happening
from flowengine.cli.demo_told import Told
from flowengine.types import Status

if TYPE_CHECKING:
    from flowengine.app import App
    from flowengine.sandbox.stand_in import StandIn

SERVICES = ("livechat", "livechat-agent", "comm100")
SETTLE_WITHIN = 20.0
"""Seconds for everything that was set off to come to an end."""


async def tell(folder: Path, *, port: int, stay: bool, quiet: bool) -> Told:
    """Play the whole demo; prints each part as it happens unless `quiet`."""
    from flowengine.config import Settings
    from flowengine.sandbox.server import serve
    from flowengine.server.run import serving

    told = Told(folder, stays=stay)
    async with AsyncExitStack() as stack:
        stand_ins = {name: await stack.enter_async_context(serve(name, fast_retries=True)) for name in SERVICES}
        told.services = {name: stand_in.url for name, stand_in in stand_ins.items()}
        # An empty environment: a FLOWENGINE_DATABASE_URL that is set for real work must not meet the demo.
        settings = Settings.load(folder, environ={}, port=port)
        accounts = {name: (each.url, each.credentials) for name, each in stand_ins.items()}
        await demo_project.connect(settings, place.catalog(settings), accounts)
        server = await stack.enter_async_context(serving(settings))
        told.engine = server.url
        await _arm(server.app, told)
        if not quiet:
            demo_pages.introduce(told)
        await _happen(server.app, stand_ins, told, quiet=quiet)
        await _send_form(server.app, told, quiet=quiet)
        await _settle(server.app, stand_ins)
        await _collect(server.app, told)
        if not quiet:
            demo_pages.conclude(told)
        if stay:
            await demo_showing.add(server.app)
            await _stay(told, quiet=quiet)
    return told


async def _arm(app: App, told: Told) -> None:
    """Wait until every webhook is registered, and note how the triggers stand."""
    await app.triggers.settled()
    for entry in sorted(app.library.entries.values(), key=lambda each: each.id):
        if entry.flow is not None:
            told.flows[entry.id] = [state.to_json() for state in app.triggers.states(entry.flow)]
    told.operations = _operations(app)


def _operations(app: App) -> dict[tuple[str, str], str]:
    from flowengine.spec.actions import OperationAction
    from flowengine.types import format_path

    return {
        (flow.id, format_path(path)): action.use
        for flow in app.library.flows()
        for path, action in flow.walk()
        if isinstance(action, OperationAction)
    }


async def _happen(app: App, stand_ins: Mapping[str, StandIn], told: Told, *, quiet: bool) -> None:
    for happening in HAPPENINGS:
        stand_in = stand_ins[happening.service]
        if happening.signal not in stand_in.service.signals or not stand_in.service.webhooks():
            continue
        await demo_events.cause(stand_in.control_url, happening)
        _note(told, happening, quiet=quiet)
        # One after another, as people are slower than flows: a chat must not end before it was greeted.
        await _settle(app, stand_ins)


def _note(told: Told, happening: Happening, *, quiet: bool) -> None:
    told.happened.append({"service": happening.service, "what": happening.told})
    if not quiet:
        demo_pages.happened(happening.service, happening.told)


async def _send_form(app: App, told: Told, *, quiet: bool) -> None:
    """The contact form of a web site posts to a flow's own address and shows the answer to its visitor."""
    state = next((each for each in told.flows.get("contact-form", []) if each["kind"] == "webhook"), None)
    if state is None:
        return
    token = app.secrets.get(demo_project.CONTACT_FORM) or ""
    answer = await demo_events.call("POST", state["address"], FORM, {"x-form-token": token})
    said = f"Lena Frost sends the web site's contact form; the flow answers her at once: {json.dumps(answer)}"
    _note(told, Happening("web site", "", said), quiet=quiet)


async def _settle(app: App, stand_ins: Mapping[str, StandIn]) -> None:
    """Until no delivery is under way and no run goes on. What takes longer is shown as it is then."""
    going = [Status.QUEUED, Status.RUNNING]
    loop = asyncio.get_running_loop()
    end, calm = loop.time() + SETTLE_WITHIN, 0
    while calm < 2 and loop.time() < end:
        for stand_in in stand_ins.values():
            await stand_in.settled()
        calm = 0 if await app.store.runs.list(statuses=going, limit=1) else calm + 1
        await asyncio.sleep(0.03)


async def _collect(app: App, told: Told) -> None:
    """Read the history as the commands would, oldest first."""
    events = list(reversed(await app.store.events.list(limit=500)))
    runs_of = await app.store.events.run_ids([each.id for each in events])
    told.events = [(event, list(runs_of.get(event.id, []))) for event in events]
    for run in reversed(await app.store.runs.list(limit=500)):
        told.runs.append((run, list(await app.store.runs.actions(run.id))))


async def _stay(told: Told, *, quiet: bool) -> None:
    if not quiet:
        demo_pages.stay(told)
    await asyncio.Event().wait()
