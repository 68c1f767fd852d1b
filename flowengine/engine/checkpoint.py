"""What a resumed run knows of itself: which paths have finished, with what; the times it read and the answers it got."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flowengine.errors import ActionError
from flowengine.interpreter.effects import Failure
from flowengine.store.records import ActionRecord, Mark
from flowengine.types import Json, JsonObject, Outputs, Path, Status, format_path

CANCEL: Path = ()
"""A run's cancellation is marked at the path of the whole run."""


def _and_below(kind: type[ActionError]) -> Iterator[type[ActionError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _and_below(each)


def _kinds() -> dict[str, type[ActionError]]:
    """The class of each code; of classes that share one, that which the others are made of."""
    found: dict[str, type[ActionError]] = {}
    for kind in _and_below(ActionError):
        found.setdefault(kind.code, kind)
    return found


@dataclass(slots=True)
class Checkpoints:
    """The past of one run, by path. A cancelled action run is no checkpoint: a second walk comes to it again."""

    finished: dict[Path, ActionRecord] = field(default_factory=dict)
    unfinished: dict[Path, ActionRecord] = field(default_factory=dict)
    times: dict[Path, datetime] = field(default_factory=dict)
    answers: dict[Path, Json] = field(default_factory=dict)
    responded: bool = False
    cancelled: str | None = None
    """Why, when somebody cancelled the run."""
    next_number: int = 1
    unsure: bool = False
    """Whether calls may have been made that are not on record: the engine died before. True until anything of this walk is
    durable on which later calls depend; those cannot have been made."""

    @property
    def progress(self) -> int:
        """Grows with every action that finishes."""
        return len(self.finished)

    @property
    def latest(self) -> datetime | None:
        """When the last of what has finished did."""
        return max((action.finished_at for action in self.finished.values() if action.finished_at), default=None)


def read(actions: Sequence[ActionRecord], marks: Sequence[Mark]) -> Checkpoints:
    """Sort a run's records by what they are good for."""
    known = Checkpoints(next_number=max((action.number for action in actions), default=0) + 1)
    for action in actions:
        settled = action.status.finished and action.status is not Status.CANCELLED
        (known.finished if settled else known.unfinished)[action.path] = action
    for mark in marks:
        match mark.kind:
            case "now":
                known.times[mark.path] = datetime.fromisoformat(mark.value)
            case "answer":
                known.answers[mark.path] = mark.value["value"]
            case "response":
                known.responded = True
            case "cancel":
                known.cancelled = str(mark.value or "")
    return known


def outputs_of(action: ActionRecord) -> Outputs:
    """The outputs that a finished operation gave. Raises its `ActionError` when it failed."""
    if action.error is not None:
        raise revived(action.error, len(action.attempts))
    kept = action.outputs or {}
    return Outputs(kept.get("status_code"), kept.get("headers") or {}, kept.get("body"), len(action.attempts) or 1)


def value_of(action: ActionRecord) -> Json:
    """What a finished wait gave. Raises its `ActionError` when it failed."""
    if action.error is not None:
        raise revived(action.error, 1)
    return action.outputs


def revived(error: JsonObject, attempts: int) -> ActionError:
    """The error that was recorded, as it was raised."""
    kind = _kinds().get(error["code"], ActionError)
    found = kind(error["message"])
    found.status_code, found.body, found.attempts = error.get("status_code"), error.get("body"), max(attempts, 1)
    return found


def failure_of(
    path: Path, name: str, error: ActionError, line: int | None = None, column: int | None = None
) -> JsonObject:
    """ERROR, as it is recorded."""
    return Failure(
        action=format_path(path),
        name=name,
        code=error.code,
        message=error.message,
        status_code=error.status_code,
        body=error.body,
        line=line,
        column=column,
    ).to_json()
