"""Doing a run again, in four forms: as it was, from one of its actions, with other input, and with which version of the flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flowengine.app import App
from flowengine.server.pages.shown import pretty
from flowengine.spec.flow import Flow
from flowengine.store.heads import ActionHead
from flowengine.store.records import RunRecord
from flowengine.types import Path, Status, format_path


@dataclass(frozen=True, slots=True)
class Start:
    """An action from which the run can be done again."""

    path: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Forms:
    """What the forms offer."""

    starts: tuple[Start, ...]
    input: str
    """What came in, for editing."""
    newer_version: bool
    """Whether the flow has changed since."""
    gone: bool
    """Whether the flow is not in force any more, so that only the version that ran is left."""


def forms(app: App, run: RunRecord, flow: Flow | None, actions: Sequence[ActionHead], *, chosen: Path) -> Forms:
    """The forms for a run."""
    entry = app.library.entries.get(run.flow)
    in_force = entry.flow if entry else None
    return Forms(
        starts=tuple(_starts(flow, actions, chosen)) if flow else (),
        input=pretty(run.trigger, None),
        newer_version=in_force is not None and in_force.version != run.flow_version,
        gone=in_force is None,
    )


def _starts(flow: Flow, actions: Sequence[ActionHead], chosen: Path) -> list[Start]:
    """The flow's own actions in their order: what is inside a branch or loop is done again with it."""
    did = {action.path: action for action in actions if action.status is not Status.SKIPPED}
    tops = [(action.key,) for action in flow.actions if (action.key,) in did]
    return [Start(format_path(path), did[path].name, path == chosen[:1]) for path in tops]
