"""Checking many flows: what they say of each other is settled first, then each is checked by itself, on all processors."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from flowengine.findings import Finding
from flowengine.lint.judge import check_flow
from flowengine.lint.project import Project
from flowengine.spec import actions as records
from flowengine.spec.flow import Flow
from flowengine.spec.load import read_partly

MANY = 200
"""From how many flows on it pays to start processes."""

Text = tuple[str, bytes]
"""A file's name and what stands in it."""


@dataclass(frozen=True, slots=True)
class _For:
    """A connection as another process gets it: without anything secret."""

    connector: str


def check_texts(texts: Sequence[Text], project: Project) -> list[Finding]:
    """Every mistake in these flows, file by file; calls are checked against what the called flow declares."""
    ids = {Path(file).stem for file, _ in texts}
    known = replace(
        project,
        flows={**project.flows, **_linked(texts)},
        flow_ids={*project.flow_ids, *ids},
        connections={name: _For(one.connector) for name, one in project.connections.items()},
    )
    workers = min(os.cpu_count() or 1, len(texts) // (MANY // 2))
    if len(texts) < MANY or workers < 2 or not _may_fork():
        return [finding for text in texts for finding in check_flow(text[1], text[0], known)]
    size = max(10, len(texts) // (workers * 8))
    parts = [texts[start : start + size] for start in range(0, len(texts), size)]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, fork, initializer=_around.append, initargs=(known,)) as pool:
        return [finding for part in pool.map(_check_part, parts) for finding in part]


_around: list[Project] = []
"""In a forked process: the project, so that what was read of connectors serves all its parts."""


def _check_part(texts: Sequence[Text]) -> list[Finding]:
    return [finding for file, text in texts for finding in check_flow(text, file, _around[-1])]


def _may_fork() -> bool:
    """Forking beside other threads may copy a lock that nobody will ever release."""
    return "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1


def _linked(texts: Iterable[Text]) -> dict[str, Flow]:
    """The flows that call others or are called: the only ones that another's check needs to know."""
    by_id = {Path(file).stem: (file, text) for file, text in texts}
    found: dict[str, Flow] = {}
    waiting = [flow_id for flow_id, (_, text) in by_id.items() if b"call:" in text]
    while waiting:
        flow_id = waiting.pop()
        if flow_id in found or flow_id not in by_id:
            continue
        flow, _ = read_partly(by_id[flow_id][1], by_id[flow_id][0])
        if flow is not None:
            found[flow_id] = flow
            waiting.extend(action.flow for _, action in flow.walk() if isinstance(action, records.Call))
    return found
