"""Stretches of time as addresses have them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from flowengine.server.pages.period import Period, midnight, read_period
from flowengine.store.ids import first_id_at

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_a_preset_counts_back_from_now():
    assert read_period({"since": "24h"}).since(NOW) == NOW - timedelta(days=1)
    assert read_period({"since": "24h"}).options == ["--since 24h"]


def test_days_are_whole_and_both_included_and_go_before_a_preset():
    period = read_period({"from": "2026-03-01", "until": "2026-03-02", "since": "1h"})
    assert period.since(NOW) == midnight(date(2026, 3, 1))
    assert period.until == midnight(date(2026, 3, 3))
    assert period.preset == ""


@pytest.mark.parametrize(
    "query", [{}, {"since": "ever"}, {"from": "soon", "until": "0001-01-01"}, {"until": "99999-01-01"}]
)
def test_what_cannot_be_read_narrows_nothing(query):
    assert read_period(query) == Period()
    assert read_period(query).before(None) is None


def test_the_page_goes_on_from_its_cursor_unless_the_period_ends_before():
    period = read_period({"until": "2026-03-02"})
    end = first_id_at(midnight(date(2026, 3, 3)))
    assert period.before(None) == end
    assert period.before("0" * 26) == "0" * 26
    assert period.before("z" * 26) == end
