"""An engine with nothing to do, on every database: it looks again and again, finds nothing, and nothing goes wrong."""

import asyncio
import logging

import pytest

from flowengine.engine import rounds
from flowengine.types import Status
from tests.fakes.engines import Bench
from tests.fakes.records import a_run


@pytest.fixture
def bench(database_url, tmp_path):
    return Bench(database_url, tmp_path / "key")


async def test_the_scan_finds_nobody_left_out(bench):
    async with bench.running():
        assert await bench.engine.scan() == []


async def test_rounds_go_on_quietly_until_there_is_a_run_that_nobody_has(bench, monkeypatch, caplog):
    monkeypatch.setattr(rounds, "SCAN", 0.05)
    monkeypatch.setattr(rounds, "TICK", 0.05)
    caplog.set_level(logging.WARNING)
    flow = bench.deploy("actions: [{ use: http.get, with: { url: u } }]\n")
    async with bench.running():
        await asyncio.sleep(0.5)
        assert [record.getMessage() for record in caplog.records] == []
        lost = a_run(id="0" * 26, flow_version=flow.version, status=Status.RUNNING)
        await bench.store.runs.add(lost)
        assert (await bench.engine.wait(lost.id, 20)).status is Status.SUCCEEDED
    assert [record.getMessage() for record in caplog.records] == [f"1 runs had no owner and are taken on: {lost.id}"]
