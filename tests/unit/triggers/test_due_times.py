"""Which times of a schedule are due."""

from datetime import UTC, datetime, timedelta

import pytest

from flowengine.triggers.schedule import GRACE, coming, due
from tests.fakes.engines import a_flow
from tests.fakes.schedules import tick

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def schedule(**given):
    """The trigger of a flow with this schedule."""
    return a_flow(tick(**given)).triggers[0]


def minutes(*numbers):
    return tuple(T0 + timedelta(minutes=number) for number in numbers)


@pytest.mark.parametrize(
    ("missed", "late", "run", "lost"),
    [
        ("run_once", 20, minutes(60), minutes(15, 30, 45)),
        ("run_all", 20, minutes(15, 30, 45, 60), ()),
        ("skip", 20 * 60, (), minutes(15, 30, 45, 60)),
        ("skip", 20, minutes(60), minutes(15, 30, 45)),
    ],
)
def test_what_an_hour_of_downtime_leads_to(missed, late, run, lost):
    trigger = schedule(missed=missed)
    found = due(
        trigger,
        T0,
        T0 + timedelta(hours=1, seconds=late if late < 900 else 0) + (GRACE * 2 if late > 900 else GRACE * 0),
    )
    assert (found.run, found.missed) == (run, lost)
    assert found.settled == minutes(60)[0]


def test_nothing_is_due_before_its_time():
    found = due(schedule(), T0, T0 + timedelta(minutes=14))
    assert (found.run, found.missed, found.settled) == ((), (), None)


def test_the_coming_time_is_in_utc_whatever_the_zone():
    trigger = schedule(words="every day at 09:00", zone="Europe/Warsaw")
    assert coming(trigger, datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
