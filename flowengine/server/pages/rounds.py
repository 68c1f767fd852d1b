"""Loops of a run: which iterations there were, how each went, and which one is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from flowengine.store.heads import ActionHead
from flowengine.types import Path, Status, format_path

SHOWN: Final = 60
"""Iterations that the pager lists around the chosen one."""

_WORST: Final = (
    Status.FAILED,
    Status.TIMED_OUT,
    Status.RUNNING,
    Status.WAITING,
    Status.QUEUED,
    Status.CANCELLED,
    Status.SUCCEEDED,
    Status.SKIPPED,
)


@dataclass(slots=True)
class Loop:
    """A loop of the run at one path."""

    path: Path
    rounds: dict[int, Status] = field(default_factory=dict)
    """Iteration (from 0) to the worst status in it."""

    def add(self, number: int, status: Status) -> None:
        known = self.rounds.get(number)
        if known is None or _WORST.index(status) < _WORST.index(known):
            self.rounds[number] = status

    def telling(self) -> int:
        """The iteration to show when none was chosen: the first that failed, else the first that goes on, else the first."""
        for wanted in _WORST[:5]:
            for number, status in sorted(self.rounds.items()):
                if status is wanted:
                    return number
        return min(self.rounds)


@dataclass(frozen=True, slots=True)
class Page:
    """One iteration in a pager."""

    number: int
    path: str
    status: Status
    chosen: bool


@dataclass(frozen=True, slots=True)
class Pager:
    """The pager of a loop."""

    name: str
    chosen: int
    total: int
    pages: tuple[Page, ...]
    before: str | None
    after: str | None
    failed: str | None
    """The next iteration that failed, after the chosen one."""


class Rounds:
    """The loops of a run."""

    def __init__(self, actions: Sequence[ActionHead], chosen: Path) -> None:
        self.loops: dict[Path, Loop] = {}
        self._chosen = chosen
        for action in actions:
            for at, part in enumerate(action.path):
                if isinstance(part, int) and at:
                    loop = self.loops.setdefault(action.path[:at], Loop(action.path[:at]))
                    loop.add(part, action.status)

    def shown(self, loop: Path) -> int | None:
        """Which iteration of the loop at this path is shown; None when it had none."""
        found = self.loops.get(loop)
        if found is None:
            return None
        at = len(loop)
        chosen = self._chosen[at] if self._chosen[:at] == loop and len(self._chosen) > at else None
        return chosen if isinstance(chosen, int) and chosen in found.rounds else found.telling()

    def is_shown(self, path: Path) -> bool:
        """Whether an action is in the shown iteration of every loop around it."""
        return all(part == self.shown(path[:at]) for at, part in enumerate(path) if isinstance(part, int) and at)

    def pagers(self, names: Mapping[Path, str]) -> list[Pager]:
        """A pager for each loop that is shown, outer ones first."""
        shown = [loop for path, loop in sorted(self.loops.items(), key=lambda one: len(one[0])) if self.is_shown(path)]
        return [
            self._pager(loop, names.get(loop.path, format_path(loop.path))) for loop in shown if len(loop.rounds) > 1
        ]

    def _pager(self, loop: Loop, name: str) -> Pager:
        numbers = sorted(loop.rounds)
        chosen = self.shown(loop.path)
        at = numbers.index(chosen) if chosen in numbers else 0
        first = max(0, min(at - SHOWN // 2, len(numbers) - SHOWN))
        pages = tuple(
            Page(number, _path(loop, number), loop.rounds[number], number == chosen)
            for number in numbers[first : first + SHOWN]
        )
        failed = next((number for number in numbers[at + 1 :] if loop.rounds[number] in _WORST[:2]), None)
        return Pager(
            name=name,
            chosen=numbers[at],
            total=len(numbers),
            pages=pages,
            before=_path(loop, numbers[at - 1]) if at else None,
            after=_path(loop, numbers[at + 1]) if at + 1 < len(numbers) else None,
            failed=None if failed is None else _path(loop, failed),
        )


def _path(loop: Loop, number: int) -> str:
    return format_path((*loop.path, number))
