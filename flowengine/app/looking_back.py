"""What a past run's templates saw at one of its actions, put together again from its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flowengine.errors import NotFound
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.findings import did_you_mean
from flowengine.interpreter.scope import Done, entry
from flowengine.spec.actions import Action, ForEach, Repeat, Set, Try
from flowengine.spec.flow import Flow
from flowengine.spec.load import parse_flow
from flowengine.store.documents import timestamp
from flowengine.store.records import ActionRecord, EventRecord, RunRecord
from flowengine.types import Json, JsonObject, Path, Status, format_path, parse_path

if TYPE_CHECKING:
    from flowengine.app.project import App


async def seen_in(app: App, run: RunRecord, at: str | None = None) -> JsonObject:
    """`names_at` of a run in the history, put together from it."""
    event = await app.store.events.get(run.event_id) if run.event_id else None
    try:
        text = await app.store.flows.version_text(run.flow, run.flow_version)
    except NotFound:
        text = ""
    return names_at(run, event, await app.store.runs.actions(run.id), text, f"flows/{run.flow}.yaml", at)


async def evaluate_in(app: App, expression: str, names: JsonObject) -> Json:
    """What an expression, or a whole template, gives where these names are seen. Raises `ExpressionError`."""
    whole = "{{" in expression or "{%" in expression
    started = names.get("run", {}).get("started_at")
    now = datetime.fromisoformat(started) if started else app.clock.now()
    template = expression if whole else f"{{{{ {expression} }}}}"
    return await app.evaluator.render(template, {**names, SEED: seed(now, "eval")})


def names_at(
    run: RunRecord,
    event: EventRecord | None,
    actions: Sequence[ActionRecord],
    text: str,
    file: str,
    at: str | None = None,
) -> JsonObject:
    """Every name that is visible just before the action at `at`, or at the run's end. Raises `NotFound`.

    `text` is the flow in the version that ran. Values that were secure are struck out.
    """
    flow, _ = parse_flow(text, file, run.flow) if text else (None, [])
    path = None if at is None else _place(actions, at)
    before = [action for action in actions if path is None or action.number < _number(actions, path)]
    names: JsonObject = {
        "trigger": run.trigger,
        "event": _event(event),
        "run": {"id": run.id, "started_at": timestamp(run.started_at), "link": ""},
        "flow": {"id": run.flow, "name": flow.name if flow else run.flow, "version": run.flow_version},
        "inputs": run.inputs,
        "vars": dict(flow.vars) if flow else {},
        "actions": {},
    }
    if run.error and (path is None or path[0] == "on_failure"):
        names["error"] = run.error
    written = dict(flow.walk()) if flow else {}
    for action in before:
        _learn(names, action, written.get(_written(action.path)), path)
    if flow and path:
        names |= _turns(flow, actions, path) | _caught(flow, before, path)
    return names


def _learn(names: JsonObject, action: ActionRecord, written: Action | None, at: Path | None) -> None:
    """What a finished action left behind."""
    if not action.status.finished:
        return
    done = _done(action)
    names["actions"][action.name] = {**entry(action.status, done), "error": action.error}
    if isinstance(written, Set) and action.status is Status.SUCCEEDED and isinstance(action.outputs, dict):
        names["vars"] = {**names["vars"], **action.outputs}
    if written is not None and written.save_as and action.status is Status.SUCCEEDED and _visible(action.path, at):
        names[written.save_as] = done.body


def _done(action: ActionRecord) -> Done:
    outputs = action.outputs
    if action.kind == "use" and isinstance(outputs, dict):
        return Done(
            body=outputs.get("body"),
            status_code=outputs.get("status_code"),
            headers=outputs.get("headers") or {},
            attempts=len(action.attempts),
        )
    error = action.error or {}
    return Done(
        body=error.get("body") if action.error else outputs,
        status_code=error.get("status_code"),
        attempts=max(len(action.attempts), 1),
    )


def _visible(path: Path, at: Path | None) -> bool:
    """Whether a name that is made at one place is seen at the other: in the same list, or in one around it."""
    around = path[:-1]
    return not around or (at is not None and at[: len(around)] == around)


def _turns(flow: Flow, actions: Sequence[ActionRecord], at: Path) -> JsonObject:
    """The item and the count of every loop around a place."""
    recorded = {action.path: action for action in actions}
    written = dict(flow.walk())
    names: JsonObject = {}
    for depth, part in enumerate(at):
        loop = written.get(_written(at[:depth]))
        if not isinstance(part, int) or not isinstance(loop, ForEach | Repeat):
            continue
        items: Json = recorded[at[:depth]].inputs if at[:depth] in recorded else None
        names["loop"] = {"index": part + 1, "index0": part, "first": part == 0}
        if isinstance(loop, ForEach) and isinstance(items, list) and part < len(items):
            names[loop.item_name] = items[part]
            names["loop"] |= {"last": part + 1 == len(items), "length": len(items)}
    return names


def _caught(flow: Flow, before: Sequence[ActionRecord], at: Path) -> JsonObject:
    """`error`, for a place inside a `catch`: what failed in the `try` around it."""
    written = dict(flow.walk())
    for depth in reversed(range(1, len(at))):
        holder = written.get(_written(at[:depth]))
        keys = {action.key for action in holder.catch or ()} if isinstance(holder, Try) else set()
        if at[depth] not in keys:
            continue
        inside = [one for one in before if one.path[:depth] == at[:depth] and len(one.path) > depth and one.error]
        failed = [one.error for one in inside if one.path[depth] not in keys]
        return {"error": failed[-1]} if failed else {}
    return {}


def _place(actions: Sequence[ActionRecord], said: str) -> Path:
    path = parse_path(said)
    known = {format_path(action.path): action.path for action in actions}
    by_name = {action.name: action.path for action in actions}
    if format_path(path) in known:
        return path
    if said in by_name:
        return by_name[said]
    raise NotFound(f'the run has no action "{said}"; {did_you_mean(said, known)}'.rstrip("; "))


def _number(actions: Sequence[ActionRecord], path: Path) -> int:
    return next(action.number for action in actions if action.path == path)


def _written(path: Path) -> Path:
    return tuple(part for part in path if isinstance(part, str))


def _event(event: EventRecord | None) -> JsonObject:
    if event is None:
        return {}
    received = timestamp(event.received_at)
    return {"id": event.id, "received_at": received, "headers": dict(event.headers), "source": event.source}
