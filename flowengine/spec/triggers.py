"""Triggers: what starts a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Literal, TypeAlias

from flowengine.findings import Span
from flowengine.spec.conditions import Condition
from flowengine.spec.source import Location
from flowengine.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseTrigger:
    """What every trigger has."""

    kind: ClassVar[str] = ""
    """The key that makes a trigger this one: `use`, `poll`, `schedule`, `webhook`, `manual`."""

    key: str
    """Stable within the flow: `use`, `schedule`, ... and numbered (`schedule_2`) when there are several."""
    loc: Location
    span: Span
    connection: str | None = None
    split: str | None = None
    """A template of the event that gives a list: one run an item."""
    dedupe: str | None = None
    """A template of the event: the same key never starts a second run."""
    conditions: tuple[Condition, ...] = ()

    @property
    def name(self) -> str:
        """What people see: the operation, or the kind."""
        return self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTrigger(BaseTrigger):
    """`use: connector.Operation`: a webhook trigger, registered at the service, or a polling trigger of a manifest."""

    kind = "use"

    connector: str
    operation: str
    inputs: dict[str, Json] = field(default_factory=dict)
    every: timedelta | None = None

    @property
    def name(self) -> str:
        return f"{self.connector}.{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll(BaseTrigger):
    """`poll: connector.Operation`: any reading operation, asked again and again; one run per item not seen before."""

    kind = "poll"

    connector: str
    operation: str
    every: timedelta
    inputs: dict[str, Json] = field(default_factory=dict)
    items: str = "{{ body }}"
    item_id: str = "{{ item.id }}"
    cursor: str | None = None

    @property
    def name(self) -> str:
        return f"{self.connector}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a schedule fires: exactly one of the three forms is set."""

    words: str | None = None
    """`every weekday at 09:00`, as the author wrote it."""
    cron: str | None = None
    frequency: Literal["Minute", "Hour", "Day", "Week", "Month", "Year"] | None = None
    """The Logic Apps form, with `interval`, `on` (day names or day numbers) and `at` (`HH:MM`)."""
    interval: int = 1
    on: tuple[str | int, ...] = ()
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(BaseTrigger):
    """`schedule`: starts runs by the clock."""

    kind = "schedule"

    recurrence: Recurrence
    timezone: str = "UTC"
    if_missed: Literal["run_once", "run_all", "skip"] = "run_once"


@dataclass(frozen=True, slots=True)
class Verify:
    """How a webhook's sender is authenticated. Fields are set as the method needs; `secret` is the name of a secret."""

    method: Literal["none", "hmac", "header", "basic", "body-secret", "standard-webhooks"]
    secret: str = ""
    header: str = ""
    algorithm: str = "sha256"
    username: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(BaseTrigger):
    """`webhook`: any HTTP POST to the flow's own unguessable URL."""

    kind = "webhook"

    verify: Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual(BaseTrigger):
    """`manual: true`: started by a person, the API or another flow."""

    kind = "manual"


Trigger: TypeAlias = OperationTrigger | Poll | Schedule | Webhook | Manual
