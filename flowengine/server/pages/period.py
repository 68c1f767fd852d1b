"""Stretches of time that lists are narrowed to: the last hours or days, or from one day to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from flowengine.store.ids import first_id_at

PERIODS: Final = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "28d": timedelta(days=28),
}


@dataclass(frozen=True, slots=True)
class Period:
    """What was asked for; nothing of it need be given."""

    preset: str = ""
    """A word of `PERIODS`."""
    first: date | None = None
    last: date | None = None
    """Whole days in this machine's zone, both included."""

    def since(self, now: datetime) -> datetime | None:
        """Where it begins."""
        if self.preset:
            return now - PERIODS[self.preset]
        return midnight(self.first) if self.first else None

    @property
    def until(self) -> datetime | None:
        """Where it ends; None for now."""
        return midnight(self.last + timedelta(days=1)) if self.last else None

    def before(self, cursor: str | None) -> str | None:
        """The id that every row comes before: the page's cursor, or the period's end."""
        bounds = [bound for bound in (cursor, first_id_at(self.until) if self.until else None) if bound]
        return min(bounds, default=None)

    @property
    def options(self) -> list[str]:
        """As a command line has it."""
        since = self.preset or (self.first.isoformat() if self.first else "")
        bound = self.before(None)
        return ([f"--since {since}"] if since else []) + ([f"--before {bound}"] if bound else [])


def read_period(query: Mapping[str, str]) -> Period:
    """The period of `?since=`, or of `?from=` and `?until=`; what cannot be read is as if it were not there."""
    preset = query.get("since", "")
    first, last = _date(query.get("from", "")), _date(query.get("until", ""))
    return Period(preset if preset in PERIODS and not (first or last) else "", first, last)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1971 <= found.year <= 9_000 else None


def midnight(day: date) -> datetime:
    """When a day begins on this machine."""
    return datetime(day.year, day.month, day.day).astimezone()
