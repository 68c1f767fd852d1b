"""Webhooks at services: registered while their flow is switched on, removed when it is not.

The store says what was registered; this makes it what it should be, after every change and after every start. A service that
refuses or cannot be reached is asked again later and shown meanwhile; it never stops anything else.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol, TypeAlias

import orjson

from flowengine.errors import FlowEngineError, OperationFailed
from flowengine.expressions.evaluate import Evaluator
from flowengine.manifests.extensions import WebhookSpec
from flowengine.manifests.operation import CALLBACK, Operation
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger
from flowengine.store import Store
from flowengine.store.records import SubscriptionRecord
from flowengine.triggers.deliveries import at_path
from flowengine.triggers.hooks import Derive, delivery_secret, secret_digest
from flowengine.types import Clock, Json, JsonObject, Outputs


class Services(Protocol):
    """What is asked of services, by connector and operation."""

    async def ask(self, connector: str, operation: str, connection: str | None, inputs: JsonObject) -> Outputs:
        """Call an operation once. Raises `ActionError`."""
        ...

    async def delete_at(self, connector: str, operation: str, connection: str | None, url: str) -> None:
        """DELETE at an address that the operation's answer named. Raises `ActionError`."""
        ...

    def operation(self, connector: str, operation: str) -> Operation | None:
        """The manifest's operation; None when the connector is gone."""
        ...

    def unsubscribing(
        self, connector: str, operation: str, inputs: JsonObject, outputs: Outputs
    ) -> tuple[str, JsonObject] | None:
        """The operation, with its inputs, that ends what `operation` registered; None when the definition has none."""
        ...


FIRST_DELAY: Final = timedelta(seconds=5)
LONGEST_DELAY: Final = timedelta(minutes=5)
REMOVALS_AT_MOST: Final = 6
"""How often a service is asked to forget a webhook before the engine forgets it alone."""

SIDE_BY_SIDE: Final = 8

NOWHERE: Final = (None, "")

ENDED_BY: Final = "ended_by"

Told: TypeAlias = tuple[JsonObject, Outputs]
"""What a registration said, and the answer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook that should be registered."""

    flow: Flow
    trigger: OperationTrigger
    operation: Operation
    callback_url: str
    base_url: str = ""
    """Of the connection: a service that moved has to be told anew."""

    @property
    def place(self) -> tuple[str, str]:
        return (self.flow.id, self.trigger.key)

    @property
    def spec(self) -> WebhookSpec | None:
        return self.operation.webhook

    def fingerprint(self) -> str:
        """Changes whenever the service would have to be told something new."""
        said = [
            self.trigger.connector, self.trigger.operation, self.trigger.connection,
            self.trigger.inputs, self.callback_url, self.base_url,
        ]  # fmt: skip
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


class Subscriptions:
    """Brings what is registered in line with what is wanted."""

    def __init__(self, store: Store, services: Services, evaluator: Evaluator, clock: Clock, derive: Derive) -> None:
        self.store = store
        self.services = services
        self.evaluator = evaluator
        self.clock = clock
        self.derive = derive
        self.records: dict[tuple[str, str], SubscriptionRecord] = {}
        self._renewed: set[tuple[str, str]] = set()
        """What was registered by this process: after a start every service is told once more, for it may have forgotten."""
        self._one_at_a_time = asyncio.Lock()
        self._gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def load(self) -> None:
        """Read what earlier processes registered, or what the worker has."""
        found = {_place(one): one for one in await self.store.subscriptions.list()}
        self.records.clear()
        self.records.update(found)

    async def reconcile(self, wanted: Sequence[Wanted]) -> timedelta | None:
        """Register, renew and remove; how long to wait before looking again, or None when all is as it should be."""
        async with self._one_at_a_time:
            places = {one.place for one in wanted}
            unwanted = [record for place, record in self.records.items() if place not in places and self._due(record)]
            missing = [one for one in wanted if self._to_register(one)]
            await asyncio.gather(*map(self._remove, unwanted), *map(self._register, missing))
            return self._next_look(places)

    def _next_look(self, places: set[tuple[str, str]]) -> timedelta | None:
        unsettled = [one for place, one in self.records.items() if one.state != "active" or place not in places]
        return min((self._left(one) for one in unsettled), default=None)

    def _to_register(self, wanted: Wanted) -> bool:
        record = self.records.get(wanted.place)
        if record is None or record.fingerprint != wanted.fingerprint():
            return True
        if record.state == "active":
            return wanted.place not in self._renewed
        return self._due(record)

    def _due(self, record: SubscriptionRecord) -> bool:
        return self._left(record) <= timedelta()

    def _left(self, record: SubscriptionRecord) -> timedelta:
        """How long until a failed attempt is repeated."""
        if not record.failures:
            return timedelta()
        delay: timedelta = min(FIRST_DELAY * 2 ** min(record.failures - 1, 10), LONGEST_DELAY)
        return max(record.updated_at + delay - self.clock.now(), timedelta())

    async def _register(self, wanted: Wanted) -> None:
        before = self.records.get(wanted.place)
        await self._put(self._intent(wanted, before))
        try:
            async with self._gate:
                inputs, outputs = await self._tell_or_replace(wanted, before)
        except Exception as error:  # noqa: BLE001 - whatever a service does, the engine goes on and says so
            await self._failed(self.records[wanted.place], "failed", error)
            return
        self._renewed.add(wanted.place)
        former = self.records[wanted.place]
        await self._put(self._registered(wanted, inputs, outputs))
        if before and _at_service(former) not in (NOWHERE, _at_service(self.records[wanted.place])):
            await self._forget_former(before)

    async def _tell_or_replace(self, wanted: Wanted, before: SubscriptionRecord | None) -> Told:
        """Register beside the former registration; where the service allows only one of them, in its place."""
        try:
            return await self._tell(wanted)
        except OperationFailed as error:
            if before is None or _at_service(before) == NOWHERE or not _refuses(error):
                raise
        await self._tell_off(before)
        await self._put(replace(self.records[wanted.place], external_id=None, location=""))
        return await self._tell(wanted)

    async def _tell(self, wanted: Wanted) -> Told:
        inputs = await self.evaluator.render(wanted.trigger.inputs, {"vars": wanted.flow.vars})
        if wanted.spec:
            _fill_in(inputs, wanted.spec.register_with)
            if wanted.spec.secret and wanted.spec.secret.parameter:
                secret = delivery_secret(self.derive, *wanted.place)
                _fill_in(inputs, {wanted.spec.secret.parameter: secret})
        inputs[CALLBACK] = wanted.callback_url
        trigger = wanted.trigger
        return inputs, await self.services.ask(trigger.connector, trigger.operation, trigger.connection, inputs)

    def _intent(self, wanted: Wanted, before: SubscriptionRecord | None) -> SubscriptionRecord:
        """Written before the service is asked: a crash in between leaves a trace, not an orphan nobody knows of."""
        return SubscriptionRecord(
            flow=wanted.flow.id,
            trigger_key=wanted.trigger.key,
            connector=wanted.trigger.connector,
            operation=wanted.trigger.operation,
            connection=wanted.trigger.connection,
            callback_url=wanted.callback_url,
            fingerprint=wanted.fingerprint(),
            state="registering",
            updated_at=self.clock.now(),
            external_id=before.external_id if before else None,
            location=before.location if before else "",
            secret_digest=before.secret_digest if before else "",
            failures=before.failures if before and before.state == "failed" else 0,
        )

    def _registered(self, wanted: Wanted, inputs: JsonObject, outputs: Outputs) -> SubscriptionRecord:
        spec = wanted.spec
        source = spec.secret.source if spec and spec.secret else None
        chosen = at_path({"response": outputs.body}, source) if source else None
        known = self.records[wanted.place]
        digest = secret_digest(self.derive, str(chosen)) if chosen else ""
        headers = {name.lower(): value for name, value in outputs.headers.items()}
        return replace(
            known,
            state="active",
            external_id=self._known_by(wanted, inputs, outputs),
            location=headers.get("location", ""),
            secret_digest=_newest(digest, known.secret_digest),
            error="",
            failures=0,
            updated_at=self.clock.now(),
        )

    def _known_by(self, wanted: Wanted, inputs: JsonObject, outputs: Outputs) -> Json:
        """The subscription's id; where no file says how it ends, the operation that would end it, with its inputs."""
        spec, trigger = wanted.spec, wanted.trigger
        if spec is None or not spec.unregister:
            ending = self.services.unsubscribing(trigger.connector, trigger.operation, inputs, outputs)
            if ending is not None:
                return {ENDED_BY: ending[0], "with": ending[1]}
        return at_path(outputs.body, spec.id if spec and spec.id else "id")

    async def _remove(self, record: SubscriptionRecord) -> None:
        self._renewed.discard(_place(record))
        try:
            async with self._gate:
                await self._tell_off(record)
        except Exception as error:  # noqa: BLE001 - see _register
            await self._failed(record, "removing", error)
            if record.failures + 1 < REMOVALS_AT_MOST:
                return
            log.warning("%s still has the webhook %s of the flow %s", record.connector, record.external_id, record.flow)
        self.records.pop(_place(record), None)
        await self.store.subscriptions.delete(*_place(record))

    async def _forget_former(self, record: SubscriptionRecord) -> None:
        """After a renewal the former registration goes; should that fail, deliveries come twice and are told apart by key."""
        try:
            async with self._gate:
                await self._tell_off(record)
        except Exception as error:  # noqa: BLE001 - see _register
            log.warning("a former webhook of %s could not be removed: %s", record.flow, _told(error))

    async def _tell_off(self, record: SubscriptionRecord) -> None:
        if _at_service(record) == NOWHERE:
            return
        operation = self.services.operation(record.connector, record.operation)
        spec = operation.webhook if operation else None
        try:
            match record.external_id:
                case {"ended_by": str(ending), "with": dict(inputs)}:
                    await self.services.ask(record.connector, ending, record.connection, inputs)
                case external_id if spec and spec.unregister and external_id is not None:
                    inputs = _filled(spec.unregister.inputs, external_id)
                    await self.services.ask(record.connector, spec.unregister.operation, record.connection, inputs)
                case _ if record.location:
                    await self.services.delete_at(
                        record.connector, record.operation, record.connection, record.location
                    )
        except OperationFailed as error:
            if error.status_code not in (404, 410):  # the service has forgotten it already
                raise

    async def _failed(self, record: SubscriptionRecord, state: str, error: Exception) -> None:
        log.warning("webhook of %s at %s: %s", record.flow, record.connector, _told(error))
        await self._put(
            replace(record, state=state, error=_told(error), failures=record.failures + 1, updated_at=self.clock.now())
        )

    async def _put(self, record: SubscriptionRecord) -> None:
        self.records[_place(record)] = record
        await self.store.subscriptions.put(record)


def _place(record: SubscriptionRecord) -> tuple[str, str]:
    return (record.flow, record.trigger_key)


def _at_service(record: SubscriptionRecord) -> tuple[Json, str]:
    """By what the service knows the registration; `NOWHERE` when it does not."""
    return (record.external_id, record.location)


def _refuses(error: OperationFailed) -> bool:
    """Whether the service understood and said no: a second registration may be what it does not want."""
    return error.status_code in (400, 403, 409, 422)


def _newest(digest: str, known: str) -> str:
    """The newest two digests: a delivery with the former secret may be under way while a webhook is renewed."""
    return " ".join(dict.fromkeys([digest, *known.split()][:2])) if digest else known


def _told(error: Exception) -> str:
    return error.message if isinstance(error, FlowEngineError) else f"{type(error).__name__} in the engine itself"


def _fill_in(inputs: JsonObject, values: Mapping[str, Json]) -> None:
    """Put values at their dotted places; what the author wrote stays."""
    for path, value in values.items():
        *way, last = path.split(".")
        place = inputs
        for part in way:
            place = place.setdefault(part, {})
        place.setdefault(last, value)


def _filled(template: Json, external_id: Json) -> Json:
    """`{id}` replaced by the subscription's id; alone, it keeps its type."""
    match template:
        case "{id}":
            return external_id
        case str():
            return template.replace("{id}", str(external_id))
        case Mapping():
            return {key: _filled(value, external_id) for key, value in template.items()}
        case _:
            return template
