"""The Agent Chat API v3.6: every method by its happy path, with the webhooks that follow from it."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from flowengine.sandbox.livechat_agent.hooks import ACTIONS
from flowengine.sandbox.livechat_agent.table import AGENT_CHAT
from flowengine.sandbox.livechat_agent.tokens import AGENT_TOKEN, OWNER

pytestmark = pytest.mark.asyncio(loop_scope="module")

FACTS = Path(__file__).parents[4] / "shared" / "facts"
NAMESPACE = "0805e283233042b37f460ed8fbf22160"
HELLO = {"type": "message", "text": "Hello"}


async def listen(agent, *actions: str) -> None:
    """Register a webhook for each action."""
    for action in actions:
        given = {"action": action, "secret_key": "s3cret", "url": agent.receiver.url, "type": "license"}
        await agent.done("register_webhook", api="configuration", owner_client_id="sandbox-client-id", **given)


def told(agent) -> list[str]:
    """The actions that were delivered."""
    return [body["action"] for body in agent.receiver.received]


def payload(agent, action: str) -> dict:
    return next(body["payload"] for body in agent.receiver.received if body["action"] == action)


async def started(agent, **given) -> tuple[str, str]:
    """A chat of a customer with the owner, by the control endpoint."""
    chat = (await agent.happen("chat-start", **given))["chat"]
    return chat["id"], chat["thread"]["id"]


@pytest.mark.skipif(not FACTS.is_dir(), reason="the documented facts are not beside this checkout")
async def test_the_table_is_what_is_documented():
    methods = {m["action"]: m for m in json.loads((FACTS / "livechat_web_v36.json").read_text())["methods"]}
    assert set(methods) == {*AGENT_CHAT, "upload_file"}
    for name, method in AGENT_CHAT.items():
        needed = {p["name"] for p in methods[name]["params"] if p["required"]}
        assert {".".join(p.path) for p in method.parameters if p.required} - {"chat.thread.events.type"} - {
            "event.type"
        } == needed, name
        assert set(method.scopes) == set(methods[name]["scopes"]), name
    hooks = json.loads((FACTS / "livechat_webhooks_v36.json").read_text())["webhooks"]
    assert {hook["action"] for hook in hooks} | {"incoming_customer"} == set(ACTIONS)


async def test_a_chat_is_started_with_its_customer_and_events(agent):
    await listen(agent, "incoming_chat")
    customer = (await agent.done("create_customer", name="Ann", email="ann@example.com"))["customer_id"]
    chat = {
        "users": [{"id": customer, "type": "customer"}, {"id": "adam@example.com", "type": "agent"}],
        "properties": {NAMESPACE: {"source": "shop"}},
        "thread": {"events": [HELLO], "properties": {NAMESPACE: {"n": 1}}},
        "access": {"group_ids": [0, 1]},
    }
    made = await agent.done("start_chat", chat=chat)
    assert set(made) == {"chat_id", "thread_id", "event_ids"}

    read = await agent.done("get_chat", chat_id=made["chat_id"])
    assert set(read) == {"id", "thread", "users", "properties", "access", "is_followed"}
    assert read["thread"]["events"][0]["id"] == made["event_ids"][0]
    assert {user["id"] for user in read["users"]} == {OWNER, "adam@example.com", customer}
    assert read["properties"] == {NAMESPACE: {"source": "shop"}}
    assert read["access"] == {"group_ids": [0, 1]}
    assert read["thread"]["customer_visit"]["geolocation"]["country_code"] == "PL"
    [body] = agent.receiver.received
    assert set(body) == {"webhook_id", "secret_key", "action", "organization_id", "payload", "additional_data"}
    assert body["secret_key"] == "s3cret"
    assert body["payload"]["chat"]["thread"]["events"] == read["thread"]["events"]


async def test_a_chat_ends_and_is_resumed_in_a_new_thread(agent):
    await listen(agent, "incoming_chat", "chat_deactivated")
    chat_id, first = await started(agent)
    assert await agent.done("deactivate_chat", id=chat_id) == {}
    made = await agent.done("resume_chat", chat={"id": chat_id, "thread": {"events": [HELLO]}}, continuous=True)

    assert told(agent) == ["incoming_chat", "chat_deactivated", "incoming_chat"]
    assert payload(agent, "chat_deactivated") == {"chat_id": chat_id, "thread_id": first, "user_id": OWNER}
    threads = (await agent.done("list_threads", chat_id=chat_id))["threads"]
    assert [thread["id"] for thread in threads] == [made["thread_id"], first]
    assert [thread["active"] for thread in threads] == [True, False]
    assert threads[0]["previous_thread_id"] == first
    assert threads[1]["next_thread_id"] == made["thread_id"]
    assert (await agent.done("get_chat", chat_id=chat_id, thread_id=first))["thread"]["id"] == first
    archives = await agent.done("list_archives")
    assert [chat["thread"]["id"] for chat in archives["chats"]] == [first]
    assert archives["found_chats"] == 1


async def test_an_inactive_thread_can_be_started_without_anybody_being_told(agent):
    await listen(agent, "incoming_chat")
    made = await agent.done("start_chat", active=False)
    assert set(made) == {"chat_id", "thread_id"}
    assert told(agent) == []
    summary = (await agent.done("list_chats", filters={"active": False}))["chats_summary"][0]
    assert summary["id"] == made["chat_id"]
    assert summary["last_thread_summary"]["active"] is False


async def test_list_chats_gives_summaries(agent):
    chat_id, thread_id = await started(agent, message="A question")
    listed = await agent.done("list_chats")
    [summary] = listed["chats_summary"]
    assert listed["found_chats"] == 1
    assert set(summary) == {
        "id",
        "last_event_per_type",
        "users",
        "last_thread_summary",
        "properties",
        "access",
        "is_followed",
    }
    last = summary["last_event_per_type"]["message"]
    assert (last["thread_id"], last["event"]["text"]) == (thread_id, "A question")
    assert summary["id"] == chat_id


async def test_following_and_unfollowing(agent):
    chat_id, _ = await started(agent)
    for action in ("follow_chat", "unfollow_chat"):
        answer = await agent.do(action, token=AGENT_TOKEN, id=chat_id)
        assert (answer.status_code, answer.json()) == (200, {})
    member = await agent.do("unfollow_chat", id=chat_id)
    assert member.json()["error"]["type"] == "validation"
    customer = (await agent.done("get_chat", chat_id=chat_id))["users"][0]["id"]
    for action in ("follow_customer", "unfollow_customer"):
        assert await agent.done(action, id=customer) == {}


async def test_a_chat_is_transferred_to_another_group(agent):
    await listen(agent, "chat_transferred", "chat_access_updated", "user_added_to_chat", "user_removed_from_chat")
    chat_id, thread_id = await started(agent)
    assert await agent.done("transfer_chat", id=chat_id, target={"type": "group", "ids": [1]}) == {}

    assert sorted(told(agent)) == sorted(
        ["chat_transferred", "user_removed_from_chat", "user_added_to_chat", "chat_access_updated"]
    )
    transfer = payload(agent, "chat_transferred")
    assert transfer["transferred_to"] == {"group_ids": [1]}
    assert (transfer["thread_id"], transfer["reason"]) == (thread_id, "manual")
    assert payload(agent, "user_added_to_chat")["user"]["id"] == "beata@example.com"
    assert payload(agent, "user_removed_from_chat")["user_type"] == "agent"
    assert payload(agent, "chat_access_updated") == {"id": chat_id, "access": {"group_ids": [1]}}


async def test_a_chat_is_transferred_to_an_agent_or_queued(agent):
    await listen(agent, "chat_transferred")
    chat_id, _ = await started(agent)
    target = {"type": "agent", "ids": ["adam@example.com"]}
    await agent.done("set_routing_status", status="not_accepting_chats", agent_id="adam@example.com")
    refused = await agent.do("transfer_chat", id=chat_id, target=target)
    assert (refused.status_code, refused.json()["error"]["type"]) == (422, "agent_offline")
    await agent.done("transfer_chat", id=chat_id, target=target, ignore_agents_availability=True)
    assert payload(agent, "chat_transferred")["queue"]["position"] == 1
    assert payload(agent, "chat_transferred")["transferred_to"] == {"agent_ids": ["adam@example.com"]}

    await agent.done("set_routing_status", status="accepting_chats", agent_id="adam@example.com")
    await agent.done("transfer_chat", id=chat_id, target=target, ignore_requester_presence=True)
    users = (await agent.done("get_chat", chat_id=chat_id))["users"]
    assert "adam@example.com" in [user["id"] for user in users]


async def test_users_are_added_and_removed(agent):
    await listen(agent, "user_added_to_chat", "user_removed_from_chat")
    chat_id, _ = await started(agent)
    adam = {"chat_id": chat_id, "user_id": "adam@example.com", "user_type": "agent"}
    assert await agent.done("add_user_to_chat", visibility="agents", **adam) == {}
    assert payload(agent, "user_added_to_chat")["user"]["visibility"] == "agents"
    whispered = await agent.do("send_event", token=AGENT_TOKEN, chat_id=chat_id, event=HELLO)
    assert whispered.json()["error"]["type"] == "validation"
    note = HELLO | {"visibility": "agents"}
    assert (await agent.do("send_event", token=AGENT_TOKEN, chat_id=chat_id, event=note)).status_code == 200

    assert (await agent.do("add_user_to_chat", visibility="all", **adam)).status_code == 400
    assert await agent.done("remove_user_from_chat", **adam) == {}
    assert payload(agent, "user_removed_from_chat")["user_id"] == "adam@example.com"
    assert (await agent.do("remove_user_from_chat", **adam)).status_code == 404
    second = (await agent.done("create_customer"))["customer_id"]
    customer = {"chat_id": chat_id, "user_id": second, "user_type": "customer", "visibility": "all"}
    assert (await agent.do("add_user_to_chat", **customer)).json()["error"]["type"] == "limit_reached"


async def test_events_are_sent_and_told(agent):
    await listen(agent, "incoming_event")
    chat_id, thread_id = await started(agent)
    sent = await agent.done("send_event", chat_id=chat_id, event=HELLO | {"custom_id": "run-1:greet"})
    assert sent == {"event_id": f"{thread_id}_2"}
    event = payload(agent, "incoming_event")["event"]
    assert event["custom_id"] == "run-1:greet"
    assert (event["author_id"], event["visibility"], event["text"]) == (OWNER, "all", "Hello")
    assert (await agent.control("requests?count=1"))["by_key"] == {"run-1:greet": 1}

    await agent.happen("chat-message", text="From the customer")
    assert agent.receiver.received[-1]["payload"]["event"]["text"] == "From the customer"


async def test_a_file_is_uploaded_sent_and_fetched_for_a_day(agent):
    chat_id, _ = await started(agent)
    upload = {"file": ("cup.png", b"\x89PNG broken cup", "image/png")}
    url = (await agent.client.post("/v3.6/agent/action/upload_file", files=upload)).json()["url"]
    await agent.done("send_event", chat_id=chat_id, event={"type": "file", "url": url})
    event = (await agent.done("get_chat", chat_id=chat_id))["thread"]["events"][-1]
    assert (event["name"], event["content_type"], event["size"]) == ("cup.png", "image/png", 15)

    assert (await agent.client.get(url)).content == upload["file"][1]
    agent.clock.forward(hours=25)
    assert (await agent.client.get(url)).status_code == 404
    elsewhere = {"type": "file", "url": "https://files.example.com/cup.png"}
    assert (await agent.do("send_event", chat_id=chat_id, event=elsewhere)).status_code == 400
    known = {"type": "file", "url": "https://cdn.livechat-files.com/api/file/x/cup.png"}
    assert (await agent.do("send_event", chat_id=chat_id, event=known)).status_code == 200


async def test_a_postback_of_a_rich_message(agent):
    await listen(agent, "incoming_rich_message_postback")
    chat_id, thread_id = await started(agent)
    rich = {"type": "rich_message", "template_id": "quick_replies", "elements": [{"title": "Was it good?"}]}
    event_id = (await agent.done("send_event", chat_id=chat_id, event=rich))["event_id"]
    where = {"chat_id": chat_id, "thread_id": thread_id}
    button = {"id": "yes", "toggled": True}
    assert await agent.done("send_rich_message_postback", **where, event_id=event_id, postback=button) == {}
    assert payload(agent, "incoming_rich_message_postback")["postback"] == button
    wrong = await agent.do("send_rich_message_postback", **where, event_id=f"{thread_id}_1", postback=button)
    assert wrong.json()["error"]["type"] == "validation"


@pytest.mark.parametrize("what", ["chat", "thread", "event"])
async def test_properties_are_merged_deleted_and_told(agent, what):
    await listen(agent, f"{what}_properties_updated", f"{what}_properties_deleted")
    chat_id, thread_id = await started(agent)
    where = {
        "chat": {"id": chat_id},
        "thread": {"chat_id": chat_id, "thread_id": thread_id},
        "event": {"chat_id": chat_id, "thread_id": thread_id, "event_id": f"{thread_id}_1"},
    }[what]

    async def held() -> dict:
        chat = await agent.done("get_chat", chat_id=chat_id)
        holder = {"chat": chat, "thread": chat["thread"], "event": chat["thread"]["events"][0]}[what]
        return holder.get("properties", {})

    assert await agent.done(f"update_{what}_properties", **where, properties={NAMESPACE: {"a": 1, "b": 2}}) == {}
    await agent.done(f"update_{what}_properties", **where, properties={NAMESPACE: {"b": 3}})
    assert await held() == {NAMESPACE: {"a": 1, "b": 3}}
    assert await agent.done(f"delete_{what}_properties", **where, properties={NAMESPACE: ["a"]}) == {}
    assert await held() == {NAMESPACE: {"b": 3}}
    await agent.done(f"delete_{what}_properties", **where, properties={NAMESPACE: ["b"]})
    assert await held() == {}

    assert payload(agent, f"{what}_properties_updated")["properties"] == {NAMESPACE: {"a": 1, "b": 2}}
    assert payload(agent, f"{what}_properties_deleted")["properties"] == {NAMESPACE: ["a"]}
    for action, wrong in (("update", ["a"]), ("delete", {"a": 1})):
        answer = await agent.do(f"{action}_{what}_properties", **where, properties={NAMESPACE: wrong})
        assert answer.json()["error"]["type"] == "validation"


async def test_threads_are_tagged_and_untagged(agent):
    await listen(agent, "thread_tagged", "thread_untagged")
    chat_id, thread_id = await started(agent)
    given = {"chat_id": chat_id, "thread_id": thread_id, "tag": "refund"}
    assert await agent.done("tag_thread", **given) == {}
    assert (await agent.do("tag_thread", **given)).status_code == 400
    assert (await agent.done("get_chat", chat_id=chat_id))["thread"]["tags"] == ["refund"]
    assert await agent.done("untag_thread", **given) == {}
    assert (await agent.do("untag_thread", **given)).status_code == 404
    assert payload(agent, "thread_tagged") == payload(agent, "thread_untagged") == given


async def test_customers_are_created_read_changed_and_banned(agent):
    await listen(agent, "incoming_customer", "customer_session_fields_updated")
    given = {"name": "Ann", "email": "ann@example.com", "session_fields": [{"plan": "gold"}]}
    customer_id = (await agent.done("create_customer", **given))["customer_id"]
    assert UUID(customer_id).version == 4
    customer = await agent.done("get_customer", id=customer_id)
    assert {key: customer[key] for key in given} == given
    assert customer["statistics"]["chats_count"] == 0
    assert len(customer["last_visit"]["last_pages"]) == 2

    chat_id, thread_id = await started(agent, customer_id=customer_id)
    fields = [{"plan": "silver"}]
    assert await agent.done("update_customer", id=customer_id, session_fields=fields) == {}
    assert payload(agent, "customer_session_fields_updated") == {
        "id": customer_id,
        "session_fields": fields,
        "active_chat": {"chat_id": chat_id, "thread_id": thread_id},
    }
    assert payload(agent, "incoming_customer")["customer"]["name"] == "Ann"
    assert (await agent.done("get_customer", id=customer_id))["chat_ids"] == [chat_id]
    assert await agent.done("ban_customer", id=customer_id, ban={"days": 3}) == {}
    assert (await agent.done("get_customer", id=customer_id))["banned_until"].startswith("2026-03-05")
    nothing = await agent.do("update_customer", id=customer_id)
    assert "session_fields" in nothing.json()["error"]["message"]


async def test_routing_statuses_are_set_and_listed(agent):
    await listen(agent, "routing_status_set")
    assert await agent.done("set_routing_status", status="not_accepting_chats") == {}
    assert payload(agent, "routing_status_set") == {"agent_id": OWNER, "status": "not_accepting_chats"}
    listed = await agent.done("list_routing_statuses", filters={"group_ids": [1]})
    assert listed == [
        {"agent_id": OWNER, "status": "not_accepting_chats"},
        {"agent_id": "beata@example.com", "status": "accepting_chats"},
    ]
    assert (await agent.do("set_routing_status", status="offline")).status_code == 400
    assert (await agent.do("set_routing_status", status="offline", agent_id="bot-5c9871d5")).status_code == 200
    other = await agent.do(
        "set_routing_status", token=AGENT_TOKEN, status="accepting_chats", agent_id="beata@example.com"
    )
    assert other.json()["error"]["type"] == "authorization"


async def test_the_remaining_methods(agent):
    await listen(agent, "events_marked_as_seen")
    chat_id, _ = await started(agent)
    seen = {"chat_id": chat_id, "seen_up_to": "2026-03-02T09:00:00Z"}
    assert await agent.done("mark_events_as_seen", **seen) == {}
    assert payload(agent, "events_marked_as_seen") == seen | {"user_id": OWNER}
    assert await agent.done("send_typing_indicator", chat_id=chat_id, is_typing=True) == {}
    assert await agent.done("multicast", recipients={"agents": {"all": True}}, content={"any": "thing"}) == {}
    assert (await agent.do("multicast", recipients={}, content="x")).status_code == 400
    takers = await agent.done("list_agents_for_transfer", chat_id=chat_id)
    assert takers == [{"agent_id": "adam@example.com", "total_active_chats": 0}]


async def test_what_happens_elsewhere_can_be_told_too(agent):
    await listen(agent, "agent_created", "thread_summary_set")
    await agent.happen("webhook", action="agent_created")
    assert payload(agent, "agent_created")["name"] == "Carla Agent"
    summary = {
        "chat_id": "X",
        "thread_id": "Y",
        "summary": {"status": "done", "text": "A refund.", "updated_at": "now"},
    }
    await agent.happen("webhook", action="thread_summary_set", payload=summary)
    assert payload(agent, "thread_summary_set") == summary


@pytest.mark.parametrize(
    ("signal", "given", "told_why"),
    [
        ("chat-end", {}, "start one with chat-start"),
        ("chat-start", {"group_ids": [99]}, '"group_ids"'),
        ("webhook", {"action": "agent_creatd"}, 'did you mean "agent_created"?'),
        ("webhook", {"action": "incoming_event"}, 'needs a "payload"'),
        ("ticket", {}, "cannot be made to happen here"),
    ],
)
async def test_what_cannot_happen_is_answered_with_the_reason(agent, signal, given, told_why):
    answer = await agent.client.post(f"/_sandbox/{signal}", json=given)
    assert answer.status_code in (400, 404)
    assert told_why in answer.json()["error"]


async def test_a_customer_leaves_and_may_come_back(agent):
    await listen(agent, "chat_deactivated")
    visitor = (await agent.happen("visitor", name="Bo"))["visitor"]
    chat_id, _ = await started(agent, customer_id=visitor["id"])
    again = await agent.client.post("/_sandbox/chat-start", json={"customer_id": visitor["id"]})
    assert "is in a chat already" in again.text
    await agent.happen("chat-end", chat_id=chat_id)
    assert payload(agent, "chat_deactivated")["user_id"] == visitor["id"]
    second, _ = await started(agent, customer_id=visitor["id"])
    assert second != chat_id
