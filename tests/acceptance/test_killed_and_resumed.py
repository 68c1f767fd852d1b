"""The engine is killed with SIGKILL while 200 runs go on, three times; in the end each is done, and done once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from flowengine.sandbox.server import serve as serve_stand_in
from flowengine.store.lock import holder
from tests.fakes.stand_ins import connections_to

RUNS = 200
KILLS = 3
SENDERS = 16

FLOW = """\
flow: Three tickets for one event
trigger:
  webhook: { verify: none }
  dedupe: "{{ trigger.number }}"
max: 50
actions:
  - use: livechat.CreateTicket
    name: First
    with: { message: "{{ trigger.number }} first", requester: { mail: a@example.com } }
    save_as: first
  - use: livechat.CreateTicket
    name: Second
    with: { message: "{{ trigger.number }} second {{ first.id }}", requester: { mail: a@example.com } }
  - use: livechat.CreateTicket
    name: Third
    with: { message: "{{ trigger.number }} third", requester: { mail: a@example.com } }
"""


@asynccontextmanager
async def engine(project: Path):
    """`flowengine serve` in a process of its own; gives the process and its address once it is ready."""
    with (project / "serve.log").open("ab") as log:
        command = [sys.executable, "-m", "flowengine", "-C", str(project), "serve", "--port", "0"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, stderr=log)
    try:
        yield process, await address_of(project, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def address_of(project: Path, process: asyncio.subprocess.Process) -> str:
    """Where the engine answers, once it does."""
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(300):
            assert process.returncode is None, (project / "serve.log").read_text()
            told = holder(f"sqlite:///{project / '.flowengine' / 'flowengine.db'}") or {}
            if told.get("pid") == process.pid and told.get("url"):
                with suppress(httpx.TransportError):
                    if (await client.get(f"{told['url']}/readyz")).is_success:
                        return str(told["url"])
            await asyncio.sleep(0.05)
    raise AssertionError((project / "serve.log").read_text())


async def hook_of(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        flow = (await client.get(f"{url}/api/v1/flows/three")).json()["flow"]
    return str(httpx.URL(url).join(flow["triggers"][0]["address"]))


async def send_events(client: httpx.AsyncClient, hook: list[str], numbers: Iterator[int]) -> None:
    """What a careful sender does: the same event again until the engine says that it has it."""
    for number in numbers:
        while not await was_answered(client, hook[0], number):
            await asyncio.sleep(0.05)


async def was_answered(client: httpx.AsyncClient, hook: str, number: int) -> bool:
    try:
        return (await client.post(hook, json={"number": number})).is_success
    except httpx.TransportError:
        return False


async def all_runs(client: httpx.AsyncClient, url: str) -> list[dict]:
    runs: list[dict] = []
    query = {"limit": "200"}
    while True:
        page = (await client.get(f"{url}/api/v1/runs", params=query)).json()
        runs += page["runs"]
        if not page["next"]:
            return runs
        query["before"] = page["next"]


@pytest.mark.crash
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections cut by a kill
async def test_every_run_is_finished_and_no_finished_action_is_repeated(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("KILL_SEED", "7"))
    async with serve_stand_in("livechat") as service:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(f"{service.control_url}/limits", json={"calls": 1_000_000})
        project = write_project(tmp_path, service)
        hook = [""]
        numbers = iter(range(RUNS))
        senders: list[asyncio.Task[None]] = []
        async with httpx.AsyncClient(trust_env=False) as sender:
            for kill in range(KILLS):
                async with engine(project) as (process, url):
                    hook[0] = await hook_of(url)
                    if not senders:
                        senders = [asyncio.create_task(send_events(sender, hook, numbers)) for _ in range(SENDERS)]
                    await asyncio.sleep(chance.uniform(0.1, 0.4) * (kill + 1))
                    process.send_signal(signal.SIGKILL)
            async with engine(project) as (_, url):
                hook[0] = await hook_of(url)
                await asyncio.gather(*senders)
                runs = await all_finished(sender, url)
                assert Counter(run["status"] for run in runs) == {"succeeded": RUNS}
                await nothing_finished_was_repeated(sender, service, url, runs)


async def all_finished(client: httpx.AsyncClient, url: str) -> list[dict]:
    for _ in range(600):
        runs = await all_runs(client, url)
        if len(runs) >= RUNS and all(run["finished_at"] for run in runs):
            break
        await asyncio.sleep(0.1)
    return runs


async def nothing_finished_was_repeated(client: httpx.AsyncClient, service, url: str, runs: list[dict]) -> None:
    """A kill may repeat the call that a run had in flight, never one whose answer was on record.

    The second call carries the first ticket's number as it was recorded: were a finished first call made again, there would
    be a second call with another number.
    """
    details = [(await client.get(f"{url}/api/v1/runs/{run['id']}")).json()["run"] for run in runs]
    actions = [action for run in details for action in run["actions"]]
    assert Counter(action["status"] for action in actions) == {"succeeded": 3 * RUNS}

    seen = (await client.get(f"{service.control_url}/requests")).json()["requests"]
    calls = Counter(request["body"]["message"] for request in seen if request["method"] == "POST")
    assert len(calls) == 3 * RUNS
    again_by_event: Counter[str] = Counter()
    for message, count in calls.items():
        again_by_event[message.split()[0]] += count - 1
    assert max(again_by_event.values()) <= KILLS


def write_project(folder: Path, service) -> Path:
    (folder / "flows").mkdir()
    (folder / "flows" / "three.yaml").write_text(FLOW)
    limits = {"calls": 1_000_000, "period": "1 second"}
    (folder / "connections.yaml").write_text(connections_to(service, limits=limits))
    return folder
