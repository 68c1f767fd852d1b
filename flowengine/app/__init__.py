"""The composition root: from settings to a running engine, and the face for Python programs.

async with Engine.open(Settings(project=Path("."))) as engine:
    run = await engine.submit("refund-tickets", event={"ticket": {"id": "T1"}})
    run = await engine.wait(run.id)
"""

from __future__ import annotations

from flowengine.app.addresses import approval_key, callback_key
from flowengine.app.face import Engine
from flowengine.app.manual import NotStarted
from flowengine.app.project import App

__all__ = ["App", "Engine", "NotStarted", "approval_key", "callback_key"]
