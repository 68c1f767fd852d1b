"""What is left over: queued events to work off, unfinished runs to take over, interrupted ones to go on with, waiting ones to hold.

python benchmarks/restarts.py backlog [--runs 10000]         events queued while nothing ran: time to drain, memory
python benchmarks/restarts.py unfinished [--runs 50000]      waiting and running ones: until the start is ready
python benchmarks/restarts.py interrupted [--runs 1000]      killed in the middle: from the start to the last one done
python benchmarks/restarts.py waiting [--runs 100000]        waiting for tomorrow: memory and processor while nothing else happens
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from filling import fill
from load import post
from programs import (
    counted,
    engine,
    free_port,
    hook_of,
    program,
    project,
    serve_command,
    target,
    wait_for,
)
from webhook_to_done import EVENT, FLOW

from flowengine.store.records import RunRecord
from flowengine.types import Status

BEFORE_KILL = 1.0
MOST_AT_ONCE = 10_000
"""Runs of one flow: its `max`."""
QUIET = 15.0
"""Seconds in which nothing is asked of the engine."""
WAITS = """\
flow: Waits
trigger:
  webhook: { verify: none }
mode: parallel
max: 10000
actions:
  - name: Wait a day
    wait: 1d
"""


def backlog(folder: Path, runs: int) -> None:
    """Events whose runs were queued, none begun."""
    with target() as service:
        fill(project(folder, "one-call", FLOW.format(target=service)), "one-call", runs, lambda _, run: run)
        began = time.perf_counter()
        with engine(folder) as serving:
            ready = time.perf_counter()
            wait_for(serving, runs)
            done = time.perf_counter()
            print(
                f"backlog of {runs:,}: ready after {ready - began:.2f} s, drained after {done - began:.1f} s "
                f"({runs / (done - began):,.0f} runs/s), {serving.memory():.0f} MB at most"
            )


def unfinished(folder: Path, runs: int) -> None:
    """Nine in ten wait for tomorrow, one in ten was running when the engine died."""
    fill(project(folder, "waits", WAITS), "waits", runs, _waiting)
    began = time.perf_counter()
    with engine(folder) as serving:
        ready = time.perf_counter()
        print(f"{runs:,} unfinished runs: ready after {ready - began:.2f} s, {serving.memory():.0f} MB at most")


def _waiting(number: int, run: RunRecord) -> RunRecord:
    if number % 10 == 0:
        return replace(run, status=Status.RUNNING, started_at=run.created_at)
    return replace(
        run, status=Status.WAITING, started_at=run.created_at, due_at=run.created_at + timedelta(days=1), progress=1
    )


def interrupted(folder: Path, runs: int) -> None:
    """The service answers after two seconds, and the engine is killed while every run waits for it."""
    with target(2.0) as service:
        project(folder, "one-call", FLOW.format(target=service))
        with (folder / "flowengine.toml").open("a") as settings:
            settings.write(f"runs_at_once = {runs}\n")
        port = free_port()
        with program(port, *serve_command(folder, port), ready_at="/readyz") as serving:
            load = post(hook_of(serving, "one-call"), EVENT, runs, 64)
            time.sleep(max(0.0, BEFORE_KILL - (time.time() - load.started)))
            serving.running.kill()
            serving.running.wait()
        left = unfinished_in(folder)
        began = time.perf_counter()
        with engine(folder) as serving:
            ready = time.perf_counter()
            wait_for(serving, left)
            done = time.perf_counter()
            print(
                f"{left:,} interrupted runs: ready after {ready - began:.2f} s, "
                f"the last one done {done - began:.1f} s after the start (the service takes 2 s)"
            )
            assert counted(serving, 'flowengine_runs_finished_total{status="succeeded"}') == left


def waiting(folder: Path, runs: int) -> None:
    """Each came in as an event of its own and has got as far as its wait."""
    flows = [f"waits-{number}" for number in range(-(-runs // MOST_AT_ONCE))]
    for flow in flows:
        project(folder, flow, WAITS)
    with engine(folder) as serving:
        for flow in flows:
            post(hook_of(serving, flow), EVENT, runs // len(flows), 64)
        while counted(serving, "flowengine_runs{"):
            time.sleep(0.5)
        at_most = serving.memory()
        time.sleep(QUIET)
        cpu = serving.cpu()
        time.sleep(QUIET)
        share = (serving.cpu() - cpu) / QUIET
        print(
            f"{runs:,} waiting runs: {serving.memory(now=True):.0f} MB ({at_most:.0f} at most while they came in), "
            f"{share:.1%} of a processor"
        )


def unfinished_in(folder: Path) -> int:
    database = sqlite3.connect(folder / ".flowengine" / "flowengine.db")
    (left,) = database.execute("SELECT COUNT(*) FROM runs WHERE finished_at IS NULL").fetchone()
    database.close()
    return int(left)


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("what", choices=("backlog", "unfinished", "interrupted", "waiting", "all"))
    wanted.add_argument("--runs", type=int)
    given = wanted.parse_args()
    for what, default in ((backlog, 10_000), (unfinished, 50_000), (interrupted, 1_000), (waiting, 100_000)):
        if given.what in (what.__name__, "all"):
            with tempfile.TemporaryDirectory() as folder:
                what(Path(folder), given.runs or default)


if __name__ == "__main__":
    main()
