"""Logs that programs read, and spans of runs."""

from __future__ import annotations

import json

from tests.fakes.log_lines import log_lines
from tests.fakes.projects import make_project, served

FLOW = """
flow: Say
trigger: {manual: true}
actions:
  - log: hello
  - name: Stop
    stop: {status: failed, message: "canary"}
"""


async def test_json_lines_tell_the_run_its_end_and_what_failed_but_no_content(tmp_path):
    with log_lines("json") as written:
        async with served(make_project(tmp_path, {"say": FLOW})) as (server, _):
            run = await server.app.submit_run("say")
            await server.app.engine.wait(run.id, 20)
    told = [json.loads(line) for line in written()]
    end = next(line for line in told if line.get("status"))
    assert (end["run"], end["flow"], end["status"], end["level"]) == (run.id, "say", "failed", "info")
    assert end["duration_ms"] >= 0
    assert "canary" not in "".join(written())
