"""Approvals: what waits for a person's answer, and giving it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flowengine.errors import Conflict
from flowengine.server.access import Role, caller_of, may
from flowengine.server.context import app_of
from flowengine.server.pages import state
from flowengine.server.pages.forms import form_of
from flowengine.server.pages.render import page
from flowengine.server.pages.routing import Row, see
from flowengine.store.documents import timestamp
from flowengine.types import Status, parse_path


async def list_approvals(request: Request) -> Response:
    """`GET /approvals`."""
    asking = await state.of(request).heads.asking()
    first = asking[0].run_id if asking else "RUN"
    return await page(
        request,
        "approvals.html",
        asking=asking,
        may_operate=may(request, Role.OPERATOR),
        command=f"flowengine runs answer {first} CHOICE",
    )


async def answer_run(request: Request) -> Response:
    """`POST /approvals/answer`: the run, the action and the choice."""
    app, form = app_of(request), await form_of(request)
    run = await app.store.runs.find(form.one("run"))
    path = parse_path(form.one("action"))
    asked = await state.of(request).heads.action(run.id, path)
    if asked is None or asked.kind != "ask" or asked.status is not Status.WAITING:
        raise Conflict("nothing waits for this answer: it was given, or given up")
    choices = asked.inputs.get("choices", []) if isinstance(asked.inputs, dict) else []
    if form.one("choice") not in choices:
        raise HTTPException(400, f"the answer must be one of: {', '.join(map(str, choices))}")
    caller = caller_of(request)
    value = {
        "choice": form.one("choice"),
        "by": caller.name if caller else "web page",
        "comment": form.one("comment")[:2_000],
        "at": timestamp(app.clock.now()),
    }
    request.scope["flowengine.audit"] = {"target": run.id, "choice": form.one("choice")}
    await app.engine.answer(run.id, path, value)
    return see(f"/runs/{run.id}", "answered")


ROUTES: tuple[Row, ...] = (("GET", "/approvals", list_approvals), ("POST", "/approvals/answer", answer_run))
