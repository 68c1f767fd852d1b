"""The list of runs: filtered, searched, chosen from, and live."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from flowengine.app import App
from flowengine.errors import FlowEngineError
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.pages import state
from flowengine.server.pages.period import Period, read_period
from flowengine.server.pages.render import page, with_query
from flowengine.server.pages.routing import Row
from flowengine.server.pages.shown import quoted
from flowengine.store import spreadsheet
from flowengine.store.records import RunRecord
from flowengine.types import Status

PAGE: Final = 50
EXPORTED_AT_MOST: Final = 10_000
PORTION: Final = 500
_ID: Final = re.compile(r"[0-9a-z]{8,26}")
CHOOSABLE: Final = tuple(status for status in Status if status is not Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the list is narrowed to."""

    flow: str | None
    flow_version: str | None
    statuses: list[str]
    period: Period
    search: str | None
    everywhere: bool

    @property
    def by_anything(self) -> bool:
        return bool(self.flow or self.flow_version or self.statuses or self.search or self.period != Period())


def _narrowed(request: Request) -> Narrowed:
    query = request.query_params
    return Narrowed(
        flow=query.get("flow") or None,
        flow_version=query.get("flow_version") or None,
        statuses=[word for word in query.getlist("status") if word in tuple(Status)],
        period=read_period(query),
        search=query.get("search") or None,
        everywhere="everywhere" in query,
    )


async def list_runs(request: Request) -> Response:
    """`GET /runs`: a page of runs, newest first."""
    app, query = app_of(request), request.query_params
    narrowed = _narrowed(request)
    found, total = await _found(request, narrowed)
    runs = found[:PAGE]
    return await page(
        request,
        "runs.html",
        runs=runs,
        total=total,
        narrowed=narrowed,
        older=with_query(request, before=runs[-1].id, told=None) if len(found) > PAGE else None,
        newest=with_query(request, before=None, told=None) if query.get("before") else None,
        address=with_query(request, told=None),
        spreadsheet=with_query(request, before=None, told=None).replace("/runs", "/runs.csv", 1),
        named=await _named(app, narrowed.search),
        choosable=CHOOSABLE,
        kept_days=app.settings.limits.history_days,
        names=state.names(app),
        may_operate=may(request, Role.OPERATOR),
        command=_command(narrowed),
    )


async def _found(request: Request, narrowed: Narrowed) -> tuple[list[RunRecord], int | None]:
    """The runs of this page and one more; and how many fit, where words were searched for."""
    runs, search = app_of(request).store.runs, narrowed.search
    before = narrowed.period.before(request.query_params.get("before") or None)
    fitting = {**_fitting(request, narrowed), "limit": PAGE + 1, "before": before}
    if search:
        return await runs.found(search, **fitting, everywhere=narrowed.everywhere)
    return await runs.list(**fitting), None


def _fitting(request: Request, narrowed: Narrowed) -> dict[str, Any]:
    return {
        "flow": narrowed.flow,
        "flow_version": narrowed.flow_version,
        "statuses": narrowed.statuses,
        "since": narrowed.period.since(app_of(request).clock.now()),
    }


async def _named(app: App, search: str | None) -> RunRecord | None:
    """The run whose id was searched for, or the beginning of it."""
    if search is None or not _ID.fullmatch(search):
        return None
    try:
        return await app.store.runs.find(search)
    except FlowEngineError:
        return None


def _command(narrowed: Narrowed) -> str:
    parts = ["flowengine runs list"]
    parts += [f"--flow {quoted(narrowed.flow)}"] if narrowed.flow else []
    parts += [f"--flow-version {quoted(narrowed.flow_version)}"] if narrowed.flow_version else []
    parts += [f"--status {status}" for status in narrowed.statuses]
    parts += narrowed.period.options
    parts += [f"--search {quoted(narrowed.search)}"] if narrowed.search else []
    parts += ["--everywhere"] if narrowed.everywhere and narrowed.search else []
    return " ".join(parts)


async def as_spreadsheet(request: Request) -> Response:
    """`GET /runs.csv`: the runs that fit as a table, the newest 10,000 at most."""
    headers = {
        "content-disposition": 'attachment; filename="runs.csv"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(_lines(request), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(request: Request) -> AsyncIterator[str]:
    file = io.StringIO()
    table = spreadsheet.header(file)
    runs, narrowed = app_of(request).store.runs, _narrowed(request)
    before, left = narrowed.period.before(None), EXPORTED_AT_MOST
    fitting = {**_fitting(request, narrowed), "search": narrowed.search}
    while left > 0:
        found = await runs.list(**fitting, limit=min(left, PORTION), before=before)
        for run in found:
            table.writerow(spreadsheet.row(run))
        yield file.getvalue()
        file.seek(0)
        file.truncate()
        left -= len(found) if len(found) == PORTION else left
        before = found[-1].id if found else None


ROUTES: tuple[Row, ...] = (("GET", "/runs", list_runs), ("GET", "/runs.csv", as_spreadsheet))
