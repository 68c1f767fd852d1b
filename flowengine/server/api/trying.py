"""Trying a text that is being edited: what only reads is called, everything else is only shown, and nothing is stored."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.app import App
from flowengine.app.dry_run import DryRun
from flowengine.app.rehearsal import Given, Offline, Rehearsal, Stage
from flowengine.engine.scripted import Script
from flowengine.errors import InvalidFile
from flowengine.server.access import Role
from flowengine.server.api.endpoint import Body, Endpoint, read
from flowengine.server.api.schemas import OBJECT, RUN, TEXT, list_of
from flowengine.server.context import Document, app_of
from flowengine.spec.flow import Flow
from flowengine.store.action_rows import hidden
from flowengine.store.documents import run_document
from flowengine.types import JsonObject, format_path

SECONDS: Final = 60
"""How long trying may take."""


class Try(Body):
    """What to try, and with what."""

    text: str | None = Field(default=None, description="The flow's text; the one in force when left out.")
    event: Any = Field(default=None, description="What would come in.")
    inputs: dict[str, Any] = Field(default={}, description="Values for the flow's inputs.")
    answers: dict[str, Any] = Field(
        default={}, description="What is answered instead of the services, by action or operation, as in a test's file."
    )
    offline: bool = Field(default=False, description="Call nobody: what `answers` does not answer fails.")


async def try_flow(request: Request) -> Response:
    """Walk a flow as it would run. Operations that only read are called; the others' requests are shown and not sent."""
    app, body = app_of(request), await read(request, Try)
    flow = _flow(app, request.path_params["flow"], body.text)
    outside = Offline() if body.offline else DryRun(app.calls, app.clock, lambda _: None)
    script = _script(body.answers)
    stage = Stage(
        outside=outside,
        flows=app.library.get,
        evaluator=app.evaluator,
        repeatable=app.calls.repeatable,
        limits=app.settings.limits,
    )
    try:
        async with asyncio.timeout(SECONDS):
            given = Given(now=app.clock.now(), event=body.event, inputs=body.inputs, script=script)
            came = await stage.rehearse(flow, given)
    except TimeoutError:
        raise HTTPException(422, f"trying it took more than {SECONDS} seconds") from None
    return Document({**_document(came, outside), "unused": list(script.unused)})


def _script(answers: JsonObject) -> Script:
    try:
        return Script(answers)
    except ValueError as error:
        raise HTTPException(400, f'the field "answers": {error}') from None


def _flow(app: App, flow_id: str, text: str | None) -> Flow:
    if text is None:
        return app.library.get(flow_id)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise HTTPException(400, "the text holds half a character (a lone surrogate)") from None
    flow, findings = app.check(raw, f"flows/{flow_id}.yaml", flow_id)
    if flow is None:
        raise InvalidFile(findings)
    return flow


def _document(came: Rehearsal, outside: Offline) -> JsonObject:
    unsent = outside.unsent if isinstance(outside, DryRun) else []
    return {
        "dry_run": True,
        "event": {"disposition": str(came.event.disposition), "reason": came.event.reason},
        "runs": [run_document(one.run, actions=[hidden(action) for action in one.actions]) for one in came.runs],
        "requests": [
            {"action": format_path(one.path), "name": one.name, "use": one.use, "request": one.request}
            for one in unsent
        ],
        "assumed": outside.assumed if isinstance(outside, DryRun) else [],
    }


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/flows/{flow}/try",
        handler=try_flow,
        role=Role.OPERATOR,
        body=Try,
        gives={
            "event": OBJECT,
            "runs": list_of(RUN),
            "requests": list_of(OBJECT),
            "assumed": list_of(TEXT),
            "unused": list_of(TEXT),
        },
    ),
)
