"""Project folders to try things in, and their engine behind a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import httpx

from flowengine.app import App
from flowengine.config import Settings
from flowengine.server.run import serving
from flowengine.store.records import RunRecord
from flowengine.types import Status


def make_project(folder: Path, flows: Mapping[str, str], connections: str = "", **settings) -> Settings:
    (folder / "flows").mkdir(parents=True, exist_ok=True)
    for name, text in flows.items():
        (folder / "flows" / f"{name}.yaml").write_text(dedent(text))
    if connections:
        (folder / "connections.yaml").write_text(dedent(connections))
    return Settings(**{"project": folder, "port": 0, **settings})


@asynccontextmanager
async def served(settings: Settings, **client):
    """The project's server, and an HTTP client for it."""
    async with (
        serving(settings) as server,
        httpx.AsyncClient(base_url=server.url, timeout=10, verify=False, **client) as http,
    ):
        yield server, http


def api_of(http: httpx.AsyncClient):
    """Calls of the API: `await api("GET", "/runs")` gives the status and the document."""

    async def api(method, path, **more):
        if method != "GET":
            more.setdefault("json", {})
        answer = await http.request(method, f"/api/v1{path}", **more)
        assert answer.json()["v"] == 1
        return answer.status_code, answer.json()

    return api


async def finished(app: App, count: int, flow: str | None = None, *, seconds: float = 15) -> list[RunRecord]:
    """The runs, of one flow or of all, once there are so many and all have ended."""
    async with asyncio.timeout(seconds):
        while True:
            runs = await app.store.runs.list(flow)
            if len(runs) >= count and all(run.status.finished for run in runs):
                return runs
            await asyncio.sleep(0.02)


async def a_waiting_run(app: App, flow: str, **inputs) -> RunRecord:
    """A run of the flow that has come to where it waits: for a person, a callback or a time."""
    run = await app.submit_run(flow, inputs=inputs)
    async with asyncio.timeout(20):
        while not any(one.status is Status.WAITING for one in await app.store.runs.actions(run.id)):
            await asyncio.sleep(0.01)
    return run
