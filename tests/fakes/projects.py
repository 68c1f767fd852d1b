"""Project folders to try things in, and their engine behind a real socket."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import httpx

from flowengine.config import Settings
from flowengine.server.run import serving


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
