"""A list of actions, one after another, and the boundary of each: what becomes of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Literal, assert_never

from flowengine.errors import ActionError, ActionTimedOut
from flowengine.interpreter import branches, leaves, loops
from flowengine.interpreter.effects import Failure
from flowengine.interpreter.scope import Done, Scope, entry
from flowengine.interpreter.signals import ActionFailed, OnRecord, Stopped
from flowengine.interpreter.skipping import OWN_CONDITION, skip
from flowengine.interpreter.walk import Walk
from flowengine.spec.actions import (
    Action,
    Ask,
    Call,
    ForEach,
    If,
    Log,
    OperationAction,
    Parallel,
    Repeat,
    Respond,
    Set,
    Stop,
    Switch,
    Try,
    Wait,
    WaitFor,
    WaitUntil,
)
from flowengine.types import JsonObject, Path, Status

_ANSWERED: tuple[tuple[type[Ask | WaitFor], Literal["approval", "callback"]], ...] = (
    (Ask, "approval"),
    (WaitFor, "callback"),
)
HOLDERS = (If, Switch, ForEach, Repeat, Parallel, Try)


async def run_list(walk: Walk, actions: tuple[Action, ...], parent: Path, scope: Scope) -> None:
    """Run actions in order; when one ends the list, those after it are recorded as skipped."""
    answered = any(isinstance(action, Ask | WaitFor) for action in actions)
    for index, action in enumerate(actions):
        if answered:
            scope.names.update(_addresses(walk, actions[index:], parent))
        try:
            await _run(walk, action, (*parent, action.key), scope)
        except (ActionFailed, Stopped, asyncio.CancelledError) as end:
            await skip(walk, actions[index + 1 :], parent, scope, _why_not(end))
            raise


async def _run(walk: Walk, action: Action, path: Path, scope: Scope) -> None:
    """One action, from `when` to its record."""
    try:
        if action.when is not None:
            verdict = await walk.holds(action.when, scope, path)
            if not verdict.held:
                await skip(walk, [action], path[:-1], scope, f"{OWN_CONDITION}: {verdict.because}")
                return
        done = await _limited(walk, action, path, scope)
    except OnRecord as known:
        _fail(walk, action, path, scope, known.error)
    except ActionError as error:
        failure, status = walk.failure(action, path, error), _status(error)
        await walk.record(action, path, status, error=failure)
        _fail(walk, action, path, scope, error)
    except ActionFailed as inner:
        await walk.record(action, path, inner.status, error=inner.failure)
        _go_on_or_raise(action, scope, inner.failure, inner.status, attempts=1)
    except Stopped as end:
        told = end.told if end.status is Status.FAILED else None
        await walk.record(
            action, path, end.status, outputs=end.told.message if isinstance(action, Stop) else None, error=told
        )
        raise
    except asyncio.CancelledError:
        if isinstance(action, HOLDERS):
            await walk.record(action, path, Status.CANCELLED)
        raise
    else:
        if not done.on_record:
            await walk.record(action, path, Status.SUCCEEDED, inputs=done.inputs, outputs=done.outputs)
        scope.keep(action.name, action.save_as, Status.SUCCEEDED, done)


async def _limited(walk: Walk, action: Action, path: Path, scope: Scope) -> Done:
    """The action within its `timeout`; operations and waits keep to theirs themselves."""
    if action.timeout is None or not isinstance(action, HOLDERS):
        return await _perform(walk, action, path, scope)
    until = await walk.effects.now(path) + action.timeout
    return await walk.effects.limit(path, until, _perform(walk, action, path, scope))


async def _perform(walk: Walk, action: Action, path: Path, scope: Scope) -> Done:
    match action:
        case OperationAction():
            return await leaves.operation(walk, action, path, scope)
        case If():
            return await branches.if_then(walk, action, path, scope)
        case Switch():
            return await branches.switch(walk, action, path, scope)
        case ForEach():
            return await loops.for_each(walk, action, path, scope)
        case Repeat():
            return await loops.repeat(walk, action, path, scope)
        case Parallel():
            return await branches.parallel(walk, action, path, scope)
        case Try():
            return await branches.try_catch(walk, action, path, scope)
        case Wait():
            return await leaves.wait(walk, action, path, scope)
        case WaitUntil():
            return await leaves.wait_until(walk, action, path, scope)
        case Ask():
            return await leaves.ask(walk, action, path, scope)
        case WaitFor():
            return await leaves.wait_for(walk, action, path, scope)
        case Set():
            return await leaves.set_variables(walk, action, path, scope)
        case Call():
            return await leaves.call(walk, action, path, scope)
        case Respond():
            return await leaves.respond(walk, action, path, scope)
        case Stop():
            return await leaves.stop(walk, action, path, scope)
        case Log():
            return await leaves.log(walk, action, path, scope)
    assert_never(action)


def _fail(walk: Walk, action: Action, path: Path, scope: Scope, error: ActionError) -> None:
    _go_on_or_raise(action, scope, walk.failure(action, path, error), _status(error), attempts=error.attempts)


def _go_on_or_raise(action: Action, scope: Scope, failure: Failure, status: Status, *, attempts: int) -> None:
    done = Done(body=failure.body, status_code=failure.status_code, attempts=attempts)
    scope.results.put(action.name, entry(status, done, failure))
    if not action.on_error_continue:
        raise ActionFailed(failure, status)


def _status(error: ActionError) -> Status:
    return Status.TIMED_OUT if isinstance(error, ActionTimedOut) else Status.FAILED


def _why_not(end: ActionFailed | Stopped | asyncio.CancelledError) -> str:
    match end:
        case ActionFailed():
            return f'"{end.failure.name}" failed'
        case Stopped():
            return f'"{end.told.name}" stopped the run'
        case _:
            return "the run was cancelled, or its time was over"


def _addresses(walk: Walk, actions: tuple[Action, ...], parent: Path) -> Iterator[tuple[str, JsonObject]]:
    """Where the next `ask` and the next `wait_for` of a list will be answered: for the actions before them."""
    for kind, name in _ANSWERED:
        following = next((action for action in actions if isinstance(action, kind)), None)
        if following is not None:
            yield name, walk.effects.address((*parent, following.key), name)
