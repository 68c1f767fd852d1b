"""Actions a second: many runs of three actions at once, and one run of a thousand, in this process, every record on disk.


python benchmarks/actions.py [--runs 6000] [--at-once 64 256]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import tempfile
import time
from pathlib import Path

import uvloop
from programs import cpu_of_family, project

from flowengine.app import App
from flowengine.config import Settings

SHORT = """\
flow: Three actions
trigger:
  manual: true
inputs:
  amount: { type: number }
vars:
  total: 0
mode: parallel
max: 10000
actions:
  - name: Add
    set: { total: "{{ vars.total + inputs.amount }}" }
  - name: Much?
    if: "{{ vars.total > 10 }}"
    then:
      - name: Say so
        log: "{{ vars.total }} is much"
"""

LONG = """\
flow: A thousand actions
trigger:
  manual: true
vars:
  total: 0
  last: 0
actions:
  - name: For each number
    for_each: "{{ range(333) }}"
    as: number
    do:
      - name: Add
        set: { total: "{{ vars.total + number }}" }
      - name: Even?
        if: "{{ number % 2 == 0 }}"
        then:
          - name: Count
            set: { last: "{{ number }}" }
        else:
          - name: Pass
            set: { last: "{{ vars.total }}" }
"""


async def runs_at_once(app: App, runs: int, at_once: int) -> float:
    """Finished runs a second."""
    left = iter(range(runs))

    async def caller() -> None:
        for _ in left:
            run = await app.submit_run("short", inputs={"amount": 12})
            done = await app.engine.wait(run.id)
            assert done.status == "succeeded", done.error

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return runs / (time.perf_counter() - began)


async def one_run(app: App) -> tuple[int, float]:
    """How many actions one long run recorded, and its seconds."""
    began = time.perf_counter()
    run = await app.submit_run("long")
    done = await app.engine.wait(run.id)
    seconds = time.perf_counter() - began
    assert done.status == "succeeded", done.error
    return len(await app.store.runs.actions(run.id)), seconds


async def measure(folder: Path, runs: int, at_once: list[int]) -> None:
    async with App.open(Settings.load(folder), apart=True) as app:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        await runs_at_once(app, 200, 50)
        for callers in at_once:
            cpu = cpu_of_family(os.getpid())
            rate = await runs_at_once(app, runs, callers)
            cpu = (cpu_of_family(os.getpid()) - cpu) / runs
            print(
                f"{callers} runs at once: {rate:,.0f} runs/s, {rate * 3:,.0f} recorded actions/s "
                f"({cpu * 1e6:,.0f} us of processor a run)",
                flush=True,
            )
        await one_run(app)
        actions, seconds = await one_run(app)
        print(f"one run of {actions:,} recorded actions: {seconds:.2f} s, {actions / seconds:,.0f} actions/s")


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--runs", type=int, default=6_000)
    wanted.add_argument("--at-once", type=int, nargs="+", default=[64, 256])
    given = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder), "short", SHORT)
        project(Path(folder), "long", LONG)
        uvloop.run(measure(Path(folder), given.runs, given.at_once))


if __name__ == "__main__":
    main()
