"""The stand-ins and the shipped manifests mean the same services: every trigger is delivered in its declared shape."""

from collections.abc import Iterator

import jsonschema_rs
import pytest

from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.manifests.operation import Operation
from flowengine.sandbox.comm100_webhooks import EVENTS
from flowengine.types import Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMESPACE = "0805e283233042b37f460ed8fbf22160"
CATALOG = Catalog([shipped_connectors()])


def triggers(name: str) -> list[Operation]:
    return [one for one in CATALOG.get(name).operations.values() if one.kind == "trigger"]


def at(value: Json, path: str) -> Json:
    for part in path.split("."):
        value = value[part]
    return value


def fits(trigger: Operation, body: Json) -> bool:
    """Whether a delivery is one of this trigger's."""
    return all(at(body, path) == wanted for path, wanted in trigger.webhook.match.items())


def mistakes(trigger: Operation, body: Json) -> Iterator[str]:
    """Where a delivery differs from what the manifest declares."""
    definitions = dict(CATALOG.get(trigger.connector).definitions)
    validator = jsonschema_rs.validator_for({**trigger.notification, "definitions": definitions})
    for error in validator.iter_errors(body):
        yield f"{trigger.id}: {'.'.join(map(str, error.instance_path))}: {error.message}"
    for path in trigger.webhook.dedupe:
        if at(body, path) in (None, ""):
            yield f"{trigger.id}: nothing at {path}, which tells deliveries apart"


def check(name: str, received: list[Json], known: set[str] | None = None) -> None:
    told = []
    for trigger in triggers(name):
        bodies = [body for body in received if fits(trigger, body)]
        if known is None or trigger.id in known:
            assert bodies, f"{trigger.id} was never delivered"
        told += [mistake for body in bodies for mistake in mistakes(trigger, body)]
    assert told == []


async def test_livechat_version_2(livechat):
    for path in ("chat_starts_webhook", "chat_ends_webhook", "ticket_created_webhook"):
        await livechat.client.post(f"/{path}/webhooks", json={"url": livechat.receiver.url})
    for signal in ("chat-start", "chat-message", "chat-end", "ticket"):
        await livechat.happen(signal)
    received = [body for body in livechat.receiver.received if body["event_type"] == "ticket_created"]
    assert len(livechat.receiver.received) == 3
    check("livechat", received, {"WebhookTicketCreated"})


async def test_comm100(comm100):
    for event in EVENTS:
        given = {"event": event, "targetUrl": comm100.receiver.url}
        await comm100.client.post("/v4/livechat/webhooks", json=given)
    by_trigger = {}
    for trigger, signal in (
        ("ChatIsRequested", "chat-request"),
        ("ChatStarts", "chat-start"),
        ("ChatIsTransferred", "chat-transfer"),
        ("ChatEnds", "chat-end"),
        ("ChatIsWrappedUp", "chat-wrap-up"),
        ("OfflineMessageIsSubmitted", "offline-message"),
        ("AgentStatusChanges", "agent-status"),
    ):
        await comm100.happen(signal)
        by_trigger[trigger] = comm100.receiver.received[-1]
    operations = CATALOG.get("comm100").operations
    told = [mistake for trigger, body in by_trigger.items() for mistake in mistakes(operations[trigger], body)]
    assert told == []


async def test_agent_chat(agent):
    for trigger in triggers("livechat-agent"):
        action = trigger.webhook.match["action"]
        hook = {"action": action, "secret_key": "s", "url": agent.receiver.url, "type": "license"}
        await agent.done("register_webhook", api="configuration", **hook)
    chat_id = (await agent.happen("chat-start"))["chat"]["id"]
    thread_id = (await agent.done("get_chat", chat_id=chat_id))["thread"]["id"]
    thread = {"chat_id": chat_id, "thread_id": thread_id}
    rich = {"type": "rich_message", "template_id": "cards"}
    event_id = (await agent.done("send_event", chat_id=chat_id, event=rich))["event_id"]
    postback = {"id": "yes", "toggled": True}
    await agent.done("send_rich_message_postback", **thread, event_id=event_id, postback=postback)
    for what, where in (("chat", {"id": chat_id}), ("thread", thread), ("event", thread | {"event_id": event_id})):
        await agent.done(f"update_{what}_properties", **where, properties={NAMESPACE: {"string_property": "x"}})
        await agent.done(f"delete_{what}_properties", **where, properties={NAMESPACE: ["string_property"]})
    await agent.done("tag_thread", **thread, tag="refund")
    await agent.done("untag_thread", **thread, tag="refund")
    await agent.done("mark_events_as_seen", chat_id=chat_id, seen_up_to="2026-03-02T09:00:00Z")
    await agent.done("set_routing_status", status="accepting_chats")
    customer = (await agent.done("get_chat", chat_id=chat_id))["users"][0]["id"]
    await agent.done("update_customer", id=customer, session_fields=[{"plan": "gold"}])
    await agent.done("transfer_chat", id=chat_id, target={"type": "group", "ids": [1]})
    await agent.done("deactivate_chat", id=chat_id, ignore_requester_presence=True)
    event = {"id": "E_1", "type": "message", "text": "x", "created_at": "2026-03-02T09:00:00Z"}
    summary = {"status": "done", "text": "A refund.", "updated_at": "2026-03-02T09:00:00Z"}
    for action, payload in (
        ("event_deleted", thread | {"event_id": "E_1"}),
        ("event_updated", thread | {"event": event}),
        ("thread_summary_set", thread | {"summary": summary}),
    ):
        await agent.happen("webhook", action=action, payload=payload)
    heard = {body["action"] for body in agent.receiver.received}
    for trigger in triggers("livechat-agent"):
        if trigger.webhook.match["action"] not in heard:
            await agent.happen("webhook", action=trigger.webhook.match["action"])

    check("livechat-agent", agent.receiver.received)


@pytest.mark.parametrize("name", ["livechat", "livechat-agent", "comm100"])
async def test_the_credentials_are_parameters_of_the_connection(name, livechat, agent, comm100):
    benches = {"livechat": livechat, "livechat-agent": agent, "comm100": comm100}
    known = {one.name.rpartition(":")[2] for one in CATALOG.get(name).connection.parameters}
    assert set(benches[name].server.credentials) <= known
