"""A process to kill: an engine over a database, whose one service writes down every call before it answers.

    python -m tests.fakes.killed_engine DATABASE_URL FOLDER RUNS FAILPOINT

Ends with 0 when all of the runs have ended. Events are made once; what was acknowledged stands in `FOLDER/acknowledged`, and every
call in `FOLDER/witness` as `run path key`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from flowengine import failpoints
from flowengine.config import Settings
from flowengine.engine.local import LocalEngine
from flowengine.expressions.evaluate import InProcess
from flowengine.store import Store
from flowengine.types import Outputs, format_path
from tests.fakes.engines import a_flow
from tests.fakes.records import CLOCK, a_run, an_event

FLOW = """
max: 64
actions:
  - {name: First, use: http.post, with: {url: "/1"}, save_as: one}
  - {name: Each, for_each: [1], do: [{name: Second, use: http.post, with: {url: "{{ one.url }}"}}]}
  - {wait: 0 seconds}
  - {name: Third, use: http.post, with: {url: "/3"}}
"""


async def main(url: str, folder: Path, count: int, failpoint: str) -> None:
    failpoints.arm(failpoint)
    flow = a_flow(FLOW)
    witness = os.open(folder / "witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def call(run, flow, path, action, inputs, key, deadline):
        os.write(witness, f"{run.id} {format_path(path)} {key}\n".encode())
        await asyncio.sleep(0.001)
        return Outputs(200, {}, {"url": "/2"})

    async def flows(flow_id, version):
        return flow

    async def submit(store, engine, number) -> None:
        event = an_event(dedupe_key=str(number), received_at=CLOCK.now())
        event, runs = engine.admit(flow, event, [a_run(event, flow_version=flow.version, created_at=CLOCK.now())])
        stored = await store.events.accept(event, runs)
        if stored.disposition == "duplicate":
            engine.forget(runs)
            return
        os.write(acknowledged, f"{runs[0].id}\n".encode())
        engine.wake(runs)

    async with Store.open(url, write=True, key_file=folder / "key") as store:
        engine = LocalEngine(
            store,
            call=call,
            flows=flows,
            evaluator=InProcess(),
            clock=CLOCK,
            settings=Settings(),
            link=str,
        )
        await engine.start()
        for number in range(count):
            await submit(store, engine, number)
        for run in await store.runs.list(limit=count):
            await engine.wait(run.id)
        await engine.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
