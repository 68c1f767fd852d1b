"""Which names templates see, and where they end.

A branch and an iteration see everything around them; what they save ends with them. The results of a branch's actions stay
readable as `actions['name']`; those of an iteration end with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flowengine.interpreter.effects import Failure
from flowengine.record import record
from flowengine.types import Json, JsonObject, Status


@record(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action came to: `body` is what `save_as` names, `outputs` what goes on record."""

    body: Json = None
    outputs: Json = None
    inputs: Json = None
    status_code: int | None = None
    headers: JsonObject = field(default_factory=dict)
    attempts: int = 1
    on_record: bool = False
    """Whether the effects have recorded it themselves."""


@dataclass(slots=True)
class Results:
    """The results by action name. The object within is replaced, never changed: templates may have taken it."""

    by_name: JsonObject = field(default_factory=dict)

    def put(self, name: str, entry: JsonObject) -> None:
        self.by_name = {**self.by_name, name: entry}


class Scope:
    """The names of one list of actions."""

    __slots__ = ("names", "results")

    def __init__(self, names: JsonObject, results: Results) -> None:
        self.names = names
        self.results = results

    def branch(self, **more: Json) -> Scope:
        """For the actions of a branch."""
        return Scope({**self.names, **more}, self.results)

    def iteration(self, **more: Json) -> Scope:
        """For one turn of a loop."""
        return Scope({**self.names, **more}, Results(self.results.by_name))

    def visible(self, variables: JsonObject) -> JsonObject:
        """Everything that a template sees here."""
        return {**self.names, "vars": variables, "actions": self.results.by_name}

    def keep(self, name: str, save_as: str | None, status: Status, done: Done) -> None:
        """Make a finished action's result readable."""
        self.results.put(name, entry(status, done))
        if save_as:
            self.names[save_as] = done.body


def entry(status: Status, done: Done, failure: Failure | None = None) -> JsonObject:
    """What `actions['name']` gives."""
    return {
        "status": str(status),
        "body": done.body,
        "status_code": done.status_code,
        "headers": dict(done.headers),
        "error": failure.to_json() if failure else None,
        "attempts": done.attempts,
    }
