"""The crash matrix: every durable point, killed, stopped and broken; then the checker compares what was promised with what happened."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.crash.flows import EVERYTHING
from tests.acceptance.crash.stage import Stage, stage, stopped

EVENTS = 6

POINTS = {
    "before_event_commit": 3,
    "after_event_commit": 3,
    "before_answer": 3,
    "after_answer": 3,
    "before_http_request": 9,
    "after_http_response": 9,
    "before_record_commit": 9,
    "after_record_commit": 9,
    "in_backoff": 2,
    "in_wait": 2,
    "before_run_finish": 3,
    "after_run_finish": 3,
}
"""Each point with the pass at which it strikes: in the midst of things, with others before and behind."""

PARKING = {"before_park": 2, "after_park": 2}
"""Points that only waits of more than a few seconds pass."""

CHAINS = [list(POINTS)[0::3], list(POINTS)[1::3], list(POINTS)[2::3], list(PARKING)]
"""Each chain is one project that meets its points one after another, so that every restart recovers and is struck again."""

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(600),
    # A process that is killed cuts connections wherever they stand; the client library leaves some of those to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("points", CHAINS, ids="+".join)
async def test_killed(tmp_path: Path, database_url: str, points: list[str]) -> None:
    numbers = iter(range(1_000))
    async with prepared(tmp_path, database_url, "7 seconds" if "before_park" in points else "1 second") as scene:
        sent: list[int] = []
        for point in points:
            sent += [next(numbers) for _ in range(EVENTS)]
            await scene.killed_at(f"{point}:{(POINTS | PARKING)[point]}", sent)
        async with scene.engine():
            await ends_well(scene, sent)


async def test_stopped_for_a_while(tmp_path: Path, database_url: str) -> None:
    """A machine that sleeps: the process stands still at each point and goes on."""
    setting = ",".join(f"{point}:{count}:stop" for point, count in POINTS.items())
    async with prepared(tmp_path, database_url, "1 second") as scene, scene.engine(setting) as process:
        sending = asyncio.create_task(scene.send(range(EVENTS)))
        for stop in range(len(POINTS)):
            for _ in range(2_400):
                if stopped(process):
                    break
                await asyncio.sleep(0.05)
            assert stopped(process), f"only {stop} of {len(POINTS)} points were reached"
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.02)
        await sending
        await ends_well(scene, range(EVENTS))


async def test_broken_by_mistakes_of_ours(tmp_path: Path, database_url: str) -> None:
    """At each point something raises that nobody expects; the engine is then restarted, and nothing is lost by it."""
    setting = ",".join(f"{point}:{count}:raise" for point, count in POINTS.items())
    async with prepared(tmp_path, database_url, "1 second") as scene:
        async with scene.engine(setting) as process:
            await scene.send(range(EVENTS), seconds=6)
            await asyncio.sleep(3)
            if process.returncode is None:
                process.kill()
            scene.crashes += len(POINTS)
        async with scene.engine():
            await ends_well(scene, range(EVENTS))


async def ends_well(scene: Stage, numbers: Sequence[int]) -> None:
    """Every event has its run, every run has succeeded, and the checker finds every promise kept."""
    await scene.send(numbers)
    assert scene.acknowledged == set(numbers)
    statuses = await scene.settled(len(numbers))
    assert scene.broken_promises() == []
    assert statuses == ["succeeded"] * len(numbers)


@asynccontextmanager
async def prepared(folder: Path, database: str, wait: str) -> AsyncIterator[Stage]:
    """A stage with the flow that passes every point."""
    async with stage(folder, database) as scene:
        scene.write_flow("matrix", EVERYTHING.replace("wait: WAIT", f"wait: {wait}"))
        yield scene
