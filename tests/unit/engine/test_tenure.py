"""When an engine makes sure that the database is still its own."""

from __future__ import annotations

import pytest

from flowengine.engine import tenure
from flowengine.engine.tenure import Tenure


class Database:
    """Counts the commits that were asked for; each takes `lasts` seconds of a time that only it lets pass."""

    def __init__(self, monkeypatch) -> None:
        self.now, self.lasts, self.commits = 100.0, 0.0, 0
        monkeypatch.setattr(tenure.time, "monotonic", lambda: self.now)

    async def commit(self) -> None:
        self.commits += 1
        self.now += self.lasts


@pytest.fixture
def database(monkeypatch):
    return Database(monkeypatch)


async def looked(tenure: Tenure, database: Database) -> int:
    """How many commits it takes to be sure."""
    before = database.commits
    await tenure.ensure(lambda: tenure.proven_by(database.commit()))
    return database.commits - before


async def test_a_commit_of_a_moment_ago_is_proof_enough(database):
    owned = Tenure(may_be_lost=True)
    database.now += 1.5
    assert await looked(owned, database) == 1
    database.now += 0.9
    assert await looked(owned, database) == 0


async def test_a_commit_proves_when_it_was_asked_for_and_not_when_its_answer_was_read(database):
    owned = Tenure(may_be_lost=True)
    database.lasts = 3600
    await owned.proven_by(database.commit())
    database.lasts = 0.0
    assert await looked(owned, database) == 1


async def test_a_slow_database_does_not_hold_requests_back_for_ever(database):
    owned = Tenure(may_be_lost=True)
    database.lasts = 2
    database.now += 2
    assert await looked(owned, database) == 2


async def test_what_cannot_be_lost_is_not_asked_for(database):
    owned = Tenure(may_be_lost=False)
    database.now += 1e6
    assert await looked(owned, database) == 0
