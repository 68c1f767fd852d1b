"""A service that misbehaves in every way: what each costs the run, and that no call is made that was not asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.acceptance.crash.stage import stage

FLOW = """\
flow: One call
trigger:
  webhook: { verify: none }
  dedupe: "{{ trigger.number }}"
actions:
  - name: Call
    use: http.post
    with: { url: "WITNESS/{{ trigger.words }}/{{ trigger.number }}", body: {} }
    retry: { times: 2, wait: 1 second, on: [429, 5xx, timeout, unreachable], on_unknown: UNKNOWN }
"""

EXPECTED = [
    # What the service does          status       code                   calls
    ("ok", "succeeded", None, 1),
    ("500,ok", "succeeded", None, 2),
    ("500", "failed", "operation_failed", 3),
    ("404", "failed", "operation_failed", 1),
    ("429-seconds,ok", "succeeded", None, 2),
    ("429-date,ok", "succeeded", None, 2),
    ("429-odd,ok", "succeeded", None, 2),
    ("redirect", "failed", "operation_failed", 1),
    ("huge", "failed", "response_too_large", 1),
    ("bomb", "failed", "response_too_large", 1),
]
UNKNOWN_OUTCOMES = [("reset,ok", 2), ("half,ok", 2)]

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]


@pytest.mark.parametrize("on_unknown", ["fail", "retry"])
async def test_each_fault_ends_as_it_should(tmp_path: Path, on_unknown: str) -> None:
    retried = on_unknown == "retry"
    expected = EXPECTED + [
        (words, "succeeded" if retried else "failed", None if retried else "outcome_unknown", calls if retried else 1)
        for words, calls in UNKNOWN_OUTCOMES
    ]
    async with stage(tmp_path) as scene:
        scene.write_flow("one-call", FLOW.replace("UNKNOWN", on_unknown))
        async with scene.engine(), httpx.AsyncClient(trust_env=False, timeout=10) as client:
            for number, (words, *_) in enumerate(expected):
                (await client.post(scene.hook, json={"number": number, "words": words})).raise_for_status()
            await scene.settled(len(expected))
            runs = (await client.get(f"{scene.url}/api/v1/runs", params={"limit": 100})).json()["runs"]
            shown = [(await client.get(f"{scene.url}/api/v1/runs/{run['id']}")).json()["run"] for run in runs]
    ended = {run["event"]["body"]["number"]: run for run in shown}
    calls = Counter(call["path"] for call in scene.calls)
    assert [
        (words, ended[n]["status"], (ended[n]["error"] or {}).get("code"), calls[f"/{words}/{n}"])
        for n, (words, *_) in enumerate(expected)
    ] == expected
