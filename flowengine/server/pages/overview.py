"""The overview: what needs a person first, then what is going on, then what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.pages import charts, state
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row
from flowengine.spec.schedules import coming, read_schedule
from flowengine.spec.triggers import Schedule
from flowengine.spec.words import schedule_words
from flowengine.store.heads import RunHead
from flowengine.triggers.library import Entry
from flowengine.types import Disposition, Status

COMING = 6
LATEST = 10
FAILURES_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Failing:
    """A flow whose newest finished run failed."""

    flow: str
    last: RunHead
    in_a_row: int
    bars: list[charts.Bar]
    label: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A time at which a schedule starts a flow."""

    at: datetime
    flow: str
    words: str


async def overview(request: Request) -> Response:
    """`GET /`."""
    app = app_of(request)
    heads = state.of(request).heads
    failing, latest, going, asking, days, events = await asyncio.gather(
        failing_flows(app, request),
        app.store.runs.list(limit=LATEST),
        heads.going(100),
        heads.asking(),
        state.of(request).tally.days(),
        app.store.events.list(dispositions=_NOT_STARTED, limit=6),
    )
    return await page(
        request,
        "overview.html",
        failing=failing,
        latest=latest,
        going=going,
        asking=asking,
        chart=charts.chart(days),
        today=charts.chart(days[-1:]),
        events=events,
        coming=coming_times(app, COMING),
        troubled=troubled_triggers(app),
        broken=[entry for entry in app.library.entries.values() if entry.broken],
        signing=[one for one in app.accounts.all() if one.standing.state != "ready"],
        may_operate=may(request, Role.OPERATOR),
        names=state.names(app),
        command="flowengine runs list",
    )


_NOT_STARTED = tuple(one for one in Disposition if one not in (Disposition.STARTED, Disposition.QUEUED))


async def failing_flows(app: App, request: Request) -> list[Failing]:
    """Flows of the project whose newest finished run did not succeed, the latest failure first."""
    heads = state.of(request).heads
    flows = dict.fromkeys(run.flow for run in await heads.broken(FAILURES_LOOKED_AT) if run.flow in app.library.entries)
    strips = await heads.strips(list(flows), charts.STRIP)
    found = [_failing(runs) for runs in strips.values()]
    return sorted((one for one in found if one), key=lambda one: one.last.id, reverse=True)


def _failing(runs: Sequence[RunHead]) -> Failing | None:
    finished = [run for run in runs if run.finished_at and run.status is not Status.CANCELLED]
    if not finished or finished[0].status not in charts.BAD:
        return None
    in_a_row = next((at for at, run in enumerate(finished) if run.status not in charts.BAD), len(finished))
    return Failing(finished[0].flow, finished[0], in_a_row, charts.strip(runs), charts.strip_label(runs))


def coming_times(app: App, number: int) -> list[Coming]:
    """The next time of each schedule that is on, the first ones."""
    now = app.clock.now()
    found = [
        Coming(at, flow.id, schedule_words(trigger))
        for flow in app.library.flows()
        if app.triggers.enabled(flow)
        for trigger in flow.triggers
        if isinstance(trigger, Schedule)
        for at in coming(read_schedule(trigger.recurrence, trigger.timezone), now, 1)
    ]
    return sorted(found, key=lambda one: one.at)[:number]


@dataclass(frozen=True, slots=True)
class Troubled:
    """A trigger that does not work, and why."""

    entry: Entry
    name: str
    detail: str


def troubled_triggers(app: App) -> list[Troubled]:
    """Triggers that cannot start anything now."""
    return [
        Troubled(entry, found.name, found.detail)
        for entry in app.library.entries.values()
        if entry.flow
        for found in app.triggers.states(entry.flow)
        if found.state == "failed"
    ]


ROUTES: tuple[Row, ...] = (("GET", "/", overview),)
