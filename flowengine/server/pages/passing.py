"""How many items went along each branch of a run, and how many turns its loops took.

Counted over all items, from the records that the history keeps anyway; the picture itself shows one item of each loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from flowengine.interpreter.skipping import OWN_CONDITION
from flowengine.spec.actions import Action, ForEach, If, Repeat, Switch, Try
from flowengine.spec.flow import Flow, children
from flowengine.types import Path, Status

Way: TypeAlias = tuple[Path, int]
"""A list of actions inside an action: its path as the file has it, without iterations, and which of its lists."""
Record: TypeAlias = tuple[Path, Status, str | None]
"""Of an action run: where it was, how it stands, why it was skipped."""
_Came: TypeAlias = tuple[Status, str | None]


def passed(flow: Flow, records: Iterable[Record], *, cut: bool = False) -> dict[Way, str]:
    """In words, such as `12 items`, what went into each loop and along each branch inside one.

    Branches outside of loops are left out: whether they were taken is all there is to tell. `cut` says that there are more
    records than these.
    """
    actions = dict(flow.walk())
    known = {path: (status, because) for path, status, because in records}
    counted: Counter[Way] = Counter()
    for path, (status, _) in known.items():
        action = None if status is Status.SKIPPED else actions.get(_written(path))
        if isinstance(action, ForEach | Repeat):
            counted[_written(path), 0] += 0  # a loop over nothing is told, too
        elif isinstance(action, If | Switch | Try) and any(_turns(path)):
            counted.update(_taken(action, path, known))
    turns = {turn for path in known for turn in _turns(path)}
    counted.update((_written(turn), 0) for turn in turns)
    more = "+" if cut else ""
    return {
        (path, way): _told(number, more, actions, path) for (path, way), number in counted.items() if path in actions
    }


def _taken(action: If | Switch | Try, path: Path, known: Mapping[Path, _Came]) -> dict[Way, int]:
    """1 for each branch that this action run went along, 0 for the others."""
    ways = children(action)[:2] if isinstance(action, Try) else children(action)
    found = {number: _was_entered(known.get((*path, way[0].key))) for number, way in enumerate(ways) if way}
    empty = [number for number in range(len(ways)) if number not in found]
    if len(empty) == 1:  # nothing is on record of it: it was taken where all others are known not to have been
        found[empty[0]] = bool(found) and all(was is False for was in found.values())
    return {(_written(path), number): bool(was) for number, was in found.items()}


def _was_entered(first: _Came | None) -> bool | None:
    """Whether a list was begun, by its first action: be it that its own condition then did not hold. None: not known yet."""
    if first is None:
        return None
    status, because = first
    return status is not Status.SKIPPED or (because or "").startswith(OWN_CONDITION)


def _turns(path: Path) -> Iterator[Path]:
    """The iterations that something happened in, each as the path up to its number."""
    return (path[: at + 1] for at, part in enumerate(path) if isinstance(part, int))


def _written(path: Path) -> Path:
    return tuple(part for part in path if isinstance(part, str))


def _told(number: int, more: str, actions: Mapping[Path, Action], path: Path) -> str:
    word = next(
        "turn" if isinstance(loop, Repeat) else "item"
        for loop in (actions.get(path[:at]) for at in range(len(path), -1, -1))
        if isinstance(loop, ForEach | Repeat)
    )
    return f"{number:,}{more} {word}{'' if number == 1 and not more else 's'}"
