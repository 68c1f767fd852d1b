"""Actions that hold branches: `if`, `switch`, `parallel`, `try`."""

from __future__ import annotations

import asyncio

from flowengine.errors import ExpressionError
from flowengine.expressions.compare import compare
from flowengine.expressions.values import shown
from flowengine.interpreter.scope import Done, Scope
from flowengine.interpreter.signals import ActionFailed, Stopped
from flowengine.interpreter.skipping import skip
from flowengine.interpreter.together import side_by_side
from flowengine.interpreter.walk import Walk
from flowengine.spec.actions import Action, If, Parallel, Switch, Try
from flowengine.types import Json, Path, Status


async def if_then(walk: Walk, action: If, path: Path, scope: Scope) -> Done:
    verdict = await walk.holds(action.condition, scope, path)
    inputs = {"held": verdict.held, "conditions": verdict.reasons}
    await walk.record(action, path, Status.RUNNING, inputs=inputs)
    taken, other = (action.then, action.otherwise) if verdict.held else (action.otherwise, action.then)
    if other:
        told = "the condition held" if verdict.held else "the condition did not hold"
        await skip(walk, other, path, scope, f"{told}: {verdict.because}")
    return await _branch(walk, action, taken, path, scope, inputs)


async def switch(walk: Walk, action: Switch, path: Path, scope: Scope) -> Done:
    value = await walk.render(action.value, scope, path, (*action.loc, "switch"))
    chosen = next((case for case, _ in action.cases if _equal(value, case)), None)
    taken = next((branch for case, branch in action.cases if case is chosen), action.default)
    found = any(branch is taken for _, branch in action.cases)
    inputs = {"value": value, "case": chosen if found else "default"}
    await walk.record(action, path, Status.RUNNING, inputs=inputs)
    for case, branch in action.cases:
        if branch is not taken:
            await skip(walk, branch, path, scope, f"the value was {shown(value)}, not {shown(case)}")
    if found:
        await skip(walk, action.default, path, scope, f"the value was {shown(value)}, which has a case")
    return await _branch(walk, action, taken, path, scope, inputs)


async def parallel(walk: Walk, action: Parallel, path: Path, scope: Scope) -> Done:
    await walk.record(action, path, Status.RUNNING)
    await side_by_side(_side(walk, branch, path, scope.branch()) for branch in action.branches)
    return Done()


async def try_catch(walk: Walk, action: Try, path: Path, scope: Scope) -> Done:
    await walk.record(action, path, Status.RUNNING)
    ended: BaseException | None = None
    done = Done()
    try:
        done = await _tried(walk, action, path, scope)
    except (ActionFailed, ExpressionError, Stopped, asyncio.CancelledError) as error:
        ended = error
    try:
        await walk.sequence(walk, action.finally_, path, scope.branch())
    except ActionFailed:
        if not isinstance(ended, Stopped | asyncio.CancelledError):  # nothing undoes the end of the run
            raise
    if ended is not None:
        raise ended
    return done


async def _tried(walk: Walk, action: Try, path: Path, scope: Scope) -> Done:
    inner = scope.branch()
    try:
        await walk.sequence(walk, action.actions, path, inner)
    except ActionFailed as failed:
        if action.catch is None:
            raise
        inner = scope.branch(error=failed.failure.to_json())
        await walk.sequence(walk, action.catch, path, inner)
    else:
        await skip(walk, action.catch or (), path, scope, "nothing failed")
    return await _given(walk, action, path, inner)


async def _side(walk: Walk, branch: tuple[Action, ...], path: Path, scope: Scope) -> None:
    await walk.sequence(walk, branch, path, scope)


async def _branch(
    walk: Walk, action: If | Switch, branch: tuple[Action, ...], path: Path, scope: Scope, inputs: Json
) -> Done:
    inner = scope.branch()
    await walk.sequence(walk, branch, path, inner)
    done = await _given(walk, action, path, inner)
    return Done(body=done.body, outputs=done.outputs, inputs=inputs)


async def _given(walk: Walk, action: If | Switch | Try, path: Path, inner: Scope) -> Done:
    """What the action gives back, by its `output`, which sees the names of the branch."""
    output = await walk.render(action.output, inner, path, (*action.loc, "output"))
    return Done(body=output, outputs=output)


def _equal(value: Json, case: Json) -> bool:
    try:
        return compare("is", value, case)
    except ExpressionError:
        return False  # a case of another kind is only another case
