"""Ingress alone: how many deliveries a second are answered after their event is on disk, beside Starlette's own ceiling.

The engine takes events that a condition keeps from starting a run; the ceiling is a Starlette application that reads the same
body and answers it after the same group commit, and does nothing else.

    python benchmarks/ingress.py [--events 10000] [--callers 64] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from load import post
from programs import Program, engine, free_port, hook_of, program, project
from webhook_to_done import EVENT, FIRST

FLOW = """\
flow: Kept out
trigger:
  webhook: { verify: none }
conditions:
  - "{{ trigger.id == 'another' }}"
actions:
  - name: Never
    log: never
"""


def starlette(port: int, database: str) -> None:
    """The ceiling."""
    import orjson
    import uvicorn
    from limit import Writer
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    writers: list[Writer] = []

    async def hook(request: Request) -> Response:
        if not writers:
            writers.append(Writer(database))
        body = await request.body()
        orjson.loads(body)
        await writers[0].write("INSERT INTO event (body) VALUES (?)", body)
        return Response(b"{}", media_type="application/json")

    async def ready(_: Request) -> Response:
        return Response(b"")

    app = Starlette(routes=[Route("/hook", hook, methods=["POST"]), Route("/", ready)])
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def engine_round(events: int, callers: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder), "kept-out", FLOW)
        with engine(Path(folder)) as serving:
            return measure(serving, hook_of(serving, "kept-out"), events, callers)


def ceiling_round(events: int, callers: int) -> tuple[float, float]:
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        program(port, __file__, "--ceiling", str(port), f"{folder}/ceiling.db", ready_at="/") as bar,
    ):
        return measure(bar, f"{bar.url}/hook", events, callers)


def measure(serving: Program, hook: str, events: int, callers: int) -> tuple[float, float]:
    """Answers a second, and processor seconds an answer."""
    post(hook, EVENT, FIRST, callers)
    cpu = serving.cpu()
    load = post(hook, EVENT, events, callers)
    if load.refused:
        raise SystemExit(f"{load.refused} deliveries were refused")
    return events / (load.ended - load.started), (serving.cpu() - cpu) / events


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--events", type=int, default=10_000)
    wanted.add_argument("--callers", type=int, default=64)
    wanted.add_argument("--rounds", type=int, default=3)
    given = wanted.parse_args()
    pairs = []
    for number in range(given.rounds):
        bar, ours = (each(given.events, given.callers) for each in (ceiling_round, engine_round))
        pairs.append((bar, ours))
        print(
            f"round {number + 1}: engine {ours[0]:,.0f} durable answers/s ({ours[1] * 1e6:,.0f} us of processor each), "
            f"Starlette {bar[0]:,.0f} ({bar[1] * 1e6:,.0f} us)",
            flush=True,
        )
    ratio = statistics.median(ours[0] / bar[0] for bar, ours in pairs)
    print(
        f"median: {ratio:.0%} of Starlette (by processor time {statistics.median(b[1] / o[1] for b, o in pairs):.0%})"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ceiling"]:
        starlette(int(sys.argv[2]), sys.argv[3])
    else:
        main()
