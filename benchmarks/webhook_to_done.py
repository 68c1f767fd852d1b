"""Webhook to done: POST -> one HTTP action at a local service -> finished, with its history, durable.

The engine and the hand-written bar (limit.py) take the same events in turn, round by round, on the same machine; what counts is
the ratio.

    python benchmarks/webhook_to_done.py [--events 5000] [--callers 32] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket

from load import Load, post

HERE = Path(__file__).parent
EVENT = json.dumps({"id": "1", "subject": "A refund, please", "text": "x" * 900}).encode()

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


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def ready(url: str) -> None:
    for _ in range(300):
        try:
            read(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")


@contextmanager
def engine(folder: Path, target: str) -> Iterator[str]:
    """`flowengine serve` on a project with the one flow; gives its address."""
    (folder / "flows").mkdir()
    (folder / "flows" / "one-call.yaml").write_text(FLOW.format(target=target))
    (folder / "flowengine.toml").write_text("allow_private_network = true\n")
    port = free_port()
    with process(sys.executable, "-m", "flowengine", "-C", str(folder), "serve", "--port", str(port)):
        ready(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"


def engine_round(events: int, callers: int, target: str, rate: float | None) -> tuple[float, Load]:
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder), target) as url:
        flow = json.loads(read(f"{url}/api/v1/flows/one-call"))["flow"]
        hook = flow["triggers"][0]["address"]
        post(hook, EVENT, 200, callers)
        wait_for(url, 200)
        load = post(hook, EVENT, events, callers, rate)
        wait_for(url, events + 200)
        return events / (time.time() - load.started), load


def wait_for(url: str, runs: int) -> None:
    while finished(url) < runs:
        time.sleep(0.01)


def finished(url: str) -> int:
    lines = read(f"{url}/metrics").decode().splitlines()
    return sum(
        int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith("flowengine_runs_finished_total")
    )


def limit_round(events: int, callers: int, target: str, rate: float | None) -> tuple[float, Load]:
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        process(sys.executable, str(HERE / "limit.py"), str(port), target, f"{folder}/limit.db"),
    ):
        url = f"http://127.0.0.1:{port}"
        ready(f"{url}/done")
        post(f"{url}/hook", EVENT, 200, callers)
        load = post(f"{url}/hook", EVENT, events, callers, rate)
        while int(read(f"{url}/done")) < events + 200:
            time.sleep(0.01)
        return events / (time.time() - load.started), load


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--events", type=int, default=5_000)
    wanted.add_argument("--callers", type=int, default=32)
    wanted.add_argument("--rounds", type=int, default=3)
    given = wanted.parse_args()
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(process(sys.executable, str(HERE / "target.py"), str(port)))
        target = f"http://127.0.0.1:{port}/"
        ratios, rates = [], []
        for number in range(given.rounds):
            bar, _ = limit_round(given.events, given.callers, target, None)
            ours, load = engine_round(given.events, given.callers, target, None)
            ratios.append(ours / bar)
            rates.append(ours)
            print(
                f"round {number + 1}: engine {ours:,.0f} runs/s, bar {bar:,.0f} runs/s, ratio {ours / bar:.2f}, answer p99 {load.p99 * 1000:.0f} ms"
            )
        half = statistics.median(rates) / 2
        _, load = engine_round(int(half * 5), given.callers, target, half)
        print(
            f"median ratio {statistics.median(ratios):.2f}; at half load ({half:,.0f}/s): answer median {load.median * 1000:.1f} ms, p99 {load.p99 * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main()
