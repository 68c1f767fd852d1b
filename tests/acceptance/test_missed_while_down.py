"""What happens at LiveChat while the engine is down starts its runs when the engine is back, once."""

from __future__ import annotations

import asyncio
import json

from flowengine.sandbox.server import serve
from tests.fakes.projects import make_project, served
from tests.fakes.stand_ins import connections_to, happens

FLOWS = {
    "greet": """
flow: Greet
trigger: {use: livechat-agent.IncomingChat}
actions: [{log: "{{ trigger.payload.chat.id }} {{ trigger.payload.chat.thread.id }}"}]
""",
    "tag": """
flow: Tag
trigger: {use: livechat-agent.ChatDeactivated}
actions: [{log: "{{ trigger.payload.chat_id }} {{ trigger.payload.thread_id }}"}]
""",
    "assign": """
flow: Assign
trigger: {use: livechat.WebhookTicketCreated}
actions: [{log: "{{ trigger.ticket.subject }}"}]
""",
}


async def count(app, flow: str, runs: int) -> None:
    """The flow has so many runs, and stays at that."""
    async with asyncio.timeout(10):
        while len(await app.store.runs.list(flow)) < runs:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    assert len(await app.store.runs.list(flow)) == runs


async def test_what_was_missed_is_asked_for_and_runs_once(tmp_path):
    async with serve("livechat", fast_retries=True) as desk, serve("livechat-agent", fast_retries=True) as chats:
        project = make_project(tmp_path, FLOWS, connections_to(desk, chats))
        await asyncio.sleep(1.1)  # the tickets that the stand-in begins with are from before, by the second
        async with served(project) as (server, _):
            await server.app.triggers.settled()
            await happens(chats, "chat-start")
            await happens(chats, "chat-end")
            await happens(desk, "ticket", subject="heard")
            for flow in FLOWS:
                await count(server.app, flow, 1)
        await happens(chats, "chat-start")
        await happens(chats, "chat-end")
        await happens(chats, "chat-start")
        await happens(desk, "ticket", subject="missed")
        async with served(project) as (server, _):
            await server.app.triggers.settled()
            await count(server.app, "assign", 2)
            await count(server.app, "greet", 3)
            await count(server.app, "tag", 2)
            (missed, _) = await server.app.store.events.list("assign", ["started"])
            assert missed.source == "livechat.ListTickets"
            assert json.loads(missed.body)["ticket"]["subject"] == "missed"
            await happens(chats, "chat-start")
            await count(server.app, "greet", 4)


async def test_a_list_that_cannot_be_had_is_on_record_and_asked_for_until_it_can(tmp_path):
    async with serve("livechat", fast_retries=True) as desk:
        project = make_project(tmp_path, {"assign": FLOWS["assign"]}, connections_to(desk))
        await asyncio.sleep(1.1)  # the tickets that the stand-in begins with are from before, by the second
        async with served(project) as (server, _):
            await server.app.triggers.settled()
        await happens(desk, "ticket", subject="missed")
        await happens(desk, "faults", kind="status", status=500, match="GET /tickets", times=1)
        async with served(project) as (server, _):
            triggers = server.app.triggers
            await triggers.settled()
            (event,) = await server.app.store.events.list("assign", ["failed"])
            assert "could not be asked for" in event.reason["message"]
            await triggers.catch_up.round(triggers._wanted(), triggers.subscriptions.records)
            await count(server.app, "assign", 1)


async def test_what_happens_while_a_flow_is_switched_off_is_nobodys_loss(tmp_path):
    async with serve("livechat", fast_retries=True) as desk:
        project = make_project(tmp_path, {"assign": FLOWS["assign"]}, connections_to(desk))
        async with served(project) as (server, _):
            triggers = server.app.triggers
            await triggers.settled()
            await triggers.switch("assign", on=False)
            await triggers.settled()
            await happens(desk, "ticket", subject="off")
            await triggers.switch("assign", on=True)
            await triggers.settled()
            await count(server.app, "assign", 0)
