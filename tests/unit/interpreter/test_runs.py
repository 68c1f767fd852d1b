"""Each folder of tests/runs holds a flow, what happens to it, and what must come of that."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowengine.expressions.evaluate import InProcess
from flowengine.interpreter.effects import Outcome, Start, Suspended
from flowengine.interpreter.run import run_flow
from flowengine.spec.flow import Flow
from flowengine.spec.load import load_flow
from flowengine.types import Status, format_path
from tests.fakes.scripted_effects import START, Journal, ScriptedEffects

CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "runs").glob("*/case.yaml"))


@cache
def read(case: Path) -> tuple[Flow, dict[str, Any]]:
    return load_flow(case / "flow.yaml"), yaml.safe_load((case / "case.yaml").read_text(encoding="utf-8"))


async def walk(flow: Flow, told: dict[str, Any], effects: ScriptedEffects) -> Outcome:
    start = Start(
        run_id="run1",
        started_at=START,
        trigger=told.get("event", {}),
        event={"id": "event1", "received_at": START.isoformat(), "headers": {}, "source": "test"},
        inputs=told.get("inputs", {}),
        link="https://flows.example.com/runs/run1",
    )
    return await run_flow(flow, start, effects, InProcess())


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> tuple[Flow, dict[str, Any]]:
    return read(request.param)


async def test_a_run_does_what_its_flow_says(case: tuple[Flow, dict[str, Any]]) -> None:
    flow, told = case
    effects = ScriptedEffects(told.get("answers"), cancel_at=told.get("cancel_at"))
    outcome = await walk(flow, told, effects)
    check(outcome, effects.journal, told["expect"])


async def test_a_resumed_run_repeats_nothing_and_ends_the_same(case: tuple[Flow, dict[str, Any]]) -> None:
    flow, told = case
    if told.get("cancel_at"):
        return  # a cancelled run is not resumed
    first = ScriptedEffects(told.get("answers"))
    expected = await walk(flow, told, first)
    for count in range(len(first.journal.finished) + 1):
        kept = first.journal.upto(count)
        again = ScriptedEffects(told.get("answers"), journal=kept, known=first.journal.finished)
        before = {format_path(path) for path in kept.finished}
        assert await walk(flow, told, again) == expected
        assert not before & {path for path, _, _ in kept.calls}
        assert settled(kept) == settled(first.journal)


async def test_a_run_put_aside_anywhere_goes_on_where_it_was(case: tuple[Flow, dict[str, Any]]) -> None:
    flow, told = case
    if told.get("cancel_at"):
        return  # a cancelled run is not resumed
    first = ScriptedEffects(told.get("answers"))
    expected = await walk(flow, told, first)
    journal = Journal()
    for _ in range(len(first.journal.finished) + 1):
        effects = ScriptedEffects(told.get("answers"), journal=journal, known=first.journal.finished, suspend_after=1)
        try:
            outcome = await walk(flow, told, effects)
        except Suspended:
            continue
        assert outcome == expected
        break
    else:
        pytest.fail("the run never came to its end")
    assert sorted(path for path, _, _ in journal.calls) == sorted(path for path, _, _ in first.journal.calls)


def settled(journal: Journal) -> dict[str, Status]:
    """The statuses, but for operations that a time limit broke off: those did not finish."""
    return {path: status for path, status in journal.statuses.items() if status is not Status.CANCELLED}


def check(outcome: Outcome, journal: Journal, expect: dict[str, Any]) -> None:
    assert str(outcome.status) == expect["status"], outcome
    if "calls" in expect:
        assert [[path, use] for path, use, _ in journal.calls] == [call[:2] for call in expect["calls"]]
        for (path, _, inputs), call in zip(journal.calls, expect["calls"], strict=True):
            if len(call) > 2:
                assert inputs == call[2], path
    if "actions" in expect:
        assert {path: str(status) for path, status in journal.statuses.items()} == expect["actions"]
    for path, reason in expect.get("skipped", {}).items():
        assert reason in (journal.events[path].skipped_because or "")
    for path, outputs in expect.get("outputs", {}).items():
        assert journal.events[path].outputs == outputs
    for path, inputs in expect.get("inputs", {}).items():
        assert journal.events[path].inputs == inputs
    for path, wait in expect.get("waits", {}).items():
        assert_wait(journal.waits[path], wait)
    if "responses" in expect:
        assert [[answer.status, answer.headers, answer.body] for answer in journal.responses] == expect["responses"]
    if "output" in expect:
        assert outcome.output == expect["output"]
    if expect["status"] == "succeeded":
        assert outcome.error is None
    for name, value in expect.get("error", {}).items():
        assert outcome.error is not None
        found = getattr(outcome.error, name)
        assert (value in found) if name == "message" else (found == value), (name, found)


def assert_wait(wait: Any, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        found = getattr(wait, name)
        assert (found.isoformat() if hasattr(found, "isoformat") else found) == value, name
