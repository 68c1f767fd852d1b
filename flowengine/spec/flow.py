"""A flow: everything one file says, read and settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from flowengine.spec.actions import Action, ForEach, If, Parallel, Repeat, Switch, Try
from flowengine.spec.conditions import Condition
from flowengine.spec.source import Source
from flowengine.spec.triggers import Trigger
from flowengine.types import Json, Path

InputType = Literal["text", "number", "boolean", "date", "list", "object"]


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input of a manual run or a call."""

    type: InputType = "text"
    required: bool = False
    default: Json = None
    description: str = ""
    choices: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One flow version: the same text always gives the same `version`."""

    id: str
    """The file's stem."""
    name: str
    version: str
    """The first 12 hex digits of the text's SHA-256."""
    source: Source
    """The text and where everything stands in it."""
    triggers: tuple[Trigger, ...]
    actions: tuple[Action, ...]
    description: str = ""
    enabled: bool = True
    conditions: tuple[Condition, ...] = ()
    inputs: dict[str, Input] = field(default_factory=dict)
    vars: dict[str, Json] = field(default_factory=dict)
    mode: Literal["parallel", "queued", "single", "restart"] = "parallel"
    max: int = 25
    per: str | None = None
    timeout: timedelta = timedelta(days=30)
    on_failure: tuple[Action, ...] = ()
    output: Json = None
    keep: dict[str, timedelta] = field(default_factory=dict)

    def walk(self) -> Iterator[tuple[Path, Action]]:
        """Every action with its path, parents first; loop iterations are left out of the path."""
        yield from walk(self.actions, ())
        yield from walk(self.on_failure, ("on_failure",))


def children(action: Action) -> tuple[tuple[Action, ...], ...]:
    """The lists of actions inside an action, in reading order; empty for those that hold none."""
    match action:
        case If():
            return (action.then, action.otherwise)
        case Switch():
            return (*(branch for _, branch in action.cases), action.default)
        case ForEach() | Repeat():
            return (action.do,)
        case Parallel():
            return action.branches
        case Try():
            return (action.actions, action.catch or (), action.finally_)
        case _:
            return ()


def walk(actions: tuple[Action, ...], parent: Path) -> Iterator[tuple[Path, Action]]:
    """The actions below `parent`, each with its path."""
    for action in actions:
        path = (*parent, action.key)
        yield path, action
        for branch in children(action):
            yield from walk(branch, path)
