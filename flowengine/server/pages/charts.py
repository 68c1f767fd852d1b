"""Small pictures of numbers: a flow's last results, the runs of each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from flowengine.server.pages.shown import between, mark, word
from flowengine.server.pages.tally import Day
from flowengine.store.heads import RunHead
from flowengine.types import Status

STRIP: Final = 20
PITCH: Final = 8
STRIP_HEIGHT: Final = 22
GOOD: Final = frozenset({Status.SUCCEEDED})
BAD: Final = frozenset({Status.FAILED, Status.TIMED_OUT})
OTHER: Final = frozenset(Status) - GOOD - BAD


@dataclass(frozen=True, slots=True)
class Bar:
    """A run in a strip."""

    x: int
    y: int
    height: int
    tone: str
    title: str
    notched: bool = False
    run: str = ""


def strip(runs: Sequence[RunHead]) -> list[Bar]:
    """The runs (newest first) as bars, the newest at the right."""
    first = STRIP - len(runs)
    return [_bar(run, (first + at) * PITCH) for at, run in enumerate(reversed(runs[:STRIP]))]


def _bar(run: RunHead, x: int) -> Bar:
    title = f"{word(run.status)}, {run.created_at.astimezone():%Y-%m-%d %H:%M}"
    if run.finished_at:
        title += f", took {between(run.started_at, run.finished_at)}"
    height = {"good": 13, "bad": 16}.get(mark(run.status).tone, 7)
    return Bar(x, STRIP_HEIGHT - height, height, mark(run.status).tone, title, run.status in BAD, run.id)


def strip_label(runs: Sequence[RunHead]) -> str:
    """The strip for those who hear it."""
    if not runs:
        return "no runs yet"
    told = [f"{number} {word(status)}" for status in Status if (number := sum(run.status is status for run in runs))]
    return f"last {len(runs)} runs: {', '.join(told)}"


@dataclass(frozen=True, slots=True)
class Column:
    """A day in a chart; heights in hundredths of the highest day."""

    date: date
    good: int
    bad: int
    other: int
    counted: bool
    good_height: float
    bad_height: float
    other_height: float

    @property
    def total(self) -> int:
        return self.good + self.bad + self.other


@dataclass(frozen=True, slots=True)
class Chart:
    """The runs of some days."""

    columns: tuple[Column, ...]
    highest: int

    @property
    def good(self) -> int:
        return sum(column.good for column in self.columns)

    @property
    def bad(self) -> int:
        return sum(column.bad for column in self.columns)

    @property
    def other(self) -> int:
        return sum(column.other for column in self.columns)

    @property
    def counted(self) -> bool:
        return all(column.counted for column in self.columns)


def chart(days: Sequence[Day], flow: str | None = None) -> Chart:
    """The days as columns, of one flow or of all."""
    highest = max((day.of(frozenset(Status), flow) for day in days), default=0)
    return Chart(tuple(_column(day, flow, max(highest, 1)) for day in days), highest)


def _column(day: Day, flow: str | None, highest: int) -> Column:
    good, bad, other = (day.of(statuses, flow) for statuses in (GOOD, BAD, OTHER))
    # One failure among thousands of runs still shows.
    bad_height = max(round(100 * bad / highest, 2), 4.0) if bad else 0.0
    room = 100 - bad_height
    good_height, other_height = (round(min(100 * part / highest, room), 2) for part in (good, other))
    over = good_height + other_height - room
    return Column(
        day.date,
        good,
        bad,
        other,
        day.counts is not None,
        good_height - max(over, 0) if good_height >= other_height else good_height,
        bad_height,
        other_height - max(over, 0) if other_height > good_height else other_height,
    )
