"""The power is cut at hundreds of moments: whatever the disk may have kept, what was told to anybody is there.

`kill -9` leaves the operating system alive, which then writes what it was given. Here everything that the engine does to its
database's folder is on record (`tests/fakes/disk_log.c`), and images are made of what a disk could hold at a moment
(`tests/fakes/power_cut.py`). The last tests see that this finds what a database without durable commits loses.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import json
import random
import shutil
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from flowengine.store import Store
from tests.acceptance.crash.flows import TWO_CALLS
from tests.acceptance.crash.stage import Stage, stage
from tests.fakes import power_cut

EVENTS = 30
AT_RANDOM = 120
"""Cuts at moments that nothing singles out."""

FLOW = TWO_CALLS.replace("/ok/last", "/slow/last")
CARELESS = Path(__file__).parents[2] / "fakes" / "careless_engine.py"

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


@dataclass
class Recorded:
    """A life of the engine: what it did to its files, and what it told when (seconds of `time.monotonic`)."""

    done: list[power_cut.Done]
    events: dict[int, float]
    """When each event had been answered with success."""
    calls: dict[str, float]
    """When each call had come to the service, by its idempotency key."""
    ended: dict[str, float]
    """When it had been shown that a run has succeeded."""
    key: bytes
    witness: list[dict] = field(default_factory=list)

    def moments(self, chance: random.Random) -> list[int]:
        """Before which record the power is cut: soon after everything that was told, and at random."""
        at = [done.at for done in self.done]
        told = [*self.events.values(), *self.calls.values(), *self.ended.values()]
        singled_out = {bisect.bisect_right(at, moment) for moment in told}
        return sorted(singled_out | {chance.randrange(len(at) + 1) for _ in range(AT_RANDOM)})

    def missing(self, folder: Path, cut: float) -> list[str]:
        """What had been told before the cut and is not in this folder's database."""
        runs, finished = {}, set()
        with contextlib.closing(sqlite3.connect(folder / "flowengine.db")) as database:
            damage = database.execute("PRAGMA integrity_check").fetchone()[0]
            if damage != "ok":
                return [f"the database is damaged: {damage}"]
            for run, status, body in database.execute(
                "SELECT runs.id, runs.status, events.body FROM runs JOIN events ON events.id = runs.event_id"
            ):
                runs[run] = (json.loads(body)["number"], status)
            for run, path in database.execute("SELECT run_id, path FROM actions WHERE status = 'succeeded'"):
                finished.add(f"{run}:{path}")
        stored = {number for number, _ in runs.values()}
        lost = [f"event {number}" for number, at in self.events.items() if at < cut and number not in stored]
        for key, at in self.calls.items():
            run, _, path = key.partition(":")
            if at < cut and path == "last" and f"{run}:first" not in finished:
                lost.append(f"the end of first in {run}, which last was called after")
        lost += [
            f"the end of {run}"
            for run, at in self.ended.items()
            if at < cut and runs.get(run, (0, ""))[1] != "succeeded"
        ]
        if self.events and cut > min(self.events.values()) and read_or_nothing(folder / "key") != self.key:
            lost.append("the key, and with it the webhook's address")
        return lost


def read_or_nothing(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


@contextlib.asynccontextmanager
async def watched(folder: Path, events: int = EVENTS, program: list[str] | None = None):
    """A stage whose engine has lived and died, and the record of its life."""
    shim = power_cut.compiled(folder)
    if shim is None:
        pytest.skip("needs a C compiler")
    state, log = folder / "state", folder / "disk.log"
    state.mkdir()
    async with stage(folder, f"sqlite:///{state / 'flowengine.db'}") as scene:
        scene.write_flow("two-calls", FLOW)
        scene.environ = {"LD_PRELOAD": str(shim), "DISK_LOG": str(log), "DISK_LOG_FOLDER": str(state)}
        scene.environ["FLOWENGINE_KEY_FILE"] = str(state / "key")
        scene.program = program or scene.program
        async with scene.engine():
            answered, ended = await told_by(scene, events)
            key = (state / "key").read_bytes()
        lines = scene.calls
        behind = time.time() - time.monotonic()
        calls: dict[str, float] = {}
        for line in lines:
            calls.setdefault(line["key"], line["at"] - behind)
        yield scene, Recorded(power_cut.read(log), answered, calls, ended, key, lines)


async def told_by(scene: Stage, events: int) -> tuple[dict[int, float], dict[str, float]]:
    """Send events a few at a time; when each was answered, and when each run's end was seen."""
    answered: dict[int, float] = {}
    ended: dict[str, float] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:

        async def send(numbers: range) -> None:
            for number in numbers:
                (await client.post(scene.hook, json={"number": number})).raise_for_status()
                answered[number] = time.monotonic()
                await asyncio.sleep(0.02)

        async def look() -> None:
            while len(ended) < events:
                runs = (await client.get(f"{scene.url}/api/v1/runs", params={"limit": "500"})).json()["runs"]
                seen = time.monotonic()
                ended.update(
                    {run["id"]: seen for run in runs if run["status"] == "succeeded" and run["id"] not in ended}
                )
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as group:
            for first in range(3):
                group.create_task(send(range(first, events, 3)))
            group.create_task(look())
    return answered, ended


def images(recorded: Recorded, into: Path, chance: random.Random):
    """The folders that cuts leave behind, with the time of each cut; the next takes the place of the last."""
    disk, taken = power_cut.Disk(), 0
    for count, moment in enumerate(recorded.moments(chance)):
        for done in recorded.done[taken:moment]:
            disk.take(done)
        taken = moment
        cut = recorded.done[moment].at if moment < len(recorded.done) else float("inf")
        kept = power_cut.WAYS[count % len(power_cut.WAYS)]
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        for name, content in disk.left_by_a_cut(kept, chance).items():
            if not name.endswith(("-shm", ".lock", ".ballast")):
                (into / name).write_bytes(content)
        yield cut, f"cut before {moment} of {len(recorded.done)}, kept: {kept}"


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_told_is_there_whenever_the_power_is_cut(tmp_path: Path, seed: int) -> None:
    looked_at = 0
    async with watched(tmp_path) as (_, recorded):
        assert len([done for done in recorded.done if done.kind == "E"]) > EVENTS
        image = tmp_path / "image"
        for cut, told in images(recorded, image, random.Random(seed)):
            async with Store.open(f"sqlite:///{image / 'flowengine.db'}", write=True) as store:
                assert await store.runs.unfinished() is not None
            assert recorded.missing(image, cut) == [], told
            looked_at += 1
    assert looked_at > AT_RANDOM


async def test_an_engine_that_starts_after_the_cut_keeps_every_promise(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    async with watched(tmp_path / "before") as (_, recorded):
        left = list(images(recorded, tmp_path / "counted", random.Random(3)))
        wanted = {len(left) // 4, len(left) // 2, len(left) * 3 // 4}
        for number, (cut, told) in enumerate(images(recorded, tmp_path / "image", random.Random(3))):
            if number in wanted:
                folder = tmp_path / f"after-{number}"
                (folder / "state").parent.mkdir()
                shutil.copytree(tmp_path / "image", folder / "state")
                assert await goes_on(folder, recorded, cut) == [], told


async def goes_on(folder: Path, recorded: Recorded, cut: float) -> list[str]:
    """Start on what the cut left; what is not as promised when all is done."""
    behind = time.time() - time.monotonic()
    async with stage(folder, f"sqlite:///{folder / 'state' / 'flowengine.db'}") as scene:
        with scene.witness_file.open("a") as file:
            for line in recorded.witness:
                if line["at"] - behind < cut:
                    file.write(json.dumps(line) + "\n")
        scene.write_flow("two-calls", FLOW)
        scene.acknowledged = {number for number, at in recorded.events.items() if at < cut}
        scene.crashes = 1
        scene.environ["FLOWENGINE_KEY_FILE"] = str(folder / "state" / "key")
        async with scene.engine():
            await scene.send(range(EVENTS))
            statuses = await scene.settled(EVENTS)
        assert statuses == ["succeeded"] * EVENTS
        return scene.broken_promises()


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
async def test_a_database_that_only_says_it_is_durable_is_found_out(tmp_path: Path, synchronous: str) -> None:
    lost = []
    async with watched(tmp_path, program=[str(CARELESS), synchronous]) as (_, recorded):
        for cut, _ in images(recorded, tmp_path / "image", random.Random(1)):
            try:
                lost += recorded.missing(tmp_path / "image", cut)
            except sqlite3.DatabaseError as error:
                lost.append(str(error))
    assert len(lost) > EVENTS
    assert any("event" in each for each in lost)
