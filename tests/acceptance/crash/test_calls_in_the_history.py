"""Real engines over both databases, killed in the middle of a call: what the witness saw is what the history tells (G8)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowengine.engine.broken_off import PERHAPS, STOPPED
from tests.acceptance.crash.database import rows
from tests.acceptance.crash.flows import FIRST_CALL
from tests.acceptance.crash.stage import stage

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]

FLOW = (
    "flow: One call\n"
    + FIRST_CALL.replace("/ok/", "/ANSWERS/")
    + "    retry: { times: 2, wait: 1 second, on: [5xx], on_unknown: retry }\n"
)


@pytest.mark.parametrize(
    ("answers", "history"),
    [
        # Killed in the first call, which no record told of.
        ("slow,ok", [PERHAPS, 200]),
        # Killed in the retry, whose beginning was written; neither of the two retries is used up by it.
        ("500,slow,500,ok", [500, STOPPED, 500, 200]),
    ],
)
async def test_a_call_that_was_under_way_at_the_kill_is_in_the_history(
    tmp_path: Path, database_url: str, answers: str, history: list[object]
) -> None:
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("one-call", FLOW.replace("ANSWERS", answers))
        await scene.killed_at("after_http_response", [0])
        async with scene.engine():
            status = await scene.settled(1)
        ((text,),) = rows(database_url, "SELECT attempts FROM actions")
        told = [each["status_code"] or each["error"]["message"] for each in json.loads(text)]
        assert (status, told) == (["succeeded"], history)
        assert len(scene.calls) == len(told)
        assert len({call["key"] for call in scene.calls}) == 1
        assert scene.broken_promises() == []
