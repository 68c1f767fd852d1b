"""Schemathesis calls every route as the OpenAPI document allows and as it forbids: no 5xx, no status and no answer that the
document does not know.

A longer run by hand: `flowengine serve`, then
`schemathesis run http://127.0.0.1:8080/api/v1/openapi.json --exclude-path /api/v1/runs/events --max-time 900`.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT

import pytest

from tests.fakes.projects import make_project, served

SECONDS = 25
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
FLOWS = {
    "greet": """
        flow: Greet
        trigger: [{manual: true}, {schedule: every day at 09:00}]
        inputs: {name: {type: text, default: you}}
        actions: [{log: "Hello {{ inputs.name }}"}]
        """,
    "asks": """
        flow: Asks
        trigger: {manual: true}
        actions: [{ask: {to: lead@example.com, question: Well?}, timeout: 10s}]
        """,
}
CONNECTIONS = """
    desk:
      connector: livechat
      base_url: http://127.0.0.1:9
      parameters: {username: ann@example.com, apikey: "{{ secrets.nowhere }}"}
    """
THERE = {
    "flow": "greet",
    "run": "@last",
    "event": "@last",
    "connector": "livechat",
    "connection": "desk",
    "operation": "ListAgents",
}
"""What is there, so that it is asked about too and not only what is not."""


@pytest.mark.parametrize("known", [{}, THERE], ids=["anything", "what is there"])
async def test_nothing_departs_from_the_document(tmp_path, known):
    config = tmp_path / "schemathesis.toml"
    paths = "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
    # A run that waits for a person would be waited for as long as may be asked for: a minute. Here nobody is patient.
    config.write_text(f'[parameters]\n{paths}"query.wait" = 1\n')
    async with served(make_project(tmp_path, FLOWS, CONNECTIONS)) as (server, http):
        for flow in FLOWS:
            await http.post("/api/v1/runs", json={"flow": flow, "wait": 1})
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
        command += [
            f"{server.url}/api/v1/openapi.json",
            "--checks",
            ",".join(CHECKS),
            "--exclude-path",
            "/api/v1/runs/events",
        ]
        command += ["--seed", "1", "--max-time", str(SECONDS), "--request-timeout", "30", "--continue-on-failure"]
        command += ["--phases", "coverage,fuzzing", "--warnings", "off"]
        program = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, cwd=tmp_path)
        told, _ = await program.communicate()
    assert program.returncode == 0, told.decode()
    assert "generated" in told.decode()
