"""What every picture shows: the actions, the branches they hold, and the statuses of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flowengine.expressions.values import json_text
from flowengine.spec.actions import (
    Action,
    Ask,
    ForEach,
    If,
    Log,
    Parallel,
    Repeat,
    Switch,
    Try,
    Wait,
    WaitUntil,
)
from flowengine.spec.conditions import UNARY_OPERATORS, AllOf, AnyOf, Comparison, Condition, Not, Truth
from flowengine.spec.flow import Flow
from flowengine.spec.words import does, starts
from flowengine.store.records import ActionRecord
from flowengine.types import Json, Path

LONGEST = 60
_RANK = ("failed", "timed_out", "cancelled", "running", "waiting", "queued", "succeeded", "skipped")


@dataclass(frozen=True, slots=True)
class Branch:
    """A list of actions with what leads there, such as `then` or `case urgent`."""

    label: str
    actions: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One action in a picture."""

    path: Path
    name: str
    kind: str
    about: str
    """What it does, in a few words: the operation, the condition, the list."""
    status: str
    """Of its runs: the worst; empty without a run, or when it was not come to."""
    told: str
    """The statuses in words: `succeeded`, or `3 succeeded, 1 failed` in a loop."""
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Outline:
    """A flow in a picture."""

    name: str
    starts: tuple[str, ...]
    conditions: tuple[str, ...]
    """What must hold for an event to start a run."""
    actions: tuple[Drawn, ...]
    on_failure: tuple[Drawn, ...]


def outline(flow: Flow, run: Iterable[ActionRecord] = ()) -> Outline:
    """The flow, with the statuses of the run's actions if there is one."""
    statuses = _statuses(run)
    return Outline(
        flow.name,
        tuple(map(starts, flow.triggers)),
        tuple(shortened(condition_text(condition)) for condition in flow.conditions),
        tuple(_drawn(action, (), statuses) for action in flow.actions),
        tuple(_drawn(action, ("on_failure",), statuses) for action in flow.on_failure),
    )


def _statuses(run: Iterable[ActionRecord]) -> dict[Path, Counter[str]]:
    found: dict[Path, Counter[str]] = {}
    for action in run:
        written = tuple(part for part in action.path if isinstance(part, str))
        found.setdefault(written, Counter())[str(action.status)] += 1
    return found


def _drawn(action: Action, parent: Path, statuses: Mapping[Path, Counter[str]]) -> Drawn:
    path = (*parent, action.key)
    found = statuses.get(path, Counter())
    return Drawn(
        path,
        action.name,
        action.kind,
        shortened(about(action)),
        next((status for status in _RANK if found[status]), ""),
        _told(found),
        tuple(
            Branch(label, tuple(_drawn(one, path, statuses) for one in actions))
            for label, actions in _branches(action)
            if actions
        ),
    )


def _told(found: Counter[str]) -> str:
    if found.total() <= 1:
        return "".join(found)
    return ", ".join(f"{found[status]} {status}" for status in _RANK if found[status])


def _branches(action: Action) -> Iterator[tuple[str, tuple[Action, ...]]]:
    match action:
        case If():
            yield from (("then", action.then), ("else", action.otherwise))
        case Switch():
            yield from ((f"case {json_text(case)}", actions) for case, actions in action.cases)
            yield "default", action.default
        case ForEach() | Repeat():
            yield "do", action.do
        case Parallel():
            yield from ((f"branch {index}", actions) for index, actions in enumerate(action.branches, 1))
        case Try():
            yield from (("try", action.actions), ("catch", action.catch or ()), ("finally", action.finally_))


def about(action: Action) -> str:
    """What an action does, in a few words."""
    match action:
        case If():
            return f"if {condition_text(action.condition)}"
        case Switch():
            return f"switch {_text(action.value)}"
        case ForEach():
            return f"for each {action.item_name} of {_text(action.items)}"
        case Repeat():
            return f"repeat until {condition_text(action.until)}"
        case Wait():
            return f"wait {_text(action.duration)}"
        case WaitUntil():
            return f"wait until {_text(action.moment)}"
        case Ask():
            return f"ask {_text(action.to)}"
        case Log():
            return f"log {_text(action.text)}"
        case _:
            return does(action)


def condition_text(condition: Condition) -> str:
    """A condition in words, such as `trigger.subject contains refund`."""
    match condition:
        case Truth():
            return _text(condition.template)
        case Comparison():
            words = condition.operator.replace("_", " ")
            if condition.operator in UNARY_OPERATORS:
                return f"{_text(condition.value)} {words}: {_text(condition.operand)}"
            return f"{_text(condition.value)} {words} {_text(condition.operand)}"
        case AllOf():
            return " and ".join(map(condition_text, condition.conditions))
        case AnyOf():
            return " or ".join(map(condition_text, condition.conditions))
        case Not():
            return f"not ({condition_text(condition.condition)})"


def plain(text: str) -> str:
    """Without signs that lead a terminal, turn the direction of writing, or cannot be in XML."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else json_text(value)
    whole = text.strip()
    return whole[2:-2].strip() if whole.startswith("{{") and whole.endswith("}}") and whole.count("{{") == 1 else text
