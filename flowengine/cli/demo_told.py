"""What the demo has seen so far, and the document made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine.types import JsonObject, Status

if TYPE_CHECKING:
    from flowengine.store.records import ActionRecord, EventRecord, RunRecord


@dataclass(slots=True)
class Told:
    """What happened, as far as it has."""

    folder: Path
    stays: bool = False
    """Whether everything stays up afterwards."""
    services: dict[str, str] = field(default_factory=dict)
    engine: str = ""
    flows: dict[str, list[JsonObject]] = field(default_factory=dict)
    """Flow id to the states of its triggers."""
    happened: list[JsonObject] = field(default_factory=list)
    events: list[tuple[EventRecord, list[str]]] = field(default_factory=list)
    runs: list[tuple[RunRecord, list[ActionRecord]]] = field(default_factory=list)
    operations: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(flow id, action path without iterations) to `connector.Operation`."""

    @property
    def as_expected(self) -> bool:
        """Whether runs were started and every one succeeded."""
        return bool(self.runs) and all(run.status is Status.SUCCEEDED for run, _ in self.runs)

    def registered(self) -> list[JsonObject]:
        """The triggers that the engine registered at a service."""
        return [state for states in self.flows.values() for state in states if state["kind"] == "use"]

    def document(self, commands: list[str]) -> JsonObject:
        from flowengine.store.documents import event_document, run_document

        return {
            "folder": str(self.folder),
            "engine": self.engine,
            "services": [{"name": name, "url": url} for name, url in self.services.items()],
            "flows": [{"id": flow, "triggers": states} for flow, states in self.flows.items()],
            "happened": self.happened,
            "events": [event_document(event, runs) for event, runs in self.events],
            "runs": [run_document(run, actions=actions) for run, actions in self.runs],
            "commands": commands,
        }
