"""What `flowengine demo --serve` adds for the web page: a failure to look into, and questions that wait for an answer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowengine.app import App

FLOWS = Path(__file__).parent / "demo_flows"
REFUNDS = ({"amount": 250}, {"amount": 1_180, "customer": "Ida Moss"})
FAILURES = 2


async def add(app: App) -> None:
    """Put the flows into the demo's project and start them."""
    for file in sorted(FLOWS.glob("*.yaml")):
        shutil.copyfile(file, app.settings.flows / file.name)
    await app.triggers.refresh()
    for _ in range(FAILURES):
        run = await app.submit_run("remind-customers")
        await app.engine.wait(run.id, 30)
    for inputs in REFUNDS:
        await app.submit_run("large-refunds", inputs=inputs)
