"""A long history: what commands and pages take on a database of a million runs.

Wall time of the whole command, start-up included, beside `python -c pass`; the API's from the sending to the last byte.

    python benchmarks/history.py [--runs 1000000] [--times 7] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from filling import fill, finished
from programs import Program, engine, project, read

from flowengine.store.records import RunRecord
from flowengine.types import Status

FLOW = """\
flow: History
trigger:
  webhook: { verify: none }
actions:
  - name: Call the service
    log: "{{ trigger.subject }}"
"""
COMMANDS = (
    "--version",
    "runs list",
    "runs list --status failed",
    "runs list --status running",
    "runs list --flow history --since 1h",
    "runs list --flow history --status failed --limit 100",
    "runs show @last",
    "runs show @last-failed",
    "events list",
    "runs list --search nobody-wrote-this",
    "runs list --search 654321",
    "runs list --search ticket",
    "runs list --search 654321 --status failed",
    "runs list --search 654321 --flow history --since 1h",
    "runs list --search 654321 --everywhere",
)
PAGES = (
    "/api/v1/runs?limit=50",
    "/api/v1/runs?limit=50&status=failed",
    "/api/v1/runs?limit=50&flow=history",
    "/runs",
    "/runs?status=failed",
    "/runs?search=654321",
)
TEXT = (
    "Good morning, I ordered two lamps on the third of the month and only one of them came. The parcel was open on one side, "
    "and the driver said that this had been so when he took it. Could you please look where the other one is, or send it "
    "again? I am at home on Tuesdays and Thursdays after four. Thank you, and kind regards."
)
"""Runs carry what people write."""


def some_failed(number: int, run: RunRecord) -> RunRecord:
    """One run in fifty failed; one in ten thousand was given up."""
    requester = {"name": f"Visitor {number % 5_000}", "mail": f"visitor.{number % 5_000}@example.com"}
    run = replace(run, trigger={**run.trigger, "requester": requester, "message": TEXT, "tags": ["shop", "delivery"]})
    if number % 10_000 == 9_999:
        return replace(finished(run, Status.CANCELLED))
    return finished(run, Status.FAILED if number % 50 == 49 else Status.SUCCEEDED)


def median(work: Callable[[], object], times: int) -> str:
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return f"{statistics.median(taken) * 1000:6.0f} ms (least {min(taken) * 1000:.0f}, most {max(taken) * 1000:.0f})"


def command(*words: str) -> Callable[[], object]:
    return lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--runs", type=int, default=1_000_000)
    wanted.add_argument("--times", type=int, default=7)
    wanted.add_argument("--keep", type=Path, help="make the history here, or use the one that is here")
    given = wanted.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        if not (folder / "flows").exists():
            folder.mkdir(exist_ok=True)
            began = time.perf_counter()
            fill(project(folder, "history", FLOW), "history", given.runs, some_failed)
            print(f"{given.runs:,} runs made in {time.perf_counter() - began:.0f} s", flush=True)
        print(f"{'python -c pass':55} {median(command(sys.executable, '-c', 'pass'), given.times)}", flush=True)
        program = str(Path(sys.executable).with_name("flowengine"))
        for words in COMMANDS:
            took = median(command(program, "-C", str(folder), *words.split()), given.times)
            print(f"flowengine {words:44} {took}", flush=True)
        with engine(folder) as serving:
            pages(serving, given.times)


def pages(serving: Program, times: int) -> None:
    for page in PAGES:
        print(f"GET {page:51} {median(lambda page=page: read(serving.url + page), times)}", flush=True)


if __name__ == "__main__":
    main()
