"""A clock that goes only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class StandingClock:
    def __init__(self, at: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


class WakeRecord:
    """In the engine's place: lets everything in and remembers which runs it was told of."""

    def __init__(self) -> None:
        self.runs, self.forgotten = [], []

    def admit(self, flow, event, runs):
        return event, tuple(runs)

    def forget(self, runs) -> None:
        self.forgotten.extend(runs)

    def wake(self, runs) -> None:
        self.runs.extend(runs)
