"""Following a run through the store: the same whether it runs in this process, in a server, or already ended."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from flowengine.cli import output, place
from flowengine.cli.run_page import log_text
from flowengine.types import Path, Status, format_path

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store import Store
    from flowengine.store.records import ActionRecord, RunRecord

LEAVES = frozenset({"use", "wait", "wait_until", "wait_for", "ask", "call"})
"""Kinds of actions that may take a while by themselves."""
PAUSE = 0.1
"""Seconds between two looks at the store."""


async def follow(here: Settings, reference: str, *, as_json: bool) -> RunRecord:
    """Print each action as it begins and ends, until the run has ended."""
    async with place.require_history(here) as store:
        run = await store.runs.find(reference)
        if not as_json:
            output.say(f"Run {run.id} of {output.clean(run.flow)}")
        progress = Progress(as_json=as_json)
        while True:
            run = await store.runs.get(run.id)
            progress.show(await store.runs.actions(run.id))
            if run.status.finished:
                break
            await asyncio.sleep(PAUSE)
    if as_json:
        output.emit_line(run=run.id, status=str(run.status))
    else:
        output.say(ending(run))
    return run


def ending(run: RunRecord) -> str:
    """`succeeded after 1.2 s`, or the error in one line."""
    why = f": {output.clean(run.error.get('message', ''), lines=True)}" if run.error else ""
    return f"{output.shown(output.status(run.status))} after {output.duration(output.took(run.started_at, run.finished_at))}{why}"


async def wait_for(here: Settings, reference: str, timeout: float | None) -> RunRecord:  # noqa: ASYNC109  a command's flag
    """The run as it ended, or as it was when the time passed."""
    async with place.require_history(here) as store:
        run = await store.runs.find(reference)
        return await _until_finished(store, run, timeout)


async def _until_finished(store: Store, run: RunRecord, seconds: float | None) -> RunRecord:
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    while not run.status.finished and (end is None or loop.time() < end):
        await asyncio.sleep(PAUSE)
        run = await store.runs.get(run.id)
    return run


def _changed_at(action: ActionRecord) -> datetime:
    return action.finished_at or action.started_at


class Progress:
    """Prints what changed since it last looked."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._seen: dict[Path, Status] = {}

    def show(self, actions: list[ActionRecord]) -> None:
        """Print what began or ended since, by time; actions that hold others only when they end."""
        for action in sorted(actions, key=_changed_at):
            if self._seen.get(action.path) != action.status:
                self._seen[action.path] = action.status
                if self._as_json or action.status.finished or action.kind in LEAVES:
                    self._print(action)

    def _print(self, action: ActionRecord) -> None:
        path = format_path(action.path)
        if self._as_json:
            output.emit_line(path=path, name=action.name, kind=action.kind, status=str(action.status))
            return
        word = output.shown(output.Styled(f"{action.status:<9}", output.STYLES.get(action.status, "")))
        output.say(f"  {word}  {output.clean(path)}{self._told(action)}".rstrip())

    def _told(self, action: ActionRecord) -> str:
        if action.error:
            return f"  {output.clean(action.error.get('message', ''))}"
        if action.skipped_because:
            return f"  ({output.clean(action.skipped_because)})"
        if action.kind == "log":
            return f'  "{output.clean(output.json_text(log_text(action), 200))}"'
        return ""
