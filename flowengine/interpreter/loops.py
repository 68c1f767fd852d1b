"""Actions that hold loops: `for_each` and `repeat`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flowengine.errors import ActionError, ActionTimedOut, ExpressionError
from flowengine.expressions.values import kind_of, shown
from flowengine.interpreter.effects import WaitForTime
from flowengine.interpreter.scope import Done, Scope
from flowengine.interpreter.signals import ActionFailed, RepeatExhausted
from flowengine.interpreter.together import side_by_side
from flowengine.interpreter.walk import Walk
from flowengine.spec.actions import ForEach, Repeat
from flowengine.types import Json, JsonObject, Path, Status

PAUSE = "~wait"
"""The path part of the wait between two turns; no action can be called so."""


async def for_each(walk: Walk, action: ForEach, path: Path, scope: Scope) -> Done:
    items = _list(await walk.render(action.items, scope, path, (*action.loc, "for_each")), walk, action)
    await walk.record(action, path, Status.RUNNING, inputs=items)
    turns = _Turns(items, iter(range(len(items))))
    at_once = max(1, min(action.at_once, walk.limits.at_once, len(items)))
    if at_once == 1:
        await _take(walk, action, path, scope, turns)
    else:
        await side_by_side(_take(walk, action, path, scope, turns) for _ in range(at_once))
    if turns.failed:
        raise turns.failed[min(turns.failed)]
    given = [turns.outputs[index] for index in range(len(items))] if action.output is not None else []
    return Done(body=given, outputs=given, inputs=items)


@dataclass(frozen=True, slots=True)
class _Turns:
    """What the iterations that go on at once share."""

    items: list[Json]
    left: Iterator[int]
    outputs: dict[int, Json] = field(default_factory=dict)
    failed: dict[int, ActionFailed | ActionError] = field(default_factory=dict)


async def _take(walk: Walk, action: ForEach, path: Path, scope: Scope, turns: _Turns) -> None:
    """Take turns until there are none left, or one has failed."""
    for index in turns.left:
        inner = scope.iteration(**{action.item_name: turns.items[index], "loop": _loop(index, len(turns.items))})
        try:
            await walk.sequence(walk, action.do, (*path, index), inner)
            turns.outputs[index] = await walk.render(action.output, inner, (*path, index), (*action.loc, "output"))
        except (ActionFailed, ActionError) as error:
            turns.failed[index] = error
        if turns.failed:
            return


async def repeat(walk: Walk, action: Repeat, path: Path, scope: Scope) -> Done:
    await walk.record(action, path, Status.RUNNING)
    if action.within is None:
        return await _repeated(walk, action, path, scope)
    until = await walk.effects.now(path) + action.within
    try:
        return await walk.effects.limit(path, until, _repeated(walk, action, path, scope))
    except ActionTimedOut:
        raise RepeatExhausted("the condition did not come to hold in time") from None


async def _repeated(walk: Walk, action: Repeat, path: Path, scope: Scope) -> Done:
    outputs: list[Json] = []
    for index in range(action.max):
        turn = (*path, index)
        inner = scope.iteration(loop=_loop(index))
        await walk.sequence(walk, action.do, turn, inner)
        outputs.append(await walk.render(action.output, inner, turn, (*action.loc, "output")))
        if (await walk.holds(action.until, inner, turn)).held:
            given = outputs if action.output is not None else []
            return Done(body=given, outputs=given)
        if action.wait is not None and index + 1 < action.max:
            pause = (*turn, PAUSE)
            until = await walk.effects.now(pause) + action.wait
            await walk.effects.wait(pause, f"{action.name}: pause", WaitForTime(until))
    raise RepeatExhausted(f"the condition did not come to hold in {action.max} turns")


def _loop(index: int, count: int | None = None) -> JsonObject:
    told: dict[str, Any] = {"index": index + 1, "index0": index, "first": index == 0}
    return told if count is None else {**told, "last": index + 1 == count, "length": count}


def _list(items: Json, walk: Walk, action: ForEach) -> list[Json]:
    if isinstance(items, list) and len(items) <= walk.limits.loop_items:
        return items
    if isinstance(items, list):
        message = f"for_each was given {len(items)} items; {walk.limits.loop_items} is the most"
    else:
        hint = "; its fields as pairs are | items" if isinstance(items, dict) else ""
        message = f"for_each needs a list, but was given {kind_of(items)}: {shown(items)}{hint}"
    error = ExpressionError(message)
    error.at = (*action.loc, "for_each")
    raise error
