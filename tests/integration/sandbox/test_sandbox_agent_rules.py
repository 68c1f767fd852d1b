"""The Agent Chat API v3.6: who may do what, what is refused and how, paging, filters, webhooks' limits."""

import base64

import httpx
import pytest

from flowengine.sandbox.livechat_agent.errors import TYPES, error
from flowengine.sandbox.livechat_agent.tokens import (
    ACCOUNT_ID,
    AGENT_TOKEN,
    EUROPE_TOKEN,
    OWNER_TOKEN,
    PERSONAL_TOKEN,
    READER_TOKEN,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOK = {"action": "incoming_event", "secret_key": "s", "type": "license", "owner_client_id": "sandbox-client-id"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["type"]


async def chats(agent, number: int) -> list[str]:
    """So many chats, newest last, a minute apart."""
    made = []
    for _ in range(number):
        agent.clock.forward(minutes=1)
        made.append((await agent.happen("chat-start"))["chat"]["id"])
    return made


async def test_every_error_type_has_the_documented_envelope():
    assert len(TYPES) == 18
    for kind, (status, message) in TYPES.items():
        answer = error(kind)
        assert answer.status == status
        assert f'"message":"{message}"'.encode() in answer.body


async def test_tokens_are_checked_and_regions_told(agent):
    url = "/v3.6/agent/action/list_chats"
    assert refusal(await agent.do("list_chats", token="dal:unknown")) == (401, "authentication")
    wrong = await agent.do("list_chats", token=EUROPE_TOKEN)
    assert refusal(wrong) == (421, "misdirected_request")
    assert wrong.json()["error"] == {
        "type": "misdirected_request",
        "message": "Wrong region",
        "data": {"region": "fra"},
    }
    european = {"authorization": f"Bearer {EUROPE_TOKEN}", "x-region": "fra"}
    assert (await agent.client.post(url, json={}, headers=european)).status_code == 200
    lost = {"authorization": f"Bearer {OWNER_TOKEN}", "x-region": "fra"}
    assert (await agent.client.post(url, json={}, headers=lost)).json()["error"]["data"] == {"region": "dal"}
    personal = base64.b64encode(f"{ACCOUNT_ID}:{PERSONAL_TOKEN}".encode()).decode()
    assert (await agent.client.post(url, json={}, headers={"authorization": f"Basic {personal}"})).status_code == 200


async def test_scopes_and_access_are_checked(agent):
    [chat_id] = await chats(agent, 1)
    hello = {"type": "message", "text": "x"}
    assert refusal(await agent.do("send_event", token=READER_TOKEN, chat_id=chat_id, event=hello)) == (
        403,
        "authorization",
    )
    assert refusal(await agent.do("create_customer", token=AGENT_TOKEN)) == (403, "authorization")
    assert (await agent.do("get_chat", token=AGENT_TOKEN, chat_id=chat_id)).status_code == 200

    sales = (await agent.happen("chat-start", group_ids=[1]))["chat"]["id"]
    assert refusal(await agent.do("get_chat", token=AGENT_TOKEN, chat_id=sales)) == (403, "missing_access")
    assert (await agent.do("get_chat", token=READER_TOKEN, chat_id=sales)).status_code == 200
    assert (await agent.do("list_chats", token=AGENT_TOKEN)).json()["found_chats"] == 1
    assert refusal(await agent.do("deactivate_chat", token=AGENT_TOKEN, id=chat_id)) == (403, "missing_access")
    away = {"id": chat_id, "ignore_requester_presence": True}
    assert (await agent.do("deactivate_chat", token=AGENT_TOKEN, **away)).status_code == 200


@pytest.mark.parametrize(
    ("action", "given", "told"),
    [
        ("get_chat", {}, "`chat_id` is required"),
        ("get_chat", {"chat_id": 7}, "`chat_id` must be text"),
        ("list_chats", {"limit": 101}, "`limit` must be a number from 1 to 100"),
        ("list_chats", {"limit": True}, "`limit` must be a number"),
        ("list_chats", {"sort_order": "up"}, "`sort_order` must be one of asc, desc"),
        ("list_chats", {"filters": {"active": "yes"}}, "`filters.active` must be true or false"),
        ("list_chats", {"filters": {"group_ids": [0] * 201}}, "at most 200 items"),
        ("list_chats", {"filters": []}, "`filters` must be an object"),
        ("list_chats", {"page_id": "nonsense"}, "`page_id` is not known"),
        ("list_archives", {"filters": {"from": "yesterday"}}, "`filters.from` must be a date and time"),
        ("list_archives", {"filters": {"thread_ids": ["A"], "query": "x"}}, "cannot be used with other filters"),
        ("list_archives", {"highlights": {"pre_tag": "<b>"}}, "are used together"),
        ("start_chat", {"chat": {"users": [{"type": "agent"}]}}, "`chat.users.0.id` is required"),
        ("start_chat", {"chat": {"users": ["adam"]}}, "`chat.users.0` must be an object"),
        ("start_chat", {"chat": {"thread": {"events": [{"type": "form"}]}}}, "`event.type` must be one of"),
        ("resume_chat", {}, "`chat` is required"),
        ("resume_chat", {"chat": {}}, "`chat.id` is required"),
        ("send_event", {"chat_id": "X"}, "`event` is required"),
        ("update_customer", {"id": "12"}, "`id` must be a UUID v4"),
        ("set_routing_status", {"status": "asleep"}, "`status` must be one of"),
        ("ban_customer", {"id": "X", "ban": {}}, "`ban.days` is required"),
        ("mark_events_as_seen", {"chat_id": "X", "seen_up_to": "2026-03-02T09:00:00"}, "`seen_up_to` must be"),
    ],
)
async def test_a_request_that_does_not_fit_is_refused_with_the_field(agent, action, given, told):
    answer = await agent.do(action, **given)
    assert refusal(answer) == (400, "validation")
    message = answer.json()["error"]["message"]
    assert message.startswith("Wrong format of request: ")
    assert told in message


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("get_chat", {"chat_id": "NONE"}),
        ("get_customer", {"id": "NONE"}),
        ("set_routing_status", {"status": "accepting_chats", "agent_id": "ghost@example.com"}),
        ("start_chat", {"chat": {"users": [{"id": "ghost@example.com", "type": "agent"}]}}),
        ("start_chat", {"chat": {"users": [{"id": "ghost", "type": "customer"}]}}),
        ("list_everything", {}),
    ],
)
async def test_what_is_not_there_is_not_found(agent, action, given):
    assert refusal(await agent.do(action, **given)) == (404, "not_found")


async def test_threads_events_and_groups_that_are_not_there(agent):
    [chat_id] = await chats(agent, 1)
    thread_id = (await agent.done("get_chat", chat_id=chat_id))["thread"]["id"]
    for action, given in (
        ("get_chat", {"chat_id": chat_id, "thread_id": "NONE"}),
        ("tag_thread", {"chat_id": chat_id, "thread_id": "NONE", "tag": "x"}),
        ("update_event_properties", {"chat_id": chat_id, "thread_id": thread_id, "event_id": "x", "properties": {}}),
        ("transfer_chat", {"id": chat_id, "target": {"type": "group", "ids": [99]}}),
    ):
        assert refusal(await agent.do(action, **given)) == (404, "not_found")


async def test_an_inactive_chat_takes_no_events(agent):
    [chat_id] = await chats(agent, 1)
    refused = await agent.do("resume_chat", chat={"id": chat_id})
    assert "active already" in refused.json()["error"]["message"]
    await agent.happen("chat-end")
    hello = {"type": "message", "text": "x"}
    assert refusal(await agent.do("send_event", chat_id=chat_id, event=hello)) == (422, "chat_inactive")
    assert refusal(await agent.do("deactivate_chat", id=chat_id)) == (422, "chat_inactive")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"type": "message"}, "`event.text` is required"),
        ({"type": "message", "text": "x", "visibility": "nobody"}, "`event.visibility`"),
        ({"type": "form"}, "`event.type` must be one of"),
        ({}, "`event.type` is required"),
    ],
)
async def test_a_wrong_event_is_refused(agent, event, told):
    [chat_id] = await chats(agent, 1)
    answer = await agent.do("send_event", chat_id=chat_id, event=event)
    assert told in answer.json()["error"]["message"]


async def test_too_many_users_and_a_second_chat_of_a_customer_are_refused(agent):
    shown = await agent.happen("chat-start")
    customer = {"id": shown["visitor"]["id"], "type": "customer"}
    assert refusal(await agent.do("start_chat", chat={"users": [customer]})) == (422, "limit_reached")
    crowd = [{"id": f"{number}@example.com", "type": "agent"} for number in range(5)]
    assert refusal(await agent.do("start_chat", chat={"users": crowd})) == (400, "validation")


async def test_versions_methods_and_bodies(agent):
    client = agent.client
    assert refusal(await client.post("/v9.9/agent/action/list_chats", json={})) == (400, "unsupported_version")
    header = {"x-api-version": "3.6"}
    assert (await client.post("/agent/action/list_chats", json={}, headers=header)).status_code == 200
    assert (await client.post("/agent/action/list_chats", json={})).status_code == 200
    assert refusal(await client.get("/v3.6/agent/action/list_chats")) == (400, "validation")
    assert refusal(await client.post("/elsewhere")) == (404, "not_found")
    json_type = {"content-type": "application/json"}
    for content, headers in ((b"{", json_type), (b"[]", json_type), (b"{}", {"content-type": "text/plain"})):
        answer = await client.post("/v3.6/agent/action/list_chats", content=content, headers=headers)
        assert refusal(answer) == (400, "validation")


async def test_uploads_that_are_refused(agent):
    url = "/v3.6/agent/action/upload_file"
    big = {"file": ("big.bin", b"x" * (10 * 1024 * 1024 + 1))}
    assert refusal(await agent.client.post(url, files=big)) == (413, "entity_too_large")
    assert refusal(await agent.client.post(url, content=b"x" * 12_000_001)) == (413, "entity_too_large")
    assert refusal(await agent.client.post(url, files={"other": b"x"})) == (400, "validation")
    assert refusal(await agent.client.post(url, json={})) == (400, "validation")
    broken = {"content-type": "multipart/form-data; boundary=b"}
    assert refusal(await agent.client.post(url, content=b"nothing of the sort", headers=broken)) == (400, "validation")


async def test_pages_are_turned_in_both_directions(agent):
    made = await chats(agent, 5)
    newest_first = made[::-1]
    first = await agent.done("list_chats", limit=2)
    assert [chat["id"] for chat in first["chats_summary"]] == newest_first[:2]
    assert "previous_page_id" not in first
    assert first["found_chats"] == 5

    await chats(agent, 1)  # what comes in meanwhile moves nothing
    second = await agent.done("list_chats", page_id=first["next_page_id"])
    third = await agent.done("list_chats", page_id=second["next_page_id"])
    assert [chat["id"] for chat in second["chats_summary"]] == newest_first[2:4]
    assert [chat["id"] for chat in third["chats_summary"]] == newest_first[4:]
    assert "next_page_id" not in third
    back = await agent.done("list_chats", page_id=third["previous_page_id"])
    assert back["chats_summary"] == second["chats_summary"]
    oldest = await agent.done("list_chats", limit=1, sort_order="asc")
    assert oldest["chats_summary"][0]["id"] == made[0]


@pytest.mark.parametrize("beside", [{"limit": 5}, {"sort_order": "asc"}, {"filters": {}}])
async def test_a_page_id_comes_alone_and_lives_a_month(agent, beside):
    await chats(agent, 2)
    page_id = (await agent.done("list_chats", limit=1))["next_page_id"]
    answer = await agent.do("list_chats", page_id=page_id, **beside)
    assert "cannot be used together with `page_id`" in answer.json()["error"]["message"]
    agent.clock.forward(days=31)
    assert "expired" in (await agent.do("list_chats", page_id=page_id)).json()["error"]["message"]


async def test_threads_are_listed_by_number_period_or_events(agent):
    [chat_id] = await chats(agent, 1)
    for _ in range(4):
        await agent.done("deactivate_chat", id=chat_id)
        agent.clock.forward(hours=1)
        await agent.done("resume_chat", chat={"id": chat_id, "thread": {"events": [{"type": "message", "text": "x"}]}})

    async def listed(**given) -> list[str]:
        answer = await agent.done("list_threads", chat_id=chat_id, **given)
        return [thread["created_at"] for thread in answer["threads"]]

    assert len(await listed()) == 3
    assert len(await listed(limit=5)) == 5
    assert len(await listed(min_events_count=2)) == 2
    assert len(await listed(min_events_count=100)) == 5
    assert len(await listed(filters={"from": "2026-03-02T13:00:00+02:00"})) == 3
    assert len(await listed(filters={"to": "2026-03-02T09:30:00Z"})) == 1
    refused = await agent.do("list_threads", chat_id=chat_id, min_events_count=2, limit=1)
    assert refusal(refused) == (400, "validation")


async def test_chats_are_filtered(agent):
    one, two = await chats(agent, 2)
    await agent.done("deactivate_chat", id=one)
    await agent.done("update_chat_properties", id=two, properties={"shop": {"plan": "gold"}})

    async def found(**filters) -> set[str]:
        return {chat["id"] for chat in (await agent.done("list_chats", filters=filters))["chats_summary"]}

    assert await found(active=True) == {two}
    assert await found(active=False) == {one}
    assert await found(active=None, include_chats_without_threads=False) == {one, two}
    assert await found(group_ids=[1]) == set()
    assert await found(properties={"shop": {"plan": {"values": ["gold"]}}}) == {two}
    assert await found(properties={"shop": {"plan": {"exists": False}}}) == {one}
    assert await found(properties={"shop": {"plan": {"exclude_values": ["gold"]}}}) == {one}
    both = {"properties": {"shop": {"plan": {"exists": True, "values": ["gold"]}}}}
    assert refusal(await agent.do("list_chats", filters=both)) == (400, "validation")


async def test_archives_are_filtered(agent):
    shown = await agent.happen("chat-start", message="Where is my refund?")
    chat, thread = shown["chat"], shown["chat"]["thread"]["id"]
    for tag in ("a", "b"):
        await agent.done("tag_thread", chat_id=chat["id"], thread_id=thread, tag=tag)
    await agent.happen("chat-end")

    async def found(**filters) -> int:
        return (await agent.done("list_archives", filters=filters))["found_chats"]

    fitting = [
        {"query": "REFUND"},
        {"thread_ids": [thread]},
        {"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T10:00:00Z"},
        {"agents": {"values": ["olivia@example.com"]}},
        {"tags": {"values": ["a", "b"], "require_every_value": True}},
        {"event_types": {"values": ["message", "file"]}},
        {"customer_countries": {"values": ["PL"]}},
        {"sales": {"exists": False}},
        {"surveys": [{"type": "pre_chat", "exists": False}]},
    ]
    failing = [
        {"query": "invoice"},
        {"thread_ids": ["OTHER"]},
        {"to": "2026-03-01T10:00:00Z"},
        {"agents": {"exists": False}},
        {"tags": {"values": ["a", "c"], "require_every_value": True}},
        {"tags": {"exclude_values": ["b"]}},
        {"greetings": {"exists": True}},
        {"group_ids": [1]},
    ]
    assert [await found(**filters) for filters in fitting] == [1] * len(fitting)
    assert [await found(**filters) for filters in failing] == [0] * len(failing)
    assert await found() == 1


async def test_three_webhooks_per_action_and_client(agent):
    given = HOOK | {"url": agent.receiver.url}
    ids = [(await agent.done("register_webhook", api="configuration", **given))["id"] for _ in range(3)]
    assert refusal(await agent.do("register_webhook", api="configuration", **given)) == (422, "limit_reached")
    other = given | {"owner_client_id": "another-client"}
    assert (await agent.do("register_webhook", api="configuration", **other)).status_code == 200

    mine = {"owner_client_id": HOOK["owner_client_id"]}
    listed = await agent.done("list_webhooks", api="configuration", **mine)
    assert [hook["id"] for hook in listed] == ids
    assert listed[0]["url"] == agent.receiver.url
    assert await agent.done("unregister_webhook", api="configuration", id=ids[0], **mine) == {}
    gone = await agent.do("unregister_webhook", api="configuration", id=ids[0], **mine)
    assert refusal(gone) == (404, "not_found")
    shown = (await agent.control("webhooks"))["webhooks"]
    assert len(shown) == 3
    assert all("secret_key" not in hook for hook in shown)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "incoming_coffee"},
        {"url": "ftp://example.com"},
        {"url": "https://example.com/" + "x" * 500},
        {"type": "personal"},
        {"secret_key": None},
        {"filters": {"weather": "good"}},
        {"additional_data": ["everything"]},
    ],
)
async def test_a_wrong_webhook_is_refused(agent, wrong):
    given = HOOK | {"url": agent.receiver.url} | wrong
    assert refusal(await agent.do("register_webhook", api="configuration", **given)) == (400, "validation")


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        ({"author_type": "customer"}, ["from the customer"]),
        ({"author_type": "agent"}, ["from the agent"]),
        ({"chat_presence": {"user_ids": {"values": ["olivia@example.com"]}}}, ["from the customer", "from the agent"]),
        ({"chat_presence": {"user_ids": {"exclude_values": ["olivia@example.com"]}}}, []),
        ({"chat_presence": {"user_ids": ["ghost@example.com"]}}, []),
    ],
)
async def test_webhooks_are_filtered_and_told_more_when_they_ask(agent, filters, texts):
    wishes = {"filters": filters, "additional_data": ["chat_properties", "chat_presence_user_ids"]}
    await agent.done("register_webhook", api="configuration", **HOOK, url=agent.receiver.url, **wishes)
    shown = await agent.happen("chat-start", properties={"shop": {"plan": "gold"}})
    await agent.happen("chat-message", text="from the customer")
    await agent.happen("chat-message", text="from the agent", author="agent")

    assert [body["payload"]["event"]["text"] for body in agent.receiver.received] == texts
    for body in agent.receiver.received:
        assert body["additional_data"]["chat_properties"] == {"shop": {"plan": "gold"}}
        assert shown["visitor"]["id"] in body["additional_data"]["chat_presence_user_ids"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, "internal"), (503, "service_unavailable"), (421, "misdirected_request"), (418, "internal")],
)
async def test_ordered_faults_have_the_envelope(agent, status, kind):
    await agent.control("faults", {"kind": "status", "status": status})
    assert refusal(await agent.do("list_chats")) == (status, kind)


async def test_an_ordered_limit_answers_too_many_requests(agent):
    await agent.control("limits", {"calls": 1, "period": 10})
    await agent.done("list_chats")
    late = await agent.do("list_chats")
    assert refusal(late) == (429, "too_many_requests")
    assert late.headers["retry-after"] == "10"
