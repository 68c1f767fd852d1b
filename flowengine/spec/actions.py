"""Actions: one frozen record a construct of the flow language.

Text fields may hold templates unless their description says otherwise; they are kept as the author typed them and rendered
when the action runs. Paths, names and places are settled by `spec.load`, so that everything above only reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Literal, TypeAlias

from flowengine.findings import Span
from flowengine.spec.conditions import Condition
from flowengine.spec.source import Location
from flowengine.types import Json


@dataclass(frozen=True, slots=True)
class Retry:
    """`retry`: how often and how patiently an operation is tried again. No templates."""

    times: int
    """Further tries after the first."""
    wait: timedelta | None = None
    grow: Literal["none", "double"] = "none"
    max_wait: timedelta | None = None
    on: tuple[str, ...] | None = None
    """`429`, `5xx`, `timeout`, `unreachable`, ...; None: the method's default list."""
    on_unknown: Literal["retry", "fail"] | None = None
    """What follows when a request was sent and no answer came; None: the method's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseAction:
    """What every action has."""

    kind: ClassVar[str] = ""
    """The key that makes an action this one: `use`, `if`, `for_each`, ..."""

    key: str
    """The action's part of its path: the name in lower_snake, unique among its siblings. No template."""
    name: str
    """What people see; unique in the flow. No template."""
    loc: Location
    span: Span
    when: Condition | None = None
    save_as: str | None = None
    retry: Retry | None = None
    timeout: timedelta | None = None
    on_error_continue: bool = False
    connection: str | None = None
    secure: frozenset[str] = frozenset()
    """Which of `inputs` and `outputs` are never stored in clear."""
    note: str = ""
    output: Json = None
    """For loops and branches: the template of what they give back (an iteration's value, for loops)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationAction(BaseAction):
    """`use: connector.Operation` with its inputs under `with`."""

    kind = "use"

    connector: str
    operation: str
    inputs: dict[str, Json] = field(default_factory=dict)
    paginate: int | None = None
    """`paginate: {max_items: N}`: follow pages until this many items."""

    @property
    def use(self) -> str:
        return f"{self.connector}.{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class If(BaseAction):
    """`if` / `then` / `else`."""

    kind = "if"

    condition: Condition
    then: tuple[Action, ...]
    otherwise: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(BaseAction):
    """`switch`: the branch whose case equals the value, compared as `is` does; else `default`."""

    kind = "switch"

    value: Json
    cases: tuple[tuple[Json, tuple[Action, ...]], ...]
    default: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach(BaseAction):
    """`for_each`: the actions of `do` once an item; `at_once` iterations run side by side."""

    kind = "for_each"

    items: Json
    do: tuple[Action, ...]
    item_name: str = "item"
    at_once: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(BaseAction):
    """`repeat`: the actions of `do` until the condition holds; fails (`repeat_exhausted`) at `max` or the time limit."""

    kind = "repeat"

    until: Condition
    do: tuple[Action, ...]
    max: int = 60
    within: timedelta | None = None
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(BaseAction):
    """`parallel`: branches side by side; all are awaited."""

    kind = "parallel"

    branches: tuple[tuple[Action, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(BaseAction):
    """`try` / `catch` / `finally`."""

    kind = "try"

    actions: tuple[Action, ...]
    catch: tuple[Action, ...] | None = None
    finally_: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(BaseAction):
    """`wait: 10 minutes`: a duration, or a template that gives one."""

    kind = "wait"

    duration: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitUntil(BaseAction):
    """`wait_until`: a moment, or a template that gives one."""

    kind = "wait_until"

    moment: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(BaseAction):
    """`ask`: an approval; gives `{choice, by, comment, at}`."""

    kind = "ask"

    to: Json
    question: Json
    choices: tuple[str, ...] = ("Approve", "Reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor(BaseAction):
    """`wait_for: callback`: waits for a POST at `callback.url`."""

    kind = "wait_for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(BaseAction):
    """`set`: new values for variables declared under `vars`."""

    kind = "set"

    values: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(BaseAction):
    """`call`: runs another flow with inputs and waits for its output."""

    kind = "call"

    flow: str
    """The called flow's id. No template."""
    inputs: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond(BaseAction):
    """`respond`: answers the caller of a `webhook` or manual run."""

    kind = "respond"

    status: Json = 200
    headers: dict[str, Json] = field(default_factory=dict)
    body: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(BaseAction):
    """`stop`: ends the run."""

    kind = "stop"

    status: Literal["succeeded", "failed", "cancelled"] = "succeeded"
    message: Json = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log(BaseAction):
    """`log`: a line in the run's history."""

    kind = "log"

    text: Json


Action: TypeAlias = (
    OperationAction
    | If
    | Switch
    | ForEach
    | Repeat
    | Parallel
    | Try
    | Wait
    | WaitUntil
    | Ask
    | WaitFor
    | Set
    | Call
    | Respond
    | Stop
    | Log
)
