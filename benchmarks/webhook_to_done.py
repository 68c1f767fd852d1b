"""Webhook to done: POST -> one HTTP action at a local service -> finished, with its history, durable.

The engine and the hand-written bar (limit.py) take the same events in turn, round by round, on the same machine; what counts is
the ratio. Processor time a run is told beside it: on a machine that does other things too, it is the steadier of the two.

    python benchmarks/webhook_to_done.py [--events 5000] [--callers 32] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from load import Load, post
from programs import HERE, Program, engine, free_port, hook_of, program, project, read, target, wait_for

EVENT = json.dumps({"id": "1", "subject": "A refund, please", "text": "x" * 900}).encode()
FIRST = 300
"""Events before the clock starts: connections are opened, templates compiled."""

FLOW = """\
flow: One call
trigger:
  webhook: {{ verify: none }}
mode: parallel
max: 1000
actions:
  - name: Call the service
    use: http.post
    with:
      url: {target}
      body: {{ subject: "{{{{ trigger.subject }}}}" }}
"""


@dataclass(frozen=True)
class Round:
    rate: float
    """Finished runs a second."""
    cpu: float
    """Processor seconds a run."""
    load: Load


def engine_round(events: int, callers: int, target: str, rate: float | None = None) -> Round:
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder), "one-call", FLOW.format(target=target))
        with engine(Path(folder)) as serving:
            hook = hook_of(serving, "one-call")
            return measure(serving, hook, lambda runs: wait_for(serving, runs), events, callers, rate)


def limit_round(events: int, callers: int, target: str, rate: float | None = None) -> Round:
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        program(port, str(HERE / "limit.py"), str(port), target, f"{folder}/limit.db", ready_at="/done") as bar,
    ):

        def done(runs: int) -> None:
            while int(read(f"{bar.url}/done")) < runs:
                time.sleep(0.01)

        return measure(bar, f"{bar.url}/hook", done, events, callers, rate)


def measure(
    serving: Program, hook: str, done: Callable[[int], None], events: int, callers: int, rate: float | None
) -> Round:
    post(hook, EVENT, FIRST, callers)
    done(FIRST)
    cpu = serving.cpu()
    load = post(hook, EVENT, events, callers, rate)
    done(FIRST + events)
    return Round(events / (time.time() - load.started), (serving.cpu() - cpu) / events, load)


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--events", type=int, default=5_000)
    wanted.add_argument("--callers", type=int, default=32)
    wanted.add_argument("--rounds", type=int, default=3)
    given = wanted.parse_args()
    with target() as service:
        pairs = []
        for number in range(given.rounds):
            bar, ours = (each(given.events, given.callers, service) for each in (limit_round, engine_round))
            pairs.append((bar, ours))
            print(
                f"round {number + 1}: engine {ours.rate:,.0f} runs/s ({ours.cpu * 1e6:,.0f} us of processor each), "
                f"bar {bar.rate:,.0f} ({bar.cpu * 1e6:,.0f} us); answers: median {ours.load.median * 1000:.0f} ms, "
                f"p99 {ours.load.p99 * 1000:.0f} ms",
                flush=True,
            )
        ratio = statistics.median(ours.rate / bar.rate for bar, ours in pairs)
        by_cpu = statistics.median(bar.cpu / ours.cpu for bar, ours in pairs if ours.cpu)
        half = statistics.median(ours.rate for _, ours in pairs) / 2
        print(f"median: {ratio:.0%} of the bar (by processor time {by_cpu:.0%})")
        load = engine_round(int(half * 8), given.callers, service, half).load
        print(
            f"at half load ({half:,.0f}/s): answers: median {load.median * 1000:.1f} ms, p99 {load.p99 * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main()
