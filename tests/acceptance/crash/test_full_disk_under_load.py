"""The disk fills up at each durable point of a real engine: what was answered is there, what is under way ends, nothing new is
promised, and all goes on by itself when there is room again.

The disk is a small one of its own where this user may mount one. Everywhere: a limit to the size of the files that the process may
write, which its database meets as it meets a full disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.crash.flows import EVERYTHING
from tests.acceptance.crash.stage import Stage, gone, stage, stopped

ROOM = 24_000_000
EVENTS = 5
POINTS = {
    "before_event_commit": 4,
    "after_http_response": 9,
    "before_record_commit": 12,
    "before_run_finish": 3,
}

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextlib.asynccontextmanager
async def full(place: Path) -> AsyncIterator[None]:
    """Not a byte is free, whatever is given up meanwhile."""

    async def keep_filling() -> None:
        while True:
            with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(65_536) if room(place) > 65_536 else b"\0")
            await asyncio.sleep(0.02)

    filler = place / "filler"
    filling = asyncio.create_task(keep_filling())
    while room(place):
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        filling.cancel()
        filler.unlink()


def room(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


@contextlib.asynccontextmanager
async def limited(process: asyncio.subprocess.Process, database: Path) -> AsyncIterator[None]:
    """No file of the engine and what it started may grow beyond what the database's log has now."""
    size = (database.with_name(database.name + "-wal")).stat().st_size
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    family = {process.pid, *(int(child) for thread in threads for child in (thread / "children").read_text().split())}
    for one in family:
        resource.prlimit(one, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for one in family:
            resource.prlimit(one, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def refused(scene: Stage) -> None:
    """New events are turned away in clear words, and whoever looks after the engine is told."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        for _ in range(100):
            answer = await client.post(scene.hook, json={"number": 9_000, "filling": "x" * 300_000})
            if answer.status_code == 503:
                break
            await asyncio.sleep(0.05)
        assert answer.status_code == 503, "the disk is full, and the event was taken in"
        told = answer.json()["error"]["message"]
        assert "full" in told or "disk I/O error" in told
        assert answer.headers["retry-after"]
        ready = await client.get(f"{scene.url}/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["trouble"]) == (503, False, told)
        assert "flowengine_database_writable 0" in (await client.get(f"{scene.url}/metrics")).text
        assert (await client.get(f"{scene.url}/api/v1/runs")).status_code == 200, "reading goes on"


async def ready_again(scene: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client, asyncio.timeout(20):
        while (await client.get(f"{scene.url}/readyz")).status_code != 200:
            await asyncio.sleep(0.1)


async def doctor(scene: Stage) -> str:
    command = [sys.executable, "-m", "flowengine", "-C", str(scene.folder), "doctor"]
    environ = {**os.environ, "FLOWENGINE_DATABASE_URL": scene.database, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=subprocess.PIPE)
    told, _ = await process.communicate()
    return told.decode()


@contextlib.asynccontextmanager
async def struck(scene: Stage, process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """The engine stands still at its next point; it goes on at the end."""
    async with asyncio.timeout(60):
        while not stopped(process):
            await asyncio.sleep(0.02)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def through(points: dict[str, int], scene: Stage, fill, database: Path) -> None:
    """One engine after another, each struck at its point; none of them dies of it."""
    for number, (point, count) in enumerate(points.items()):
        events = range(number * EVENTS, (number + 1) * EVENTS)
        async with scene.engine(f"{point}:{count}:stop") as process:
            sending = asyncio.create_task(scene.send(events))
            async with contextlib.AsyncExitStack() as stack:
                async with struck(scene, process):
                    await stack.enter_async_context(fill(process))
                await refused(scene)
                assert not database.with_name(database.name + ".ballast").exists()
                if number == 0:
                    assert "is not ready" in await doctor(scene)
            await ready_again(scene)
            await sending
            assert scene.acknowledged >= set(events)
            assert set(await scene.settled(len(scene.acknowledged))) == {"succeeded"}, point
            process.terminate()
            assert await gone(process)
    assert scene.broken_promises() == []


async def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    database = small_disk / "flowengine.db"
    async with stage(tmp_path, f"sqlite:///{database}") as scene:
        scene.write_flow("matrix", EVERYTHING.replace("wait: WAIT", "wait: 1 second"))
        await through(POINTS, scene, lambda _: full(small_disk), database)
        assert database.with_name(database.name + ".ballast").exists()


async def test_files_that_may_not_grow(tmp_path: Path) -> None:
    database = tmp_path / "flowengine.db"
    async with stage(tmp_path, f"sqlite:///{database}") as scene:
        scene.write_flow("matrix", EVERYTHING.replace("wait: WAIT", "wait: 1 second"))
        await through({"before_record_commit": 12}, scene, lambda process: limited(process, database), database)
