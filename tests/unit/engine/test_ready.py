"""Runs that wait for room: first come, first taken, each once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flowengine.engine.ready import Ready
from flowengine.store.records import RunRecord
from flowengine.types import Status

A = RunRecord(
    id="a",
    flow="f",
    flow_version="v",
    status=Status.QUEUED,
    event_id=None,
    trigger_kind="manual",
    trigger_name="manual",
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
)
B, C = replace(A, id="b"), replace(A, id="c")


class Stored:
    """The runs of a store, read when the gate is open."""

    def __init__(self, *runs: RunRecord) -> None:
        self.runs = {run.id: run for run in runs}
        self.gate = asyncio.Event()
        self.gate.set()

    async def get_many(self, ids):
        await self.gate.wait()
        return [self.runs[run_id] for run_id in ids if run_id in self.runs]


@pytest.fixture
def stored():
    return Stored(A, B, C)


async def test_those_at_the_head_are_taken_first_whether_read_or_not(stored):
    ready = Ready(stored)
    ready.add("a")
    ready.add("b", B, "by a person")
    ready.add("c")
    assert await ready.take(2) == [(A, None), (B, "by a person")]
    assert "c" in ready
    assert len(ready) == 1


async def test_only_a_head_that_was_read_is_at_hand(stored):
    ready = Ready(stored)
    assert ready.take_at_hand() is None
    ready.add("a")
    ready.add("b", B)
    assert ready.take_at_hand() is None
    ready.add("a", A)
    assert ready.take_at_hand() == (A, None)
    assert ready.take_at_hand() == (B, None)


async def test_a_run_taken_while_others_are_read_is_not_given_twice(stored):
    ready = Ready(stored)
    ready.add("a")
    ready.add("b")
    stored.gate.clear()
    taking = asyncio.create_task(ready.take(2))
    await asyncio.sleep(0)
    ready.add("a", A)
    assert ready.take_at_hand() == (A, None)
    stored.gate.set()
    assert await taking == [(B, None)]


async def test_runs_that_ended_meanwhile_or_are_gone_are_dropped():
    ready = Ready(Stored(replace(A, status=Status.CANCELLED)))
    ready.add("a")
    ready.add("gone")
    assert await ready.take(5) == []
    assert len(ready) == 0
