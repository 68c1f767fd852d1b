"""Doing runs again: whole or from an action, with the original or the newest version, with other input, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from flowengine.engine.again import Kept, kept_before, point_of
from flowengine.errors import Conflict, FlowEngineError, InvalidInputs
from flowengine.spec.flow import Flow
from flowengine.store.documents import run_document, timestamp
from flowengine.store.ids import first_id_at, new_id
from flowengine.store.records import RunRecord
from flowengine.triggers.inputs import settle_inputs
from flowengine.types import Json, JsonObject, Status, format_path

if TYPE_CHECKING:
    from flowengine.app.project import App

MANY_AT_MOST: Final = 10_000
"""How many runs are done again by one request."""
AS_IT_WAS: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How a run is to be done again."""

    from_action: str | None = None
    """Its path or name: results of what stands before it are kept."""
    version: Literal["newest", "original"] = "newest"
    given: Json = AS_IT_WAS
    """Other input: the inputs of a run that was started with inputs, else the event's body."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is ready to be stored."""

    run: RunRecord
    flow: Flow
    kept: Kept = field(default_factory=Kept)

    def to_json(self) -> JsonObject:
        """What will happen, for people who want to look first."""
        return {
            "run": self.run.resubmitted_from,
            "flow": self.flow.id,
            "flow_version": self.flow.version,
            "kept": [format_path(each.path) for each in self.kept.actions],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs are to be done again."""

    flow: str | None = None
    flow_version: str | None = None
    statuses: Sequence[Status | str] = (Status.FAILED, Status.TIMED_OUT)
    since: datetime | None = None
    search: str | None = None
    until: datetime | None = None

    @property
    def before(self) -> str | None:
        """The id that all of them come before."""
        return first_id_at(self.until) if self.until else None

    async def page(self, app: App, limit: int, before: str | None) -> list[RunRecord]:
        """The newest of them that come before this id."""
        given = (self.flow, self.statuses, self.since, self.search, limit, before)
        return await app.store.runs.list(*given, flow_version=self.flow_version)


async def resubmit(app: App, reference: str, again: Again) -> RunRecord:
    """Do a finished run again; the new run is durable when this returns.

    Raises `NotFound` (run, flow, action), `Conflict` (it has not ended, or it would repeat what is done), `InvalidInputs`.
    """
    return await submit(app, await plan(app, await app.store.runs.find(reference), again))


async def plan(app: App, run: RunRecord, again: Again) -> Plan:
    """What doing it again means. Stores nothing; raises as `resubmit` does."""
    if not run.status.finished:
        raise Conflict(f"run {run.id} is {run.status}: it can be done again when it has ended, or cancel it first")
    flow = await _version(app, run, again)
    made = replace(
        run,
        id=new_id(app.clock),
        flow_version=flow.version,
        status=Status.QUEUED,
        created_at=app.clock.now(),
        started_at=None,
        finished_at=None,
        due_at=None,
        error=None,
        output=None,
        recoveries=0,
        progress=0,
        epoch=0,
        parent=None,
        resubmitted_from=run.id,
    )
    if again.given is not AS_IT_WAS:
        made = _with(made, flow, again.given)
    if again.given is not AS_IT_WAS or flow.version != run.flow_version:
        made = replace(made, key=await _key(app, made, flow))
    if again.from_action is None:
        return Plan(made, flow)
    actions = await app.store.runs.actions(run.id, reveal=True)
    point = point_of(flow, actions, again.from_action)
    return Plan(made, flow, kept_before(flow, point, actions, await app.store.runs.marks(run.id)))


async def submit(app: App, planned: Plan) -> RunRecord:
    """Store a planned run with the results it begins with, and start it."""
    await app.store.runs.add(planned.run, planned.kept.actions, planned.kept.marks)
    app.engine.wake([planned.run])
    return planned.run


async def chosen(app: App, wanted: Wanted) -> tuple[list[RunRecord], int]:
    """The finished runs that fit, oldest first, and how many were left out because they were done again already."""
    found: list[RunRecord] = []
    before = wanted.before
    while len(found) < MANY_AT_MOST:
        page = await wanted.page(app, 500, before)
        found += [run for run in page if run.status.finished and run.parent is None]
        if len(page) < 500:
            break
        before = page[-1].id
    done = await app.store.runs.done_again([run.id for run in found])
    return sorted((run for run in found if run.id not in done), key=lambda run: run.id), len(done)


@dataclass(frozen=True, slots=True)
class Many:
    """What became, or would become, of many runs."""

    found: tuple[RunRecord, ...]
    made: tuple[RunRecord, ...]
    refused: tuple[tuple[str, str], ...]
    """Run id and why."""
    already: int
    """How many were left out because they were done again before."""
    really: bool

    def to_json(self) -> JsonObject:
        """With the new runs, or, when it was only a look, those that would be done again."""
        return {
            "dry_run": not self.really,
            "runs": [run_document(run) for run in (self.made if self.really else self.found)],
            "total": len(self.found),
            "done_again_before": self.already,
            "refused": [{"run": run_id, "message": why} for run_id, why in self.refused],
        }


async def resubmit_many(app: App, wanted: Wanted, again: Again, *, really: bool) -> Many:
    """Do all that fit again; without `really` only tell which."""
    found, already = await chosen(app, wanted)
    made: list[RunRecord] = []
    refused: list[tuple[str, str]] = []
    for run in found if really else ():
        try:
            made.append(await submit(app, await plan(app, run, again)))
        except FlowEngineError as error:
            refused.append((run.id, error.message))
    return Many(tuple(found), tuple(made), tuple(refused), already, really)


async def _version(app: App, run: RunRecord, again: Again) -> Flow:
    if again.version == "original":
        return await app.flow_version(run.flow, run.flow_version)
    return app.library.get(run.flow)


def _with(run: RunRecord, flow: Flow, given: Json) -> RunRecord:
    """The run with other input."""
    by_inputs = bool(flow.inputs) and run.trigger_kind == "manual" and run.trigger == run.inputs
    if not by_inputs:
        return replace(run, trigger=given)
    if not isinstance(given, dict):
        raise InvalidInputs(f'the inputs of "{flow.id}" are an object, not {given!r:.80}')
    inputs = settle_inputs(flow, given)
    return replace(run, trigger=inputs, inputs=inputs)


async def _key(app: App, run: RunRecord, flow: Flow) -> str | None:
    """The value of the flow's `per` for this run."""
    if flow.per is None:
        return None
    event = await app.store.events.get(run.event_id) if run.event_id else None
    said = (
        {"id": event.id, "received_at": timestamp(event.received_at), "headers": dict(event.headers)} if event else {}
    )
    scope = {
        "trigger": run.trigger,
        "inputs": run.inputs,
        "event": said,
        "flow": {"id": flow.id, "name": flow.name, "version": flow.version},
        "vars": flow.vars,
    }
    key = await app.dispatcher.evaluator.render(flow.per, scope)
    return None if key is None else str(key)
