"""`/api/v1/runs`, many at once: doing them again, cancelling them, letting old ones go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app.again import AS_IT_WAS, MANY_AT_MOST, Again, Wanted, plan, resubmit_many, submit
from flowengine.app.ending import UNFINISHED, cancel_many
from flowengine.app.housekeeping import prune_by
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, read
from flowengine.server.api.schemas import OBJECT, RUN, TEXT, WHOLE, YES, list_of, record
from flowengine.server.context import Document, app_of
from flowengine.store.documents import run_document
from flowengine.types import JsonObject, Status


class Resubmit(Body):
    """How a run is to be done again."""

    from_action: str | None = Field(
        default=None, alias="from", description="An action's path or name: results of what stands before it are kept."
    )
    version: Literal["newest", "original"] = Field(default="newest", description="Which version of the flow runs.")
    given: Any = Field(
        default=None, description="Other input: its inputs, or the event's body. As it was, if left out."
    )
    dry_run: bool = Field(default=False, description="Only say what would be kept.")


class ResubmitMany(Body):
    """Which runs are to be done again. Runs that were done again already are left out."""

    flow: str | None = Field(default=None, description="Only this flow's.")
    statuses: list[str] = Field(default=["failed", "timed_out"], description="Only runs that ended so.")
    flow_version: str | None = Field(default=None, description="Only runs of this version; its beginning is enough.")
    since: str | None = Field(default=None, description="Only runs made after this time, in RFC 3339.")
    search: str | None = Field(
        default=None, description="Only runs whose event, inputs, output or error hold this text."
    )
    from_action: str | None = Field(default=None, alias="from", description="An action's path or name.")
    version: Literal["newest", "original"] = "newest"
    dry_run: bool = Field(default=True, description="Only say which: on, unless switched off.")


class CancelMany(Body):
    """Which runs are to be cancelled."""

    flow: str | None = Field(default=None, description="Only this flow's.")
    statuses: list[str] = Field(default=list(UNFINISHED), description="Only runs that are so.")
    flow_version: str | None = Field(default=None, description="Only runs of this version; its beginning is enough.")
    since: str | None = Field(default=None, description="Only runs made after this time, in RFC 3339.")
    search: str | None = Field(default=None, description="Only runs whose event or inputs hold this text.")
    reason: str = Field(default="", max_length=2_000, description="For the history.")
    dry_run: bool = Field(default=True, description="Only say which: on, unless switched off.")


class Prune(Body):
    """What is to go."""

    flow: str | None = Field(default=None, description="Only this flow's.")
    older_than_seconds: float | None = Field(
        default=None, ge=0, le=3e9, description="How old; what each flow's `keep` says, if left out."
    )
    dry_run: bool = Field(default=False, description="Only count.")


async def resubmit_run(request: Request) -> Response:
    """Do a finished run again: 201 with the new run. With `dry_run` 200 with what would be kept."""
    app, body = app_of(request), await read(request, Resubmit)
    given = body.given if "given" in body.model_fields_set else AS_IT_WAS
    again = Again(from_action=body.from_action, version=body.version, given=given)
    planned = await plan(app, await app.store.runs.find(request.path_params["run"]), again)
    if body.dry_run:
        return Document({"plan": planned.to_json()})
    run = await submit(app, planned)
    request.scope["flowengine.audit"] = {"target": run.id, "flow": run.flow, "again": run.resubmitted_from}
    return Document({"run": run_document(run), "plan": planned.to_json()}, 201)


async def prune_runs(request: Request) -> Response:
    """Let go of old runs and events, by each flow's `keep` or all that are older than was said, and of replaced flow versions."""
    app, body = app_of(request), await read(request, Prune)
    keeps = {flow.id: flow.keep for flow in app.library.flows()}
    age = None if body.older_than_seconds is None else timedelta(seconds=body.older_than_seconds)
    days = app.settings.limits.history_days
    gone = await prune_by(app.store, keeps, days, flow=body.flow, age=age, really=not body.dry_run)
    counted = {"runs": gone.runs, "events": gone.events, "versions": gone.versions}
    request.scope["flowengine.audit"] = {"flow": body.flow, **counted}
    return Document({**counted, "dry_run": body.dry_run})


async def resubmit_runs(request: Request) -> Response:
    """Do all finished runs again that fit; with `dry_run`, which is on unless switched off, only tell which they are."""
    app, body = app_of(request), await read(request, ResubmitMany)
    wanted = _wanted(body, _statuses(body.statuses))
    again = Again(from_action=body.from_action, version=body.version)
    many = await resubmit_many(app, wanted, again, really=not body.dry_run)
    request.scope["flowengine.audit"] = {"runs": len(many.made), "refused": len(many.refused), "flow": body.flow}
    return Document(many.to_json())


async def cancel_runs(request: Request) -> Response:
    """Cancel all unfinished runs that fit; with `dry_run`, which is on unless switched off, only tell which they are."""
    app, body = app_of(request), await read(request, CancelMany)
    wanted = _wanted(body, _statuses(body.statuses, finished=False))
    many = await cancel_many(app, wanted, body.reason or "cancelled through the API", really=not body.dry_run)
    request.scope["flowengine.audit"] = {"runs": len(many.cancelled), "refused": len(many.refused), "flow": body.flow}
    return Document(many.to_json())


def _wanted(body: ResubmitMany | CancelMany, statuses: list[Status]) -> Wanted:
    return Wanted(
        flow=body.flow,
        flow_version=body.flow_version,
        statuses=statuses,
        since=_moment(body.since),
        search=body.search,
    )


def _statuses(words: list[str], *, finished: bool = True) -> list[Status]:
    """None given is all of the kind, never of the other kind."""
    known = [status for status in Status if status.finished is finished]
    for word in words:
        if word not in known:
            raise HTTPException(400, f'"{word:.40}" is not one of: {", ".join(known)}')
    return [Status(word) for word in words] or known


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f'the field "since" must be a time in RFC 3339, not "{text:.40}"') from None
    if found.tzinfo is None:
        raise HTTPException(400, 'the field "since" must carry its offset, such as 2026-03-01T09:00:00Z')
    return found


_PLAN: Final[JsonObject] = record(run=TEXT, flow=TEXT, flow_version=TEXT, kept=list_of(TEXT))

ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/runs/prune",
        handler=prune_runs,
        role=Role.ADMIN,
        body=Prune,
        gives={"runs": WHOLE, "events": WHOLE, "versions": WHOLE, "dry_run": YES},
    ),
    Endpoint(
        method="POST",
        path="/runs/cancel",
        handler=cancel_runs,
        role=Role.OPERATOR,
        body=CancelMany,
        gives={"dry_run": YES, "runs": list_of(RUN), "total": WHOLE, "refused": list_of(OBJECT)},
        repeatable=True,
    ),
    Endpoint(
        method="POST",
        path="/runs/resubmit",
        handler=resubmit_runs,
        role=Role.OPERATOR,
        body=ResubmitMany,
        gives={
            "dry_run": YES,
            "runs": {**list_of(RUN), "maxItems": MANY_AT_MOST},
            "total": WHOLE,
            "done_again_before": WHOLE,
            "refused": list_of(OBJECT),
        },
        repeatable=True,
    ),
    Endpoint(
        method="POST",
        path="/runs/{run}/resubmit",
        handler=resubmit_run,
        role=Role.OPERATOR,
        body=Resubmit,
        gives={"run": RUN, "plan": _PLAN},
        status=201,
        looked={"plan": _PLAN},
        repeatable=True,
    ),
)
