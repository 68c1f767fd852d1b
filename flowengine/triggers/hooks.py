"""What stands behind `POST /hooks/{flow}/{key}`: find the trigger, recognise the sender, hand the event to dispatch."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from flowengine.connectors.response import convert
from flowengine.manifests.extensions import WebhookSpec
from flowengine.manifests.operation import Operation
from flowengine.record import record, replace
from flowengine.spec.actions import Respond
from flowengine.spec.flow import Flow
from flowengine.spec.triggers import OperationTrigger, Webhook
from flowengine.store.records import EventRecord, SubscriptionRecord
from flowengine.triggers.deliveries import Delivery, at_path, read_body, strike_out
from flowengine.triggers.dispatch import Arrival, Dispatcher
from flowengine.triggers.webhook import Refused, Secrets, check_body_secret, same, verify
from flowengine.types import Disposition, Json, is_deeper

NO_KEY = " " * 43

HookTrigger = Webhook | OperationTrigger


class Derive(Protocol):
    """Makes a secret from a label and the project's key: the same every time, and stored nowhere."""

    def __call__(self, label: str) -> str: ...


@record(frozen=True, slots=True)
class Receipt:
    """The answer to a delivery: an HTTP status, the event's record, and the run whose `respond` the caller waits for."""

    status: int
    event: EventRecord | None = None
    run_id: str | None = None
    message: str = ""


@record(frozen=True, slots=True)
class Hook:
    """One address and what is behind it."""

    flow: Flow
    trigger: HookTrigger
    key: str
    spec: WebhookSpec | None = None
    responds: bool = False


def hook_key(derive: Derive, flow_id: str, trigger_key: str) -> str:
    """The unguessable part of a trigger's address."""
    return derive(f"hook:{flow_id}:{trigger_key}")


def delivery_secret(derive: Derive, flow_id: str, trigger_key: str) -> str:
    """What the engine tells a service at registration, to find it again in each delivery."""
    return derive(f"delivery:{flow_id}:{trigger_key}")


def secret_digest(derive: Derive, secret: str) -> str:
    """How a secret that the service chose is remembered without keeping it."""
    return hmac.new(derive("delivery-digest").encode(), secret.encode(), hashlib.sha256).hexdigest()


class Hooks:
    """All addresses of the flows in force."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        derive: Derive,
        secrets: Secrets,
        enabled: Callable[[Flow], bool],
        json_depth: int,
    ) -> None:
        self.dispatcher = dispatcher
        self.derive = derive
        self.secrets = secrets
        self.enabled = enabled
        self.json_depth = json_depth
        self.counts: Counter[str] = Counter()
        self.subscriptions: Mapping[tuple[str, str], SubscriptionRecord] = {}
        self._hooks: dict[str, list[Hook]] = {}

    def arrange(self, flow: Flow, operation: Callable[[OperationTrigger], Operation | None]) -> None:
        """Open the addresses of a flow's newest version and close those of the one before."""
        responds = any(isinstance(action, Respond) for _, action in flow.walk())
        self._hooks[flow.id] = [
            self._hook(flow, trigger, operation, responds)
            for trigger in flow.triggers
            if isinstance(trigger, (Webhook, OperationTrigger))
        ]

    def close(self, flow_id: str) -> None:
        self._hooks.pop(flow_id, None)

    def address(self, flow_id: str, trigger_key: str) -> str:
        """The path of a trigger's hook."""
        return f"/hooks/{flow_id}/{hook_key(self.derive, flow_id, trigger_key)}"

    def find(self, flow_id: str, key: str) -> Hook | None:
        """The hook of that key, in a time that does not tell whether the flow exists or how near the key is."""
        hooks = self._hooks.get(flow_id, [])
        same(key, NO_KEY)  # so that an unknown flow takes as long as a known one
        held = [same(key, hook.key) for hook in hooks]
        return next((hook for hook, fits in zip(hooks, held, strict=True) if fits), None)

    async def receive(self, flow_id: str, key: str, delivery: Delivery) -> Receipt:
        """Everything from the raw delivery to the committed event."""
        hook = self.find(flow_id, key)
        if hook is None:
            self.counts["unknown_address"] += 1
            return Receipt(404, message="there is nothing at this address")
        encoding = delivery.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            # What it would become is not known before it is unpacked, and its sender cannot be told by it.
            return await self._refused(hook, delivery, Refused(415, "a compressed body is not taken: send it as it is"))
        try:
            known = self._recognise(hook, delivery)
        except Refused as refused:
            return await self._refused(hook, delivery, refused)
        value = read_body(known.body)
        if is_deeper(value, self.json_depth):
            return await self._refused(hook, known, Refused(400, f"nested deeper than {self.json_depth} levels"))
        return await self._dispatch(hook, known, value)

    async def too_large(self, flow_id: str, key: str, delivery: Delivery, limit: int) -> Receipt:
        """A body above the limit: put on record, without the body, when the address is right."""
        hook = self.find(flow_id, key)
        if hook is None:
            self.counts["unknown_address"] += 1
            return Receipt(404, message="there is nothing at this address")
        return await self._refused(hook, delivery, Refused(413, f"the body is larger than {limit} bytes"))

    async def _dispatch(self, hook: Hook, delivery: Delivery, value: Json) -> Receipt:
        arrival = Arrival(value=value, body=delivery.body, headers=delivery.headers, source=delivery.source)
        answer = hook.spec.status if hook.spec else 200
        mismatch = _mismatch(hook.spec, value)
        if mismatch:
            event = await self.dispatcher.refuse(hook.flow, hook.trigger, arrival, mismatch)
            self.counts[event.disposition] += 1
            return Receipt(answer, event)
        # Matching and telling apart read what was sent; the flow sees what the manifest promises.
        promised = convert(hook.spec.conversions, value) if hook.spec else value
        arrival = replace(arrival, value=promised, dedupe_key=_dedupe_key(hook, delivery, value))
        judged = await self.dispatcher.dispatch(hook.flow, hook.trigger, arrival, enabled=self.enabled(hook.flow))
        self.counts[judged.event.disposition] += 1
        waits = hook.responds and len(judged.runs) == 1
        return Receipt(answer, judged.event, judged.runs[0].id if waits else None)

    async def _refused(self, hook: Hook, delivery: Delivery, refused: Refused) -> Receipt:
        """The record says why and how large the body was; the sender learns only that it was refused."""
        kept = strike_out(delivery, header=hook.trigger.verify.header if isinstance(hook.trigger, Webhook) else "")
        arrival = Arrival(value=None, headers=kept.headers, source=kept.source)
        event = await self.dispatcher.refuse(hook.flow, hook.trigger, arrival, refused.reason)
        self.counts[Disposition.REJECTED] += 1
        told = "the sender was not recognised" if refused.status in (401, 403) else refused.reason
        return Receipt(refused.status, event, message=told)

    def _recognise(self, hook: Hook, delivery: Delivery) -> Delivery:
        match hook.trigger:
            case Webhook(verify=method):
                return verify(method, delivery, self.secrets, self.dispatcher.clock.now())
            case OperationTrigger() if hook.spec and hook.spec.secret:
                secret = check_body_secret(hook.spec.secret.path, delivery, lambda given: self._agreed(hook, given))
                return strike_out(delivery, secret=secret)
            case _:  # the service offers nothing but the address itself
                return strike_out(delivery)

    def _agreed(self, hook: Hook, given: str) -> bool:
        assert hook.spec is not None
        assert hook.spec.secret is not None
        if hook.spec.secret.source is None:
            return same(given, delivery_secret(self.derive, hook.flow.id, hook.trigger.key))
        subscription = self.subscriptions.get((hook.flow.id, hook.trigger.key))
        digest = secret_digest(self.derive, given)
        known = subscription.secret_digest.split() if subscription else []
        held = [same(digest, one) for one in known]  # every one is compared
        return any(held)

    def _hook(
        self,
        flow: Flow,
        trigger: HookTrigger,
        operation: Callable[[OperationTrigger], Operation | None],
        responds: bool,
    ) -> Hook:
        found = operation(trigger) if isinstance(trigger, OperationTrigger) else None
        key = hook_key(self.derive, flow.id, trigger.key)
        return Hook(flow, trigger, key, found.webhook if found else None, responds)


def _mismatch(spec: WebhookSpec | None, value: Json) -> str:
    for path, wanted in (spec.match if spec else {}).items():
        found = at_path(value, path)
        if found != wanted:
            return f'"{path}" is {found!r:.80}, and this trigger takes only {wanted!r}'
    return ""


def _dedupe_key(hook: Hook, delivery: Delivery, value: Json) -> str | None:
    """The manifest's own key, or the message id of Standard Webhooks; None when a part of it is missing."""
    if isinstance(hook.trigger, Webhook):
        return delivery.headers.get("webhook-id") if hook.trigger.verify.method == "standard-webhooks" else None
    parts = [at_path(value, path) for path in hook.spec.dedupe] if hook.spec else []
    if not parts or any(part is None for part in parts):
        return None
    return ":".join(str(part) for part in parts)
