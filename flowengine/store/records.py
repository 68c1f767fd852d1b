"""What the store keeps, as frozen records; documents for people are made from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from flowengine.record import record
from flowengine.types import Disposition, Json, JsonObject, Path, Sent, Status


@record(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """Something that happened, whether or not it started a run."""

    id: str
    flow: str
    trigger_kind: str
    """`use`, `poll`, `schedule`, `webhook` or `manual`."""
    trigger_name: str
    trigger_key: str
    received_at: datetime
    disposition: Disposition
    reason: Json = None
    dedupe_key: str | None = None
    body: bytes = b""
    """The raw bytes as they came (after secrets were struck out): the truth, however odd."""
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@record(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run of one flow version."""

    id: str
    flow: str
    flow_version: str
    status: Status
    event_id: str | None
    trigger_kind: str
    trigger_name: str
    created_at: datetime
    trigger: Json = None
    """What `trigger` is to the flow's templates."""
    inputs: JsonObject = field(default_factory=dict)
    key: str | None = None
    """The value of `per`."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None
    """When a waiting run goes on by itself."""
    error: JsonObject | None = None
    output: Json = None
    recoveries: int = 0
    resubmitted_from: str | None = None
    parent: tuple[str, str] | None = None
    """The run id and path of the `call` that waits for this run."""
    epoch: int = 0
    """Which session of the engine owns the run: writes of any other are refused."""
    progress: int = 0
    """How many actions had finished at the last recovery."""


@record(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of an operation. Times in UTC, durations in milliseconds."""

    number: int
    started_at: datetime
    duration_ms: float
    status_code: int | None = None
    error: JsonObject | None = None
    """`{code, message}`; None when it succeeded."""
    request: Sent | None = None
    """What was sent, without secrets; None when it did not come to that."""


@record(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """One action run: the checkpoint and the history are this same row."""

    run_id: str
    path: Path
    name: str
    kind: str
    status: Status
    started_at: datetime
    finished_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    inputs: Json = None
    outputs: Json = None
    error: JsonObject | None = None
    skipped_because: str | None = None
    number: int = 0
    """The place in the order in which the run's actions began."""
    due_at: datetime | None = None
    """When a waiting action, or the next attempt, goes on by itself."""
    secure: frozenset[str] = frozenset()
    """Which of `inputs` and `outputs` are kept encrypted and shown to nobody."""


@record(frozen=True, slots=True, kw_only=True)
class SubscriptionRecord:
    """A webhook that is, or should be, registered at a service for one trigger of a flow."""

    flow: str
    trigger_key: str
    connector: str
    operation: str
    connection: str | None
    callback_url: str
    fingerprint: str
    """What was registered, hashed: another fingerprint means it has to be registered anew."""
    state: str
    """`registering`, `active`, `failed` (not registered, will be tried again) or `removing`."""
    updated_at: datetime
    external_id: Json = None
    """What the service calls it, from the registration's answer."""
    location: str = ""
    """The answer's `Location`, where a service without a delete operation wants the DELETE."""
    secret_digest: str = ""
    """For services that choose the delivery secret themselves: its keyed digest; never the secret."""
    error: str = ""
    failures: int = 0


@record(frozen=True, slots=True)
class PollState:
    """Where a polled trigger stands: the cursor of the last page and the ids that have been seen."""

    cursor: Json = None
    seen: frozenset[str] = frozenset()


@record(frozen=True, slots=True, kw_only=True)
class FlowVersion:
    """One text that a flow's file once had."""

    flow: str
    version: str
    saved_at: datetime


@record(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something a run must see again when it is resumed: a time it read, an answer it got."""

    run_id: str
    path: Path
    kind: str
    """`now`, `answer` or `response`."""
    value: Json
