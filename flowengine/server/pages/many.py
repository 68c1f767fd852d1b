"""Cancelling and doing again many runs: those that were chosen, or all that a filter finds, after a look at which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from starlette.datastructures import ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.app.again import MANY_AT_MOST, Again, Wanted, chosen, resubmit, resubmit_many
from flowengine.app.ending import UNFINISHED, cancel_many, going_on
from flowengine.errors import FlowEngineError
from flowengine.server.context import app_of
from flowengine.server.pages import state
from flowengine.server.pages.forms import form_of
from flowengine.server.pages.period import Period, read_period
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row, see
from flowengine.server.pages.shown import quoted
from flowengine.store.records import RunRecord
from flowengine.types import Status

SHOWN: Final = 50
REASON: Final = "cancelled on the web page"
Doing = Literal["cancel", "resubmit"]
Fields = ImmutableMultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs, and what is to become of them."""

    doing: Doing
    by_filter: bool
    """Whether it is all that fit `wanted`; else those that were chosen one by one."""
    runs: tuple[str, ...]
    wanted: Wanted
    period: Period


def read_choice(app: App, fields: Fields, doing: str) -> Choice:
    """The choice that a form or an address makes. Answers 400 for something else to do."""
    if doing not in ("cancel", "resubmit"):
        raise HTTPException(400, 'the field "do" must be cancel or resubmit')
    period = read_period(fields)
    fitting = UNFINISHED if doing == "cancel" else tuple(status for status in Status if status.finished)
    statuses = [Status(word) for word in fields.getlist("status") if word in fitting]
    usual = UNFINISHED if doing == "cancel" else (Status.FAILED, Status.TIMED_OUT)
    wanted = Wanted(
        flow=fields.get("flow") or None,
        flow_version=fields.get("flow_version") or None,
        statuses=statuses or usual,
        since=period.since(app.clock.now()),
        until=period.until,
        search=fields.get("search") or None,
    )
    runs = tuple(fields.getlist("run"))[:SHOWN]
    return Choice("cancel" if doing == "cancel" else "resubmit", bool(fields.get("all")), runs, wanted, period)


async def choose_runs(request: Request) -> Response:
    """`GET /runs/chosen`: which runs they are, before anything is done."""
    app, query = app_of(request), request.query_params
    choice = read_choice(app, query, query.get("do", "cancel"))
    fitting, already = await _fitting(app, choice)
    return await page(
        request,
        "runs_many.html",
        choice=choice,
        at_most=MANY_AT_MOST,
        runs=fitting[:SHOWN],
        total=len(fitting),
        already=already,
        unfit=0 if choice.by_filter else len(choice.runs) - len(fitting),
        fields=[(name, value) for name, value in query.multi_items() if name in _KEPT],
        refused=[],
        names=state.names(app),
        command=_command(choice),
    )


_KEPT: Final = ("run", "all", "flow", "flow_version", "status", "since", "from", "until", "search")


async def _fitting(app: App, choice: Choice) -> tuple[list[RunRecord], int]:
    """The runs for which it can be done, and how many were left out because they were done again already."""
    if choice.by_filter:
        return (await going_on(app, choice.wanted), 0) if choice.doing == "cancel" else await chosen(app, choice.wanted)
    found = await app.store.runs.get_many(choice.runs)
    return [run for run in found if run.status.finished is (choice.doing == "resubmit")], 0


def _command(choice: Choice) -> str:
    start = f"flowengine runs {choice.doing}"
    if not choice.by_filter:
        return f"{start} {choice.runs[0] if choice.runs else 'RUN'}"
    wanted = choice.wanted
    parts = [start, *(f"--status {status}" for status in wanted.statuses)]
    parts += [f"--flow {quoted(wanted.flow)}"] if wanted.flow else []
    parts += [f"--flow-version {quoted(wanted.flow_version)}"] if wanted.flow_version else []
    parts += [option for option in choice.period.options if option.startswith("--since")]
    parts += [f"--search {quoted(wanted.search)}"] if wanted.search else []
    return " ".join([*parts, "--yes"])


async def cancel_runs(request: Request) -> Response:
    """`POST /runs/cancel`."""
    return await _done(request, "cancel")


async def resubmit_runs(request: Request) -> Response:
    """`POST /runs/resubmit`."""
    return await _done(request, "resubmit")


async def _done(request: Request, doing: Doing) -> Response:
    app, form = app_of(request), await form_of(request)
    choice = read_choice(app, ImmutableMultiDict(form.fields), doing)
    if not choice.runs and not choice.by_filter:
        raise HTTPException(400, "no run was chosen")
    number, refused = await (_by_filter(app, choice) if choice.by_filter else _one_by_one(app, choice))
    request.scope["flowengine.audit"] = {
        "target": choice.wanted.flow or (choice.runs[0] if len(choice.runs) == 1 else ""),
        "runs": number,
        "refused": len(refused),
    }
    if refused:
        return await _told(request, choice, number, refused)
    return see("/runs", "cancelled_many" if doing == "cancel" else "resubmitted_many")


async def _by_filter(app: App, choice: Choice) -> tuple[int, Sequence[tuple[str, str]]]:
    if choice.doing == "cancel":
        ended = await cancel_many(app, choice.wanted, REASON, really=True)
        return len(ended.cancelled), ended.refused
    many = await resubmit_many(app, choice.wanted, Again(), really=True)
    return len(many.made), many.refused


async def _one_by_one(app: App, choice: Choice) -> tuple[int, Sequence[tuple[str, str]]]:
    refused: list[tuple[str, str]] = []
    for run_id in choice.runs:
        try:
            if choice.doing == "cancel":
                await app.engine.cancel(run_id, REASON)
            else:
                await resubmit(app, run_id, Again())
        except FlowEngineError as error:
            refused.append((run_id, error.message))
    return len(choice.runs) - len(refused), refused


async def _told(request: Request, choice: Choice, number: int, refused: Sequence[tuple[str, str]]) -> Response:
    """What became of it, where some could not be done."""
    return await page(
        request,
        "runs_many.html",
        choice=choice,
        at_most=MANY_AT_MOST,
        runs=[],
        total=number,
        already=0,
        unfit=0,
        fields=[],
        refused=refused[:SHOWN],
        names=state.names(app_of(request)),
        command=_command(choice),
    )


ROUTES: tuple[Row, ...] = (
    ("GET", "/runs/chosen", choose_runs),
    ("POST", "/runs/cancel", cancel_runs),
    ("POST", "/runs/resubmit", resubmit_runs),
)
