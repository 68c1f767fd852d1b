"""The list of runs: filtered, searched, chosen from, and live."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app.again import Again, resubmit
from flowengine.errors import FlowEngineError
from flowengine.server.access import Role, may
from flowengine.server.context import app_of
from flowengine.server.pages import state
from flowengine.server.pages.forms import form_of
from flowengine.server.pages.render import page, with_query
from flowengine.server.pages.routing import Row, see
from flowengine.server.pages.shown import quoted
from flowengine.store.records import RunRecord
from flowengine.types import Status

PAGE: Final = 50
PERIODS: Final = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "28d": timedelta(days=28),
}
CHOOSABLE: Final = tuple(status for status in Status if status is not Status.SKIPPED)


async def list_runs(request: Request) -> Response:
    """`GET /runs`: a page of runs, newest first."""
    app, query = app_of(request), request.query_params
    statuses = [word for word in query.getlist("status") if word in tuple(Status)]
    found, total = await _found(request, statuses)
    runs = found[:PAGE]
    return await page(
        request,
        "runs.html",
        runs=runs,
        total=total,
        everywhere="everywhere" in query,
        older=with_query(request, before=runs[-1].id, told=None) if len(found) > PAGE else None,
        newest=with_query(request, before=None, told=None) if query.get("before") else None,
        address=with_query(request, told=None),
        flow=query.get("flow") or "",
        statuses=statuses,
        since=query.get("since") or "",
        search=query.get("search") or "",
        choosable=CHOOSABLE,
        names=state.names(app),
        may_operate=may(request, Role.OPERATOR),
        command=_command(query.get("flow"), statuses, query.get("since"), query.get("search")),
    )


async def _found(request: Request, statuses: list[str]) -> tuple[list[RunRecord], int | None]:
    """The runs of this page and one more; and how many fit, where words were searched for."""
    query, runs = request.query_params, app_of(request).store.runs
    flow, before, search = (query.get(name) or None for name in ("flow", "before", "search"))
    since, limit = _since(request), PAGE + 1
    if search:
        return await runs.found(search, flow, statuses, since, limit, before, everywhere="everywhere" in query)
    return await runs.list(flow, statuses, since, limit=limit, before=before), None


def _since(request: Request) -> datetime | None:
    period = PERIODS.get(request.query_params.get("since", ""))
    return app_of(request).clock.now() - period if period else None


def _command(flow: str | None, statuses: list[str], since: str | None, search: str | None) -> str:
    parts = ["flowengine runs list"]
    parts += [f"--flow {quoted(flow)}"] if flow else []
    parts += [f"--status {status}" for status in statuses]
    parts += [f"--since {since}"] if since in PERIODS else []
    parts += [f"--search {quoted(search)}"] if search else []
    return " ".join(parts)


async def chosen(request: Request) -> Response:
    """`POST /runs/chosen`: cancel or resubmit the runs that were chosen."""
    app, form = app_of(request), await form_of(request)
    doing = form.one("do")
    if doing not in ("cancel", "resubmit"):
        raise HTTPException(400, 'the field "do" must be cancel or resubmit')
    for run_id in form.all("run")[:PAGE]:
        try:
            if doing == "cancel":
                await app.engine.cancel(run_id, "cancelled on the web page")
            else:
                await resubmit(app, run_id, Again())
        except FlowEngineError:
            continue  # it ended meanwhile, or its flow is gone: the list shows it as it is
    return see("/runs", "cancelled" if doing == "cancel" else "resubmitted_many")


ROUTES: tuple[Row, ...] = (("GET", "/runs", list_runs), ("POST", "/runs/chosen", chosen))
