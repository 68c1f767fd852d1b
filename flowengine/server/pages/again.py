"""Doing a run again, in four forms: as it was, from one of its actions, with other input, and with which version of the flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.app.again import AS_IT_WAS, Again, resubmit
from flowengine.server.context import app_of
from flowengine.server.pages.forms import Form, form_of
from flowengine.server.pages.routing import Row, see
from flowengine.server.pages.shown import pretty
from flowengine.spec.flow import Flow
from flowengine.store.heads import ActionHead
from flowengine.store.records import RunRecord
from flowengine.types import Json, Path, Status, format_path


@dataclass(frozen=True, slots=True)
class Start:
    """An action from which the run can be done again."""

    path: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Forms:
    """What the forms offer."""

    starts: tuple[Start, ...]
    input: str
    """What came in, for editing."""
    newer_version: bool
    """Whether the flow has changed since."""
    gone: bool
    """Whether the flow is not in force any more, so that only the version that ran is left."""


def forms(app: App, run: RunRecord, flow: Flow | None, actions: Sequence[ActionHead], *, chosen: Path) -> Forms:
    """The forms for a run."""
    entry = app.library.entries.get(run.flow)
    in_force = entry.flow if entry else None
    return Forms(
        starts=tuple(_starts(actions, chosen)) if flow else (),
        input=pretty(run.trigger, None),
        newer_version=in_force is not None and in_force.version != run.flow_version,
        gone=in_force is None,
    )


def _starts(actions: Sequence[ActionHead], chosen: Path) -> list[Start]:
    """The actions that did something, outer ones and the chosen one; iterations are begun again with their loop."""
    fitting = [
        action
        for action in actions
        if action.status is not Status.SKIPPED
        and action.path[0] != "on_failure"
        and (action.path == chosen or not any(isinstance(part, int) for part in action.path))
    ]
    return [Start(format_path(action.path), action.name, action.path == chosen) for action in fitting]


async def resubmit_run(request: Request) -> Response:
    """`POST /runs/{run}/resubmit`: `how` is `whole`, `from` or `edited`; `version` is `newest` or `original`."""
    app, form = app_of(request), await form_of(request)
    how = form.one("how")
    if how not in ("whole", "from", "edited"):
        raise HTTPException(400, 'the field "how" must be whole, from or edited')
    wanted = Again(
        from_action=form.one("action") or None if how == "from" else None,
        version="original" if form.one("version") == "original" else "newest",
        given=_given(form) if how == "edited" else AS_IT_WAS,
    )
    made = await resubmit(app, request.path_params["run"], wanted)
    request.scope["flowengine.audit"] = {"target": made.id, "flow": made.flow, "again": made.resubmitted_from}
    return see(f"/runs/{made.id}", "resubmitted")


def _given(form: Form) -> Json:
    try:
        return orjson.loads(form.one("input"))
    except orjson.JSONDecodeError as error:
        raise HTTPException(422, f"the input is not JSON: {error}") from None


ROUTES: tuple[Row, ...] = (("POST", "/runs/{run}/resubmit", resubmit_run),)
