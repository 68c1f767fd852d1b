"""Several rows carried out as one statement: the same rows, and the same count of what changed, as one by one."""

import asyncio
from itertools import count

import pytest

from flowengine.store import Store, action_rows, events, runs
from flowengine.store.database import sqlite_engine
from flowengine.store.journal import Fenced
from flowengine.store.runs import Runs
from flowengine.types import Status
from tests.fakes.records import START, a_run, an_action, an_event

MANY = 87  # parts of 64, 16, 4 and three times 1


@pytest.fixture
async def store(tmp_path):
    async with Store.open(f"sqlite:///{tmp_path / 'a.db'}", write=True) as opened:
        yield opened


async def test_runs_that_end_together_end_each_in_its_own_way(store):
    made = [a_run(trigger={"n": number}, epoch=store.epoch) for number in range(MANY)]
    await asyncio.gather(*(store.runs.add(run) for run in made))
    for run in made:
        store.journal.append(action_rows.put(an_action(run, outputs=run.id), store.epoch, store.seal))
    commits = store.journal.commits
    await asyncio.gather(
        *(
            store.journal.commit(Runs.finish(run.id, store.epoch, Status.SUCCEEDED, START, None, number))
            for number, run in enumerate(made)
        )
    )
    assert store.journal.commits - commits < MANY
    found = await store.runs.get_many([run.id for run in made])
    assert [(run.id, run.output, run.trigger["n"]) for run in found] == [(r.id, n, n) for n, r in enumerate(made)]
    assert [(await store.runs.actions(run.id))[0].outputs for run in made] == [run.id for run in made]


async def test_one_lost_claim_among_many_fails_alone(store):
    made = [a_run(epoch=store.epoch) for _ in range(MANY)]
    await asyncio.gather(*(store.runs.add(run) for run in made))
    ends = [
        store.journal.commit(
            Runs.finish(run.id, store.epoch - (number == 40), Status.SUCCEEDED, START, {"n": number}, None)
        )
        for number, run in enumerate(made)
    ]
    outcomes = await asyncio.gather(*ends, return_exceptions=True)
    assert [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Fenced)] == [40]
    assert [run.status.finished for run in await store.runs.get_many([run.id for run in made])].count(False) == 1


async def test_every_statement_for_many_tells_how_many_rows_it_changed(store, tmp_path):
    """The fence counts on it; the driver tells it only of statements that begin with INSERT, UPDATE or DELETE."""
    numbers, made = count(), [a_run() for _ in range(4)]
    rows = {
        runs.INSERT: [runs.row_of(run) for run in made],
        events.INSERT: [events.row_of(an_event(source=str(next(numbers)))) for _ in range(4)],
        action_rows.PUT: [action_rows.put(an_action(run), 0, store.seal).row for run in made],
        runs.FINISH: [Runs.finish(run.id, 0, Status.FAILED, START, {}, None).row for run in made],
    }
    engine = sqlite_engine(tmp_path / "a.db")
    with engine.connect() as connection, connection.begin():
        for statement, each in rows.items():
            text = statement.many.replace("{rows}", ", ".join(["(" + ", ".join("?" * len(each[0])) + ")"] * 4))
            assert connection.exec_driver_sql(text, tuple(value for row in each for value in row)).rowcount == 4
    engine.dispose()
