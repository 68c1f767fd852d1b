"""A project, a witness and an engine to be killed: real processes, put up and taken down by the crash tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import socket

import httpx

from flowengine.store.lock import holder
from tests.acceptance.crash.checker import Evidence, violations

HERE = Path(__file__).parent

PATIENCE = 120.0
"""Seconds that anything may take that must come: engines begin in one, and in thirty where the machine has much else to do."""


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """What stays while engines come and go."""

    def __init__(self, folder: Path, database: str, witness_port: int) -> None:
        self.folder = folder
        self.database = database
        self.witness_url = f"http://127.0.0.1:{witness_port}"
        self.witness_file = folder / "witness.jsonl"
        self.acknowledged: set[int] = set()
        self.hook = ""
        self.crashes = 0
        self.hushed = False
        """Whether senders are to give up after what they have under way."""
        self.patience = 30.0
        """Seconds within which an engine has to be ready."""
        self.program = ["-m", "flowengine"]
        self.environ: dict[str, str] = {}
        """What the engine's process gets beside the test's own variables."""

    def write_flow(self, name: str, text: str) -> None:
        (self.folder / "flows" / f"{name}.yaml").write_text(text.replace("WITNESS", self.witness_url))

    @asynccontextmanager
    async def engine(self, failpoint: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        """`flowengine serve`, ready; killed at the end if it still runs."""
        environ = {**os.environ, "FLOWENGINE_DATABASE_URL": self.database, "FLOWENGINE_FAILPOINT": failpoint}
        environ |= self.environ
        command = [sys.executable, *self.program, "-C", str(self.folder), "serve", "--port", "0"]
        with (self.folder / "serve.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=log, stderr=log)
        try:
            await self.ready(process)
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()

    async def killed_at(self, point: str, numbers: Iterable[int] = ()) -> None:
        """An engine that dies at this failpoint while events come in; who sends them gives up once it is gone."""
        async with self.engine(point) as process:
            sending = asyncio.create_task(self.send(numbers))
            assert await gone(process), f"{point} was never reached"
            assert process.returncode == -signal.SIGKILL
        self.crashes += 1
        self.hushed = True
        await sending
        self.hushed = False

    @property
    def calls(self) -> list[dict]:
        """Every call that came to the witness, in order."""
        return [json.loads(line) for line in self.witness_file.read_text().splitlines()]

    def broken_promises(self) -> list[str]:
        """What was promised to whoever sent events, and is not so."""
        return violations(Evidence(self.database, self.witness_file, frozenset(self.acknowledged), self.crashes))

    async def ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait until the engine answers, or has died at its failpoint."""
        async with httpx.AsyncClient(trust_env=False) as client:
            until = time.monotonic() + self.patience
            while process.returncode is None and time.monotonic() < until:
                told = await asyncio.to_thread(holder, self.database) or {}
                if told.get("pid") == process.pid and told.get("url"):
                    with suppress(httpx.TransportError):
                        self.url = str(told["url"])
                        flows = (await client.get(f"{self.url}/api/v1/flows", timeout=2)).json()["flows"]
                        addresses = [t["address"] for flow in flows for t in flow["triggers"] if t["kind"] == "webhook"]
                        if addresses and addresses[0]:
                            self.hook = addresses[0]
                            return
                await asyncio.sleep(0.05)
        if process.returncode is None:
            raise AssertionError((self.folder / "serve.log").read_text()[-4000:])

    async def send(self, numbers: Iterable[int], *, seconds: float = PATIENCE) -> None:
        """Post each event until it is answered with success; what is answered is remembered."""
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            until = time.monotonic() + seconds
            waiting = set(numbers) - self.acknowledged
            while waiting and not self.hushed and time.monotonic() < until:
                taken = await asyncio.gather(*(self._post(client, number) for number in sorted(waiting)))
                waiting -= set(taken)
                if waiting:
                    await asyncio.sleep(0.1)

    async def _post(self, client: httpx.AsyncClient, number: int) -> int | None:
        try:
            answer = await client.post(self.hook, json={"number": number})
        except httpx.HTTPError:
            return None
        if not answer.is_success:
            return None
        self.acknowledged.add(number)
        return number

    async def settled(self, runs: int, *, seconds: float = PATIENCE) -> list[str]:
        """The statuses of all runs once there are so many and none is unfinished."""
        statuses: list[str] = []
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                statuses = await self._statuses(client)
                if len(statuses) >= runs and not {"queued", "running", "waiting"} & set(statuses):
                    break
                await asyncio.sleep(0.1 + len(statuses) / 1000)
        return statuses

    async def _statuses(self, client: httpx.AsyncClient) -> list[str]:
        found: list[str] = []
        query = {"limit": "500"}
        while True:
            page = (await client.get(f"{self.url}/api/v1/runs", params=query)).json()
            found += [run["status"] for run in page["runs"] if run["trigger"]["kind"] == "webhook"]
            if not page["next"]:
                return found
            query["before"] = page["next"]


@asynccontextmanager
async def stage(folder: Path, database: str | None = None) -> AsyncIterator[Stage]:
    """A project folder and its witness."""
    (folder / "flows").mkdir()
    (folder / "flowengine.toml").write_text("allow_private_network = true\n")
    port = free_port()
    set_up = Stage(folder, database or f"sqlite:///{folder / 'flowengine.db'}", port)
    set_up.witness_file.touch()
    witness = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "witness.py"), str(port), str(set_up.witness_file)
    )
    try:
        yield set_up
    finally:
        witness.kill()
        await witness.wait()


async def gone(process: asyncio.subprocess.Process, seconds: float = PATIENCE) -> bool:
    """Whether the process ends within that time."""
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return False
    return True


def stopped(process: asyncio.subprocess.Process) -> bool:
    """Whether the process stands still (SIGSTOP)."""
    with suppress(OSError):
        return "\nState:\tT" in Path(f"/proc/{process.pid}/status").read_text()
    return False
