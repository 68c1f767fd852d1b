"""Logs that programs read, and spans of runs."""

from __future__ import annotations

import io
import json
import logging

import pytest

from flowengine.server import logs
from tests.fakes.projects import make_project, served

FLOW = """
flow: Say
trigger: {manual: true}
actions:
  - log: hello
  - name: Stop
    stop: {status: failed, message: "canary"}
"""


@pytest.fixture
def lines():
    """Begins logging and gives what was written."""
    root, own = logging.getLogger(), logging.getLogger("flowengine")
    before = (root.handlers[:], root.level, own.level)
    stream = io.StringIO()

    def begin(form, level="info"):
        logs.begin(form, level, stream)
        return lambda: stream.getvalue().splitlines()

    yield begin
    root.handlers[:], own_level = before[0], before[2]
    root.setLevel(before[1])
    own.setLevel(own_level)


async def test_json_lines_tell_the_run_its_end_and_what_failed_but_no_content(lines, tmp_path):
    written = lines("json")
    async with served(make_project(tmp_path, {"say": FLOW})) as (server, _):
        run = await server.app.submit_run("say")
        await server.app.engine.wait(run.id, 20)
    told = [json.loads(line) for line in written()]
    end = next(line for line in told if line.get("status"))
    assert (end["run"], end["flow"], end["status"], end["level"]) == (run.id, "say", "failed", "info")
    assert end["duration_ms"] >= 0
    assert "canary" not in "".join(written())
