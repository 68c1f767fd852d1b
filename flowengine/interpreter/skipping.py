"""Putting on record what did not run, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flowengine.interpreter.scope import Done, Scope, entry
from flowengine.interpreter.walk import Walk
from flowengine.spec.actions import Action, ForEach, Repeat
from flowengine.spec.flow import children
from flowengine.types import Path, Status

OWN_CONDITION: Final = "its condition did not hold"
"""How the reason begins where an action's own `when` left it out; any other says that its list was not walked up to it."""


async def skip(walk: Walk, actions: Iterable[Action], parent: Path, scope: Scope, because: str) -> None:
    """Record actions as skipped, with everything in them; what is in a loop has no path and is left out."""
    for action in actions:
        path = (*parent, action.key)
        await walk.record(action, path, Status.SKIPPED, skipped_because=because)
        scope.results.put(action.name, entry(Status.SKIPPED, Done()))
        if not isinstance(action, ForEach | Repeat):
            for branch in children(action):
                await skip(walk, branch, path, scope, f'"{action.name}" was skipped')
