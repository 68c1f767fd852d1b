"""When a run did what: a line an action, with its attempts and the pauses between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flowengine.server.pages.shown import between, mark, word
from flowengine.spec.times import lasted
from flowengine.store.heads import ActionHead
from flowengine.types import Status, format_path

NAMES: Final = 200
BARS: Final = 360
ROW: Final = 26
TOP: Final = 24
AFTER: Final = 70
MOST: Final = 300
_NICE: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bar."""

    x: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """An action's line."""

    y: int
    name: str
    indent: int
    path: str
    bar: Stretch
    took: str
    told: str
    status: Status
    shape: str
    tone: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the scale above."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows and the scale."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    left_out: int
    width: int = NAMES + BARS + AFTER

    @property
    def height(self) -> int:
        return TOP + ROW * len(self.rows) + 8


def timeline(actions: Sequence[ActionHead], began: datetime, ended: datetime) -> Timeline:
    """The actions that did something, between the run's beginning and its end (or now)."""
    did = [action for action in actions if action.status is not Status.SKIPPED]
    shown = did[:MOST]
    length = max((ended - began).total_seconds() * 1_000, 1.0)
    rows = tuple(_row(action, at, began, ended, length) for at, action in enumerate(shown))
    return Timeline(rows, _ticks(length), len(did) - len(shown))


def _row(action: ActionHead, at: int, began: datetime, ended: datetime, length: float) -> Row:
    start = min(max((action.started_at - began).total_seconds() * 1_000, 0), length)
    finish = action.finished_at or ended
    end = min(max((finish - began).total_seconds() * 1_000, start), length)
    width = max(BARS * (end - start) / length, 2)
    x = min(NAMES + BARS * start / length, NAMES + BARS - 2)
    found = mark(action.status)
    took = between(action.started_at, finish)
    indent = 12 * min(sum(isinstance(part, str) for part in action.path) - 1, 6)
    rounds = [f"{part + 1}" for part in action.path if isinstance(part, int)]
    name = action.name + (f" ({'.'.join(rounds)})" if rounds else "")
    longest = (NAMES - 28 - indent) // 7
    return Row(
        y=TOP + ROW * at,
        name=name if len(name) <= longest else name[: longest - 1] + "…",
        indent=indent,
        path=format_path(action.path),
        bar=Stretch(round(x, 2), round(width, 2), found.tone),
        took=took,
        told=f"{name}: {word(action.status)}, after {lasted(start)}, took {took}",
        status=action.status,
        shape=found.shape,
        tone=found.tone,
    )


def _ticks(length: float) -> tuple[Tick, ...]:
    """Four to eight round numbers of milliseconds."""
    apart = 1.0
    while length / apart > 5:
        apart = _next_nice(apart)
    return tuple(
        Tick(round(NAMES + BARS * at * apart / length, 2), lasted(at * apart) if at else "0")
        for at in range(int(length / apart) + 1)
    )


def _next_nice(apart: float) -> float:
    power = 1.0
    while power * 10 <= apart:
        power *= 10
    for factor in _NICE:
        if apart < factor * power * 0.999:
            return factor * power
    return 10 * power
