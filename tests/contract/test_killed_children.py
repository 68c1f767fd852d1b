"""The processes that render templates are killed from outside: another computes what they were asked. And their engine is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowengine.config import Limits
from flowengine.errors import ExpressionError
from flowengine.expressions import pool, wire
from flowengine.expressions.evaluate import default

LOOP = "{% for i in range(3) %}{{ x }}{% endfor %}"
LONG = "{% for i in range(900) %}{% for j in range(10000) %}{% endfor %}{% endfor %}done"
"""Computes for a good part of a second."""
PATIENT = Limits(template_seconds=20, template_memory=100_000_000)


@pytest.fixture
def asked(monkeypatch) -> asyncio.Queue[int]:
    """The processes that are asked something, as it happens."""
    queue: asyncio.Queue[int] = asyncio.Queue()
    ask = pool._Child.ask

    async def ask_and_tell(child, request, seconds):
        queue.put_nowait(child.process.pid)
        return await ask(child, request, seconds)

    monkeypatch.setattr(pool._Child, "ask", ask_and_tell)
    return queue


async def kill_at_work(asked: asyncio.Queue[int], times: int) -> None:
    """Kill so many children, one after the other, each in the midst of its work."""
    for _ in range(times):
        pid = await asked.get()
        await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)


async def test_idle_children_that_were_killed_fail_nothing(asked):
    async with default(PATIENT) as evaluator:
        assert await asyncio.gather(*(evaluator.render(LOOP, {"x": n}) for n in range(3))) == ["000", "111", "222"]
        while not asked.empty():
            os.kill(asked.get_nowait(), signal.SIGKILL)
        assert await asyncio.gather(*(evaluator.render(LOOP, {"x": n}) for n in range(6))) == [
            str(n) * 3 for n in range(6)
        ]


@pytest.mark.parametrize("times", [1, 2])
async def test_what_a_killed_child_was_asked_is_asked_of_another(asked, times, caplog):
    async with default(PATIENT) as evaluator:
        rendered, _ = await asyncio.gather(evaluator.render({"a": LONG}, {}), kill_at_work(asked, times))
    assert rendered == {"a": "done"}
    assert [record.getMessage() for record in caplog.records] == [
        f"a process that renders templates was killed at its work, try {number} of 3" for number in range(1, times + 1)
    ]


async def test_a_template_whose_children_are_killed_each_time_is_told_what_is_known(asked):
    async with default(PATIENT) as evaluator:
        told, _ = await asyncio.gather(
            evaluator.render({"a": [LONG]}, {}), kill_at_work(asked, 3), return_exceptions=True
        )
        assert isinstance(told, ExpressionError)
        assert told.message == (
            "the process that renders templates was killed 3 times while it computed this: it may need too much memory"
        )
        assert (told.at, told.template) == (("a", 0), LONG)
        assert await evaluator.render(LOOP, {"x": 1}) == "111"


@pytest.mark.parametrize("size", [20_000_000, 40_000_000, 60_000_000])
async def test_a_limit_of_memory_is_told_at_once_wherever_the_child_meets_it(size, caplog):
    """With much data it is while it reads what it is asked; compiled libraries that get no memory may crash."""
    async with default(PATIENT) as evaluator:
        with pytest.raises(ExpressionError, match=r"^the template needs too much memory$"):
            await evaluator.render("{% for i in range(3) %}{{ x | length }}{% endfor %}", {"x": "a" * size})
        assert await evaluator.render(LOOP, {"x": 1}) == "111"
    assert not caplog.records


async def test_a_child_that_was_killed_at_its_start_is_started_again(tmp_path, monkeypatch):
    _python_that_dies(tmp_path, monkeypatch, times=2)
    async with default(PATIENT) as evaluator:
        assert await evaluator.render(LOOP, {"x": 1}) == "111"
    assert (tmp_path / "starts").read_text() == "begun\n" * 3


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python"])
async def test_a_child_that_cannot_start_is_told(monkeypatch, python):
    monkeypatch.setattr("sys.executable", python)
    async with default(PATIENT) as evaluator:
        with pytest.raises(ExpressionError, match="could not be started"):
            await evaluator.render(LOOP, {"x": 1})


def _python_that_dies(folder: Path, monkeypatch, *, times: int) -> None:
    """Instead of the interpreter: killed at its first starts."""
    script = folder / "python"
    script.write_text(
        f"#!/bin/sh\necho begun >> {folder}/starts\n"
        f'[ $(wc -l < {folder}/starts) -gt {times} ] || kill -9 $$\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))


# The engine is killed, or a person presses Ctrl-C: its children end without a word.


class Orphan:
    """A child whose line is in the test's hands."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flowengine.expressions.child", str(theirs.fileno()), "100000000"],
            pass_fds=(theirs.fileno(),),
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        theirs.close()

    def ask(self, text: str) -> None:
        self.line.sendall(wire.pack({"templates": [[text, []]], "scope": {"x": 1}, "lenient": False}))

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        self.line.close()
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told


def test_a_child_whose_engine_is_gone_before_it_is_ready_ends_silently():
    assert Orphan().end() == (0, "")


def test_a_child_whose_engine_is_gone_while_it_computes_ends_silently():
    orphan = Orphan()
    orphan.line.recv(100)
    orphan.ask(LONG)
    time.sleep(0.1)
    assert orphan.end() == (0, "")


def test_a_child_whose_engine_is_gone_with_answers_unread_ends_silently():
    orphan = Orphan()
    orphan.ask(LOOP)
    orphan.line.recv(1, socket.MSG_PEEK)
    assert orphan.end() == (0, "")


def test_a_child_whose_engine_is_gone_in_the_middle_of_asking_ends_silently():
    orphan = Orphan()
    orphan.line.recv(100)
    orphan.line.sendall((1000).to_bytes(wire.LENGTH, "big") + b"f{")
    assert orphan.end() == (0, "")


def test_ctrl_c_is_for_the_engine_and_no_child_says_a_word():
    orphan = Orphan()
    orphan.line.recv(100)
    orphan.ask(LONG)
    for _ in range(20):
        orphan.process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    assert orphan.line.recv(100)
    assert orphan.end() == (0, "")


def test_ctrl_c_while_a_child_loads_what_it_needs_ends_nothing():
    orphan = Orphan()
    # The module that is run has said that it does not hear the signal before it imports what takes long.
    while not _ignores_interrupts(orphan.process.pid):
        time.sleep(0.002)
    orphan.process.send_signal(signal.SIGINT)
    assert orphan.line.recv(100)
    assert orphan.end() == (0, "")


def _ignores_interrupts(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    ignored = next(line for line in lines if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> (signal.SIGINT - 1) & 1)
