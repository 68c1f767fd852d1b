"""The shipped connectors against the stand-ins of their services, over real sockets.

Every operation is called and every trigger registered, delivered and removed; each answer and each delivery must fit what the
connector's file promises to authors.
"""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.connectors.response import convert
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.manifests.schema import type_of
from flowengine.sandbox.server import serve
from flowengine.types import SystemClock

CATALOG = Catalog([shipped_connectors()])
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
UNTOLD = {"token", "license_id", "lc_version", "secret_key", "__priv_lc2_customer_id"}
"""What the services send and the connectors do not show."""


def misfits(connector, value, schema, path="") -> Iterator[str]:
    """Where a value is not what its schema says: another type, or a field that no schema tells of."""
    schema = connector.resolve(schema)
    wanted = type_of(schema)
    if value is None or wanted is None:
        return
    if not isinstance(value, TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        yield f"{path or 'it'} is {value!r}, not {wanted}"
    elif isinstance(value, list):
        for item in value:
            yield from misfits(connector, item, schema.get("items", {}), path)
    elif isinstance(value, dict) and "properties" in schema:
        for name, item in value.items():
            if name in schema["properties"]:
                yield from misfits(connector, item, schema["properties"][name], f"{path}.{name}".lstrip("."))
            elif name not in UNTOLD:
                yield f"{path}.{name} is not told of".lstrip(".")


class Service:
    """A connector, its stand-in, and a connection between them."""

    def __init__(self, client, stand_in):
        self.client = client
        self.stand_in = stand_in
        self.connector = CATALOG.get(stand_in.name)
        self.connection = Connection(
            name=stand_in.name,
            connector=stand_in.name,
            parameters=stand_in.credentials,
            base_url=stand_in.url,
            allow_private_network=True,
            limits=((10_000, 1.0),),
        )
        self.called = set()
        stand_in.window.limit = None

    async def call(self, operation, **inputs):
        """The answer's body, once it has been held against the manifest."""
        found = self.connector.operation(operation)
        outputs = await self.client.call(
            self.connector, found, inputs, self.connection, idempotency_key=f"run:{operation}"
        )
        self.called.add(operation)
        if found.trigger_kind is None:
            assert list(misfits(self.connector, outputs.body, found.returns)) == [], operation
        return outputs.body

    async def signal(self, name, **given):
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.stand_in.control_url}/{name}", json=given)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def register(self, inbox):
        """Register every trigger as the engine does; each id with its trigger."""
        ids = {}
        for one in self.triggers():
            secret = one.webhook.secret
            made = {secret.parameter: "s3cret"} if secret and secret.parameter else {}
            body = await self.call(one.id, **made, **{"$callback_url": f"{inbox.url}/{one.id}"})
            ids[one.id] = body[one.webhook.id]
        return ids

    def triggers(self):
        return [one for one in self.connector.operations.values() if one.kind == "trigger"]

    def actions(self):
        return {one.id for one in self.connector.operations.values() if one.kind == "action"}


class Inbox:
    """A server that keeps what is delivered to it, by the last part of the path."""

    def __init__(self):
        self.got = {}

    async def take(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:  # the stand-in closed a connection that it did not use
            writer.close()
            return
        length = next(
            int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")
        )
        body = await reader.readexactly(length)
        self.got.setdefault(head.split()[1].strip("/"), []).append(httpx.Response(200, content=body).json())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    def hold_against(self, service):
        """Each delivery fits its trigger's promise, carries its secret and has a key to tell it from others."""
        for one in service.triggers():
            assert one.id in self.got, f"{one.id} was never delivered"
            for body in self.got[one.id]:
                assert list(misfits(service.connector, convert(one.response, body), one.notification)) == [], one.id
                if one.webhook.secret:
                    assert at(body, one.webhook.secret.path)
                for path, value in one.webhook.match.items():
                    assert at(body, path) == value
                assert all(at(body, path) for path in one.webhook.dedupe), one.id


def at(value, path):
    for part in path.split("."):
        value = value[part]
    return value


@pytest.fixture
async def inbox():
    held = Inbox()
    server = await asyncio.start_server(held.take, "127.0.0.1", 0)
    held.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield held


@pytest.fixture
async def service(request):
    async with Client(Settings(allow_private_network=True), SystemClock()) as client, serve(request.param) as stand_in:
        yield Service(client, stand_in)


only = pytest.mark.parametrize


@only("service", ["livechat"], indirect=True)
async def test_livechat(service, inbox):
    ids = await service.register(inbox)
    ticket = await service.call("CreateTicket", message="Help", requester={"mail": "jo@example.com"}, subject="Refund")
    assert ticket["date"].endswith("Z")
    agents = await service.call("ListAgents")
    updated = await service.call(
        "UpdateTicket", ticketId=ticket["id"], requester={"mail": "jo@example.com"}, assignee={"id": agents[0]["login"]}
    )
    assert updated["assignee"]["id"] == agents[0]["login"]
    assert (await service.call("GetTicket", ticketId=ticket["id"]))["subject"] == "Refund"
    assert ticket["id"] in [one["id"] for one in await service.call("ListTickets")]
    await service.call("CreateAgent", login="new@example.com", name="New")
    await service.call("DeleteAgent", login="new@example.com")
    await service.signal("chat-start")
    await service.signal("chat-end")
    await service.stand_in.settled()
    inbox.hold_against(service)
    for id_ in ids.values():
        await service.call("DeleteHook", hookId=id_)
    assert service.actions() <= service.called


@only("service", ["comm100"], indirect=True)
async def test_comm100(service, inbox):
    ids = await service.register(inbox)
    agent = (await service.call("ListAgentsStatus"))[0]
    await service.call("UpdateAgentStatus", id=agent["id"], status="away")
    assert (await service.call("GetAgentStatus", id=agent["id"]))["status"] == "Away"
    visitor = (await service.call("ListVisitors"))[0]
    variables = [{"name": "order", "value": "7"}]
    await service.call("UpdateVisitorCustomVariables", id=visitor["id"], customVariables=variables)
    assert (await service.call("GetVisitor", id=visitor["id"]))["customVariableResults"][0]["value"] == "7"
    for name in ("chat-request", "chat-start", "chat-transfer", "chat-end", "chat-wrap-up", "offline-message"):
        await service.signal(name)
    await service.stand_in.settled()
    inbox.hold_against(service)
    hook = await service.call("CreateWebhook", event="chatEnds", targetUrl=inbox.url)
    await service.call("UpdateWebhook", id=hook["id"], event="chatStarts", targetUrl=inbox.url)
    assert (await service.call("GetWebhook", id=hook["id"]))["event"] == "chatStarts"
    for id_ in [*ids.values(), hook["id"]]:
        await service.call("DeleteWebhook", id=id_)
    assert await service.call("ListWebhooks") == []
    assert service.actions() == service.called - {one.id for one in service.triggers()}


@only("service", ["livechat-agent"], indirect=True)
async def test_livechat_agent(service, inbox):
    ids = await service.register(inbox)
    await talk(service)
    await customers(service)
    await statuses(service)
    for action, payload in UNPROVOKED.items():
        await service.signal("webhook", action=action, **({"payload": payload} if payload is not None else {}))
    await service.stand_in.settled()
    inbox.hold_against(service)
    assert len(await service.call("ListWebhooks")) == len(ids)
    for id_ in ids.values():
        await service.call("UnregisterWebhook", id=id_)
    assert await service.call("ListWebhooks") == []
    assert service.actions() == service.called - {one.id for one in service.triggers()}


async def talk(service):
    """A chat from its start to its archive, with everything that can be done to it."""
    started = await service.signal("chat-start")
    chat, thread = started["chat"]["id"], started["chat"]["thread"]["id"]
    here = {"chat_id": chat, "thread_id": thread}
    tag = {"0805e283233042b37f460ed8fbf22160": {"order": "7"}}
    untag = {"0805e283233042b37f460ed8fbf22160": ["order"]}
    event = (await service.call("SendEvent", chat_id=chat, event={"type": "message", "text": "Hello"}))["event_id"]
    sent = (await service.call("GetChat", **here))["thread"]["events"][-1]
    assert sent["custom_id"] == "run:SendEvent"
    file = {"$content-type": "text/plain", "$content": "aGVsbG8="}
    url = (await service.call("UploadFile", file=file))["url"]
    await service.call("SendEvent", chat_id=chat, event={"type": "file", "url": url})
    cards = {
        "type": "rich_message",
        "template_id": "quick_replies",
        "elements": [{"buttons": [{"postback_id": "yes"}]}],
    }
    rich = (await service.call("SendEvent", chat_id=chat, event=cards))["event_id"]
    await service.call("SendRichMessagePostback", **here, event_id=rich, postback={"id": "yes", "toggled": True})
    await service.call("UpdateChatProperties", id=chat, properties=tag)
    await service.call("UpdateThreadProperties", **here, properties=tag)
    await service.call("UpdateEventProperties", **here, event_id=event, properties=tag)
    await service.call("DeleteChatProperties", id=chat, properties=untag)
    await service.call("DeleteThreadProperties", **here, properties=untag)
    await service.call("DeleteEventProperties", **here, event_id=event, properties=untag)
    await service.call("TagThread", **here, tag="refund")
    await service.call("UntagThread", **here, tag="refund")
    await service.call("MarkEventsAsSeen", chat_id=chat, seen_up_to="2026-03-01T09:30:00.000000Z")
    await service.call("SendTypingIndicator", chat_id=chat, is_typing=True)
    free = (await service.call("ListAgentsForTransfer", chat_id=chat))[0]["agent_id"]
    user = {"chat_id": chat, "user_id": free, "user_type": "agent", "ignore_requester_presence": True}
    await service.call("AddUserToChat", **user, visibility="all")
    await service.call("RemoveUserFromChat", **user)
    await service.call("TransferChat", id=chat, target={"type": "agent", "ids": [free]}, ignore_requester_presence=True)
    await service.call("FollowChat", id=chat)
    await service.call("UnfollowChat", id=chat)
    assert chat in [one["id"] for one in (await service.call("ListChats", limit=100))["chats_summary"]]
    await service.call("DeactivateChat", id=chat, ignore_requester_presence=True)
    await service.call("ResumeChat", chat={"id": chat})
    assert len((await service.call("ListThreads", chat_id=chat))["threads"]) == 2
    await service.call("StartChat", chat={"thread": {"events": [{"type": "message", "text": "Hi"}]}})
    await service.call("ListArchives", filters={"event_types": {"values": ["message"]}})


async def customers(service):
    id_ = (await service.call("CreateCustomer", name="Jo", email="jo@example.com"))["customer_id"]
    await service.call("UpdateCustomer", id=id_, session_fields=[{"plan": "gold"}])
    assert (await service.call("GetCustomer", id=id_))["email"] == "jo@example.com"
    await service.call("FollowCustomer", id=id_)
    await service.call("UnfollowCustomer", id=id_)
    await service.call("BanCustomer", id=id_, ban={"days": 1})


async def statuses(service):
    await service.call("SetRoutingStatus", status="not_accepting_chats")
    assert {one["status"] for one in await service.call("ListRoutingStatuses")} >= {"not_accepting_chats"}
    await service.call("Multicast", recipients={"agents": {"all": True}}, content={"any": ["thing"]})


CHAT = {"chat_id": "PJ0MRSHTDG", "thread_id": "K600PKZON8"}
UNPROVOKED = {
    "chat_access_updated": {"id": "PJ0MRSHTDG", "access": {"group_ids": [1]}},
    "event_deleted": {**CHAT, "event_id": "K600PKZON8_1"},
    "event_updated": {**CHAT, "event": {"id": "K600PKZON8_1", "type": "message", "text": "Mended"}},
    "customer_session_fields_updated": {"id": "c1", "active_chat": CHAT, "session_fields": [{"plan": "gold"}]},
    "thread_summary_set": {
        **CHAT,
        "summary": {"status": "ready", "text": "A refund.", "updated_at": "2026-03-01T09:30:00.000000Z"},
    },
} | dict.fromkeys(
    (
        *("agent_created", "agent_approved", "agent_updated", "agent_suspended", "agent_unsuspended", "agent_deleted"),
        *("auto_accesses_updated", "bot_created", "bot_updated", "bot_deleted"),
        *("group_created", "group_updated", "group_deleted", "tag_created", "tag_updated", "tag_deleted"),
    )
)
"""Webhooks that nothing above provokes; None: the stand-in's own example."""
