"""Polls, schedules and modes in a real engine that is killed: nothing is lost, nothing is met twice, and limits hold."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import create_engine, text

from tests.acceptance.crash.checker import Evidence, violations
from tests.acceptance.crash.stage import Stage, free_port, gone, stage

pytestmark = [
    pytest.mark.crash,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HOOK = "flow: Unused\ntrigger: {webhook: {verify: none}}\nactions: [{log: hello}]\n"
"""The stage knows by an open webhook that its engine is ready."""


def rows(database: str, sql: str) -> list[tuple]:
    engine = create_engine(database)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(sql))]
    engine.dispose()
    return found


async def until_there(database: str, sql: str, count: int, *, seconds: float = 60) -> list[tuple]:
    async with asyncio.timeout(seconds):
        while len(found := await asyncio.to_thread(rows, database, sql)) < count:
            await asyncio.sleep(0.2)
    return found


async def killed_at(scene: Stage, point: str) -> None:
    async with scene.engine(point) as process:
        assert await gone(process, 90), f"{point} was never reached"
        assert process.returncode == -signal.SIGKILL
    scene.crashes += 1


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
            await killed_at(scene, point)
        items += [{"id": f"last-{number}", "at": len(items) // 2} for number in range(5)]
        done = "SELECT events.body FROM runs JOIN events ON events.id = event_id WHERE runs.status = 'succeeded'"
        async with scene.engine():
            found = await until_there(database_url, done, len(items))
            await asyncio.sleep(2.5)  # it goes on asking, and finds nothing new
        found = rows(database_url, done)
        assert sorted(json.loads(bytes(body))["id"] for (body,) in found) == sorted(item["id"] for item in items)
        assert violations(Evidence(database_url, scene.witness_file, frozenset(), scene.crashes)) == []


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
        move_back(database_url, before - 7 * MINUTE)
        for point in ("schedule_due", "before_event_commit", "after_event_commit", "before_run_finish"):
            await killed_at(scene, point)
        times = "SELECT events.body FROM runs JOIN events ON events.id = event_id WHERE runs.status = 'succeeded' AND runs.flow = 'tick'"
        async with scene.engine():
            await until_there(database_url, times, 7)
            statuses = {status for (status,) in rows(database_url, "SELECT status FROM runs")}
        due = sorted(json.loads(bytes(body))["scheduled_at"] for (body,) in rows(database_url, times))
        assert statuses <= {"succeeded", "queued", "running"}
        assert len(due) == len(set(due)) >= 7
        ((last,),) = rows(database_url, "SELECT settled_at FROM schedules WHERE flow = 'tick'")
        assert len(due) == (last - (before - 7 * MINUTE)) // MINUTE, "every minute up to the last that is settled"
        assert violations(Evidence(database_url, scene.witness_file, frozenset(), scene.crashes)) == []


def move_back(database: str, settled: int) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE schedules SET settled_at = :settled WHERE flow = 'tick'"), {"settled": settled})
    engine.dispose()


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
            async with scene.engine(point) as process:
                sending = asyncio.create_task(scene.send(range(first, first + EVENTS // 2)))
                assert await gone(process, 60), f"{point} was never reached"
                scene.hushed = True
                await sending
                scene.hushed, scene.crashes = False, scene.crashes + 1
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
    changes = [
        (at, change, lane) for lane, began, ended in rows(database, sql) for at, change in ((began, 1), (ended, -1))
    ]
    going: Counter[str] = Counter()
    for _, change, lane in sorted(changes):
        going[lane] += change
        assert going[lane] <= most
