"""Polls, schedules and modes in a real engine that is killed: nothing is lost, nothing is met twice, and limits hold."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from tests.acceptance.crash.database import change, rows
from tests.acceptance.crash.stage import free_port, stage

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HOOK = "flow: Unused\ntrigger: {webhook: {verify: none}}\nactions: [{log: hello}]\n"
"""The stage knows by an open webhook that its engine is ready."""


async def until_there(database: str, sql: str, count: int, *, seconds: float = 60) -> list[tuple]:
    async with asyncio.timeout(seconds):
        while len(found := await asyncio.to_thread(rows, database, sql)) < count:
            await asyncio.sleep(0.2)
    return found


# Polls

POLL = """\
flow: Watch
trigger:
  poll: http.get
  every: 1 second
  with: { url: "LIST/items?since={{ cursor | default(0, true) }}" }
  items: "{{ body.items }}"
  cursor: "{{ item.at }}"
actions:
  - name: Call
    use: http.post
    with: { url: "WITNESS/ok/item-{{ trigger.id }}", body: {} }
"""


@contextlib.asynccontextmanager
async def growing_list(port: int) -> AsyncIterator[list[dict]]:
    """A service with a list that the test lets grow; it shows the items from where it is asked to."""
    items: list[dict] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        since = int(head.split("since=")[1].split(" ")[0])
        body = orjson.dumps({"items": [item for item in items if item["at"] >= since]})
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield items


@pytest.mark.parametrize(
    "points",
    [["after_poll_answer", "before_event_commit", "after_event_commit", "after_record_commit"]],
    ids=["polls"],
)
async def test_each_item_of_a_poll_has_one_run(tmp_path: Path, database_url: str, points: list[str]) -> None:
    port = free_port()
    async with stage(tmp_path, database_url) as scene, growing_list(port) as items:
        scene.write_flow("a-hook", HOOK)
        scene.write_flow("watch", POLL.replace("LIST", f"http://127.0.0.1:{port}"))
        for point in points:
            items += [{"id": f"{point}-{number}", "at": len(items) // 2} for number in range(5)]
            await scene.killed_at(point)
        items += [{"id": f"last-{number}", "at": len(items) // 2} for number in range(5)]
        done = "SELECT events.body FROM runs JOIN events ON events.id = event_id WHERE runs.status = 'succeeded'"
        async with scene.engine():
            found = await until_there(database_url, done, len(items))
            await asyncio.sleep(2.5)  # it goes on asking, and finds nothing new
        found = rows(database_url, done)
        assert sorted(json.loads(bytes(body))["id"] for (body,) in found) == sorted(item["id"] for item in items)
        assert scene.broken_promises() == []


# Schedules

TICK = """\
flow: Tick
trigger: { schedule: every 1 minute, if_missed: run_all }
actions:
  - name: Call
    use: http.post
    with: { url: "WITNESS/ok/tick", body: {} }
"""
MINUTE = 60_000_000


async def test_no_time_of_a_schedule_is_lost_or_met_twice(tmp_path: Path, database_url: str) -> None:
    """The schedule was settled some minutes ago: those are due at each start, until they are committed."""
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("a-hook", HOOK)
        scene.write_flow("tick", TICK)
        async with scene.engine():
            await until_there(database_url, "SELECT settled_at FROM schedules WHERE flow = 'tick'", 1)
        ((settled,),) = rows(database_url, "SELECT settled_at FROM schedules WHERE flow = 'tick'")
        before = settled // MINUTE * MINUTE
        change(database_url, f"UPDATE schedules SET settled_at = {before - 7 * MINUTE} WHERE flow = 'tick'")
        for point in ("schedule_due", "before_event_commit", "after_event_commit", "before_run_finish"):
            await scene.killed_at(point)
        times = "SELECT events.body FROM runs JOIN events ON events.id = event_id WHERE runs.status = 'succeeded' AND runs.flow = 'tick'"
        async with scene.engine():
            await until_there(database_url, times, 7)
            statuses = {status for (status,) in rows(database_url, "SELECT status FROM runs")}
        due = sorted(json.loads(bytes(body))["scheduled_at"] for (body,) in rows(database_url, times))
        assert statuses <= {"succeeded", "queued", "running"}
        assert len(due) == len(set(due)) >= 7
        ((last,),) = rows(database_url, "SELECT settled_at FROM schedules WHERE flow = 'tick'")
        assert len(due) == (last - (before - 7 * MINUTE)) // MINUTE, "every minute up to the last that is settled"
        assert scene.broken_promises() == []


# Modes

LANE = """\
flow: Lane
MODE
per: "{{ trigger.number % 2 }}"
trigger:
  webhook: { verify: none }
  dedupe: "{{ trigger.number }}"
actions:
  - name: Begin
    use: http.post
    with: { url: "WITNESS/slow/begin-{{ trigger.number % 2 }}-{{ trigger.number }}", body: {} }
  - name: End
    use: http.post
    with: { url: "WITNESS/ok/end-{{ trigger.number % 2 }}-{{ trigger.number }}", body: {} }
"""
EVENTS = 16


@pytest.mark.parametrize(
    ("mode", "most"), [("mode: parallel\nmax: 2", 2), ("mode: queued", 1), ("mode: single", 1), ("mode: restart", 1)]
)
async def test_limits_hold_through_kills(tmp_path: Path, database_url: str, mode: str, most: int) -> None:
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("lane", LANE.replace("MODE", mode))
        for first, point in ((0, "after_http_response:3"), (EVENTS // 2, "before_run_finish:2")):
            await scene.killed_at(point, range(first, first + EVENTS // 2))
        async with scene.engine():
            await scene.send(range(EVENTS))
            await until_there(database_url, "SELECT 1 FROM runs WHERE finished_at IS NOT NULL", 1)
            async with asyncio.timeout(60):
                while rows(database_url, "SELECT 1 FROM runs WHERE finished_at IS NULL"):
                    await asyncio.sleep(0.1)
        assert scene.acknowledged == set(range(EVENTS))
        statuses = Counter(status for (status,) in rows(database_url, "SELECT status FROM runs"))
        dropped = len(rows(database_url, "SELECT 1 FROM events WHERE disposition = 'dropped'"))
        held_back(database_url, most)
        match mode:
            case "mode: single":
                assert set(statuses) == {"succeeded"}
                assert statuses["succeeded"] + dropped >= EVENTS
            case "mode: restart":
                assert set(statuses) <= {"succeeded", "cancelled"}
                assert statuses.total() == EVENTS
                assert statuses["succeeded"] >= 2, "the newest of each lane"
            case _:
                assert statuses == {"succeeded": EVENTS}


def held_back(database: str, most: int) -> None:
    """Of each lane so many runs at most were going at any time, from their first beginning to their end."""
    sql = "SELECT lane_key, started_at, finished_at FROM runs WHERE started_at IS NOT NULL"
    steps = [(at, step, lane) for lane, began, ended in rows(database, sql) for at, step in ((began, 1), (ended, -1))]
    going: Counter[str] = Counter()
    for _, step, lane in sorted(steps):
        going[lane] += step
        assert going[lane] <= most
