"""Real engines over both databases: one that lost its run writes nothing (G5), one that dies of an action again and again gives it
up (G7), and a call whose outcome nobody knows is not made again unless its author says so (G8).
"""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.acceptance.crash.database import rows
from tests.acceptance.crash.flows import FIRST_CALL
from tests.acceptance.crash.stage import Stage, gone, stage, stopped

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]

FLOW = (
    "flow: Two calls\n"
    + FIRST_CALL
    + """\
  - name: Deadly
    use: http.post
    with: { url: "WITNESS/ok/deadly-{{ trigger.number }}", body: {} }
    retry: { times: 3, wait: 1 second, on: [timeout], on_unknown: UNKNOWN }
  - name: Last
    use: http.post
    with: { url: "WITNESS/ok/last-{{ trigger.number }}", body: {} }
on_failure:
  - name: Tell
    use: http.post
    with: { url: "WITNESS/ok/{{ error.code }}-{{ trigger.number }}", body: {} }
"""
)


RETRIED = (
    "flow: A call that is tried again\n"
    + FIRST_CALL.replace("/ok/", "/500,ok/")
    + "    retry: { times: 3, wait: 2 seconds, on: [5xx] }\n"
)


def end_sessions(database: str) -> None:
    """Those that hold the engine's lock at PostgreSQL, as an engine that was away for too long loses its own."""
    rows(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )


def paths(scene: Stage) -> list[str]:
    return [call["path"] for call in scene.calls]


async def test_an_action_that_kills_the_engine_five_times_is_given_up(tmp_path: Path, database_url: str) -> None:
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("two-calls", FLOW.replace("UNKNOWN", "retry"))
        await scene.killed_at("after_http_response:2", [0])
        for _ in range(4):
            await scene.killed_at("after_http_response")
        async with scene.engine():
            assert await scene.settled(1) == ["failed"]
        ((error,),) = rows(database_url, "SELECT error FROM runs")
        told = json.loads(error)
        assert (told["code"], told["action"]) == ("recovery_exhausted", "deadly")
        assert rows(database_url, "SELECT path, status FROM actions ORDER BY number") == [
            ("first", "succeeded"),
            ("deadly", "failed"),
            ("last", "skipped"),
            ("on_failure/tell", "succeeded"),
        ]
        assert paths(scene) == ["/ok/first-0", *["/ok/deadly-0"] * 5, "/ok/recovery_exhausted-0"]
        assert scene.broken_promises() == []


@pytest.mark.parametrize(("on_unknown", "calls", "ends"), [("fail", 1, "failed"), ("retry", 2, "succeeded")])
async def test_a_call_that_was_under_way_at_the_kill(
    tmp_path: Path, database_url: str, on_unknown: str, calls: int, ends: str
) -> None:
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("two-calls", FLOW.replace("UNKNOWN", on_unknown))
        await scene.killed_at("after_http_response:2", [0])
        async with scene.engine():
            assert await scene.settled(1) == [ends]
        assert paths(scene).count("/ok/deadly-0") == calls
        ((error,),) = rows(database_url, "SELECT error FROM actions WHERE path = 'deadly'")
        assert (json.loads(error)["code"] if error else None) == ("outcome_unknown" if on_unknown == "fail" else None)
        assert scene.broken_promises() == []


async def test_an_engine_that_lost_its_runs_writes_nothing_more(tmp_path: Path, database_url: str) -> None:
    """It stands still in the middle of a call, as on a machine that sleeps; another engine takes over where it can."""
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("two-calls", FLOW.replace("UNKNOWN", "retry"))
        async with scene.engine("after_http_response:2:stop") as sleeper:
            sending = asyncio.create_task(scene.send([0]))
            while paths(scene) != ["/ok/first-0", "/ok/deadly-0"]:
                await asyncio.sleep(0.05)
            await sending
            if database_url.startswith("sqlite"):
                async with scene.engine() as second:
                    assert await gone(second, 20)
                    assert second.returncode == 3, "the file's lock is the process's: nobody takes over while it lives"
                sleeper.send_signal(signal.SIGCONT)
                assert await scene.settled(1) == ["succeeded"]
                assert paths(scene) == ["/ok/first-0", "/ok/deadly-0", "/ok/last-0"]
                return
            end_sessions(database_url)
            scene.crashes = 1
            async with scene.engine():
                assert await scene.settled(1) == ["succeeded"]
                before = rows(database_url, "SELECT epoch, status, finished_at FROM runs")
                sleeper.send_signal(signal.SIGCONT)
                assert await gone(sleeper, 30), "it ends, so that whoever looks after it may start it anew"
                assert sleeper.returncode == 3
                assert rows(database_url, "SELECT epoch, status, finished_at FROM runs") == before
        log = (tmp_path / "serve.log").read_text()
        assert "in use by the engine" in log or "another engine had the database" in log
        assert scene.broken_promises() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_engine_that_was_replaced_while_it_stood_still_calls_nobody_when_it_wakes(
    tmp_path: Path, database_url: str
) -> None:
    """Not even for the try that was due: before a request it makes sure that the database is still its own."""
    async with stage(tmp_path, database_url) as scene:
        scene.write_flow("retried", RETRIED)
        async with scene.engine("in_backoff:1:stop") as sleeper:
            sending = asyncio.create_task(scene.send([0]))
            while not stopped(sleeper):
                await asyncio.sleep(0.05)
            end_sessions(database_url)
            async with scene.engine():
                await sending
                assert await scene.settled(1) == ["succeeded"]
                assert paths(scene) == ["/500,ok/first-0"] * 2
                sleeper.send_signal(signal.SIGCONT)
                assert await gone(sleeper, 30)
                assert sleeper.returncode == 3
        assert paths(scene) == ["/500,ok/first-0"] * 2
        assert "broke" not in (tmp_path / "serve.log").read_text(), "that it lost the database is no mistake of its own"
