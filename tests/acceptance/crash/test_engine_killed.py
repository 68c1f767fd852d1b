"""The engine is killed at its durable points, again and again; then what was promised is compared with what happened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from flowengine.store import Store

RUNS = 40
ROOT = Path(__file__).parents[3]
POINTS = [
    "before_http_request:7",
    "after_http_response:30",
    "before_record_commit:11",
    "after_record_commit:45",
    "before_run_finish:3",
    "after_run_finish:9",
    "in_wait:5",
]
pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]


def start(url: str, folder: Path, failpoint: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.fakes.killed_engine", url, str(folder), str(RUNS), failpoint]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def end(process: subprocess.Popen[bytes]) -> int:
    _, told = process.communicate(timeout=60)
    assert b"Traceback" not in told, told.decode()
    return process.returncode


async def check(url: str, folder: Path, crashes: int) -> None:
    """Nothing acknowledged is lost, nothing finished is repeated, a crash adds one call of each run at most (G1 to G4)."""
    calls = [line.split() for line in (folder / "witness").read_text().splitlines()]
    counted = Counter((run, path) for run, path, _ in calls)
    async with Store.open(url, write=False) as store:
        runs = await store.runs.list(limit=RUNS * 2)
        assert len(runs) == RUNS
        assert {str(run.status) for run in runs} == {"succeeded"}
        assert set((folder / "acknowledged").read_text().split()) <= {run.id for run in runs}
        assert await store.runs.unfinished() == []
        for run in runs:
            actions = [action for action in await store.runs.actions(run.id) if action.kind == "use"]
            assert len(actions) == 3
            extra = sum(counted[run.id, "/".join(map(str, action.path))] - 1 for action in actions)
            assert 0 <= extra <= crashes
    assert len(counted) == RUNS * 3
    assert all(key == f"{run}:{path}" for run, path, key in calls)


@pytest.mark.parametrize("failpoint", POINTS)
async def test_killed_at_a_durable_point(tmp_path, failpoint):
    url = f"sqlite:///{tmp_path / 'flowengine.db'}"
    assert end(start(url, tmp_path, failpoint)) == -signal.SIGKILL
    assert end(start(url, tmp_path)) == 0
    await check(url, tmp_path, crashes=1)


async def test_killed_at_random_moments(tmp_path):
    url = f"sqlite:///{tmp_path / 'flowengine.db'}"
    chance, crashes = random.Random(7), 0
    for _ in range(4):
        process = start(url, tmp_path)
        time.sleep(0.7 + chance.random() * 0.3)
        process.kill()
        crashes += end(process) == -signal.SIGKILL
    assert end(start(url, tmp_path)) == 0
    await check(url, tmp_path, crashes)
