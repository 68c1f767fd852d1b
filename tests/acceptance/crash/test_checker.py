"""The checker finds what it is there to find: each promise is broken on purpose in the evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.crash import database
from tests.acceptance.crash.checker import Evidence, violations
from tests.acceptance.crash.flows import TWO_CALLS
from tests.acceptance.crash.stage import stage

pytestmark = pytest.mark.crash


class Case:
    """Evidence of two good runs, and ways to spoil it."""

    def __init__(self, database: str, witness: Path) -> None:
        self.database = database
        self.witness = witness
        self.acknowledged = frozenset({0, 1})

    def change(self, statement: str) -> None:
        database.change(self.database, statement)

    def call_again(self, **changed: object) -> None:
        first = json.loads(self.witness.read_text().splitlines()[0])
        with self.witness.open("a") as file:
            file.write(json.dumps({**first, **changed}) + "\n")

    def found(self) -> list[str]:
        return violations(Evidence(self.database, self.witness, self.acknowledged, crashes=0))


@pytest.fixture
async def case(tmp_path: Path):
    async with stage(tmp_path) as scene:
        scene.write_flow("two", TWO_CALLS)
        async with scene.engine():
            await scene.send([0, 1])
            assert await scene.settled(2) == ["succeeded", "succeeded"]
    case = Case(scene.database, scene.witness_file)
    assert case.found() == []
    return case


async def test_every_kind_of_broken_promise_is_found(case: Case) -> None:
    case.acknowledged = frozenset({0, 1, 2})
    assert case.found() == ["event 2 was acknowledged and has no run"]
    case.acknowledged = frozenset({0, 1})

    case.call_again()
    assert any("repeated calls at 0 crashes" in one for one in case.found())
    case.call_again(at=9e9)
    assert any("was called again after it had finished" in one for one in case.found())
    case.call_again(key=None)
    assert any("carries the key None" in one for one in case.found())

    case.change("UPDATE runs SET status = 'waiting', finished_at = NULL WHERE id = (SELECT min(id) FROM runs)")
    assert any("is still waiting" in one for one in case.found())
    case.change("DELETE FROM actions WHERE path = 'last'")
    assert any("was made and is not on record" in one for one in case.found())
    case.change("UPDATE events SET body = (SELECT min(body) FROM events)")
    assert any("has 2 runs" in one for one in case.found())
