"""LiveChat version 2, as Microsoft's connector calls it."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ticket(livechat, **given):
    body = {"message": "It does not work.", "requester": {"mail": "jo@example.com", "name": "Jo"}} | given
    return await livechat.client.post("/tickets", json=body)


async def test_a_created_ticket_can_be_read_again(livechat):
    created = (await ticket(livechat, subject="Refund", source={"type": "mail"}, tags=["vip"])).json()

    assert (await livechat.client.get(f"/tickets/{created['id']}")).json() == created
    assert created["subject"] == "Refund"
    assert created["status"] == "open"
    assert created["requester"]["mail"] == "jo@example.com"
    assert created["events"][0]["message"] == "It does not work."
    assert created["source"]["type"] == "mail"
    assert created["date"] == "2026-03-02T09:00:00Z"


async def test_tickets_are_listed_in_an_envelope_newest_first(livechat):
    for number in range(30):
        await ticket(livechat, subject=f"Ticket {number}")

    first = (await livechat.client.get("/tickets")).json()
    second = (await livechat.client.get("/tickets", params={"page": 2})).json()

    assert (first["total"], first["pages"]) == (31, 2)
    assert first["tickets"][0]["subject"] == "Ticket 29"
    assert len(first["tickets"]) == 25
    assert len(second["tickets"]) == 6


async def test_tickets_are_found_by_status_and_words(livechat):
    refund = (await ticket(livechat, subject="Refund, please")).json()
    await livechat.client.put(f"/tickets/{refund['id']}/tags", json={"status": "solved"})

    found = (await livechat.client.get("/tickets", params={"query": "refund", "status": "solved"})).json()
    assert [one["id"] for one in found["tickets"]] == [refund["id"]]
    assert (await livechat.client.get("/tickets", params={"date_to": "2026-03-01"})).json()["total"] == 0


async def test_updating_a_ticket_assigns_it_and_adds_the_message(livechat):
    created = (await ticket(livechat)).json()
    change = {
        "requester": {"mail": "jo@example.com"},
        "assignee": {"id": "adam@example.com"},
        "message": "We are on it.",
        "subject": "Now with a subject",
        "tags": ["urgent"],
    }
    livechat.clock.forward(minutes=5)

    updated = (await livechat.client.put(f"/tickets/{created['id']}/tags", json=change)).json()

    assert updated["assignee"] == {"id": "adam@example.com", "name": "Adam Agent"}
    assert [event["message"] for event in updated["events"]] == ["It does not work.", "We are on it."]
    assert updated["tags"] == ["urgent"]
    assert updated["modified"] > created["modified"]
    assert (await livechat.client.get(f"/tickets/{created['id']}")).json() == updated


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"message": ""}, "message is required."),
        ({"requester": {"mail": "nobody"}}, "requester.mail must be an email address."),
        ({"requester": "jo@example.com"}, "requester must be an object."),
        ({"assignee": {"id": "ghost@example.com"}}, "assignee.id: there is no agent ghost@example.com."),
        ({"source": {"type": "pigeon"}}, "type must be one of chat-window, mail, lc2, facebook, agent-app-manual."),
    ],
)
async def test_a_wrong_ticket_is_refused_with_the_field(livechat, given, told):
    answer = await ticket(livechat, **given)
    assert (answer.status_code, answer.json()) == (400, {"errors": [told]})


async def test_agents_come_and_go(livechat):
    given = {"login": "carla@example.com", "name": "Carla", "permission": "normal", "max_chats_count": "5"}
    created = (await livechat.client.post("/agents", json=given | {"password": "s3cret"})).json()
    assert created["max_chats_count"] == 5
    assert "password" not in created
    assert (await livechat.client.get("/agents/carla@example.com")).json() == created
    again = await livechat.client.post("/agents", json=given)
    assert (again.status_code, again.json()["errors"]) == (
        400,
        ["An agent with the login carla@example.com exists already."],
    )

    assert (await livechat.client.delete("/agents/carla%40example.com")).json() == {
        "result": "The agent has been removed."
    }
    agents = (await livechat.client.get("/agents")).json()
    assert [agent["permission"] for agent in agents] == ["owner", "normal", "administrator"]
    assert (await livechat.client.delete("/agents/owner@example.com")).status_code == 403
    assert (await livechat.client.delete("/agents/carla@example.com")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"login": "carla"},
        {"password": "1234"},
        {"permission": "owner"},
        {"login_status": "asleep"},
        {"max_chats_count": "many"},
    ],
)
async def test_a_wrong_agent_is_refused(livechat, wrong):
    answer = await livechat.client.post("/agents", json={"login": "c@example.com", "name": "C"} | wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"]


async def test_wrong_credentials_versions_addresses_and_bodies_are_refused(livechat):
    client = livechat.client
    assert (await client.get("/agents", auth=("owner@example.com", "wrong"))).status_code == 401
    assert (await client.get("/agents", auth=None, headers={"authorization": "Basic %%%"})).status_code == 401
    assert (await client.get("/agents", headers={"x-api-version": "1"})).status_code == 400
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.get("/tickets/NONE")).status_code == 404
    assert (await client.patch("/tickets")).json() == {"errors": ["/tickets allows GET, POST."]}
    assert (await client.get("/tickets", params={"page": 0})).status_code == 400
    assert (await client.get("/tickets", params={"page": "x"})).status_code == 400
    assert (await client.post("/tickets", content=b"{")).json() == {"errors": ["The body is not JSON."]}
    assert (await client.post("/tickets", content=b"[]")).json() == {"errors": ["The body must be a JSON object."]}


async def test_a_call_over_the_limit_waits_until_the_first_is_a_minute_old(livechat):
    assert await livechat.control("limits") == {"calls": 100, "period": 60}
    await livechat.control("limits", {"calls": 2})
    assert (await livechat.client.get("/agents")).status_code == 200
    livechat.clock.forward(seconds=20)
    assert (await livechat.client.get("/agents")).status_code == 200
    late = await livechat.client.get("/agents")
    assert (late.status_code, late.headers["retry-after"]) == (429, "40")

    livechat.clock.forward(seconds=40)
    assert (await livechat.client.get("/agents")).status_code == 200
    assert (await livechat.client.get("/agents")).status_code == 429


@pytest.mark.parametrize(
    ("path", "given", "event"),
    [
        ("/chat_starts_webhook/webhooks", {}, "chat_started"),
        ("/chat_ends_webhook/webhooks", {}, "chat_ended"),
        ("/ticket_created_webhook/webhooks", {}, "ticket_created"),
        ("/webhooks", {"event_type": "chat_started", "data_types": ["visitor"]}, "chat_started"),
    ],
)
async def test_webhooks_are_registered_and_removed_at_each_address(livechat, path, given, event):
    answer = await livechat.client.post(path, json={"url": livechat.receiver.url} | given)
    hook = answer.json()
    assert hook["event_type"] == event
    assert hook["token"]
    shown = (await livechat.control("webhooks"))["webhooks"]
    assert [one["id"] for one in shown] == [hook["id"]]
    assert "token" not in shown[0]
    assert (await livechat.client.get("/webhooks")).json() == {"webhooks": shown}

    assert (await livechat.client.delete(answer.headers["location"])).status_code == 200
    assert (await livechat.control("webhooks"))["webhooks"] == []
    assert (await livechat.client.delete(f"/webhooks/{hook['id']}")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"event_type": "coffee_ready"}, {"url": "ftp://example.com"}, {"data_types": ["everything"]}, {"url": None}],
)
async def test_a_wrong_webhook_is_refused(livechat, wrong):
    given = {"event_type": "chat_started", "url": livechat.receiver.url} | wrong
    assert (await livechat.client.post("/webhooks", json=given)).status_code == 400


async def test_a_chat_is_told_when_it_starts_and_when_it_ends(livechat):
    hooks = [
        (await livechat.client.post(f"/{path}/webhooks", json={"url": livechat.receiver.url})).json()
        for path in ("chat_starts_webhook", "chat_ends_webhook")
    ]
    started = await livechat.happen("chat-start", name="Ann", email="ann@example.com", message="Refund?")
    livechat.clock.forward(seconds=30)
    await livechat.happen("chat-message", author="agent", text="Of course.")
    await livechat.happen("chat-end", chat_id=started["chat"]["id"])

    first, last = livechat.receiver.received
    assert started["deliveries"] == 1
    assert first["event_type"] == "chat_started"
    assert first["token"] == hooks[0]["token"]
    assert first["visitor"]["email"] == "ann@example.com"
    assert first["pre_chat_survey"][0]["answer"] == "Ann"
    assert first["chat"]["started_timestamp"] == 1772442000
    assert "ended_timestamp" not in first["chat"]
    assert last["event_type"] == "chat_ended"
    assert last["chat"]["ended_timestamp"] == 1772442030
    assert [message["user_type"] for message in last["chat"]["messages"]] == ["visitor", "agent"]
    assert last["event_unique_id"] != first["event_unique_id"]


async def test_a_ticket_is_told_whether_it_came_in_or_was_created(livechat):
    await livechat.client.post("/ticket_created_webhook/webhooks", json={"url": livechat.receiver.url})
    came = await livechat.happen("ticket", subject="Broken cup", requester={"mail": "x@example.com"})
    await ticket(livechat, subject="By the API")
    await livechat.server.settled()

    first, second = (told["ticket"] for told in livechat.receiver.received)
    assert first == came["ticket"]
    assert first["requester"]["mail"] == "x@example.com"
    assert first["source"]["type"] == "chat-window"
    assert (second["subject"], second["source"]["type"]) == ("By the API", "lc2")


async def test_what_cannot_happen_is_answered_with_the_reason(livechat):
    url = livechat.server.control_url
    for path, given, status, told in (
        ("chat-end", {}, 400, "start one with chat-start"),
        ("ticket", {"mail": "nobody"}, 400, "email address"),
        ("ticket", {"requester": "jo@example.com"}, 400, "is an object"),
        ("chat-begin", {}, 404, "did you mean"),
    ):
        answer = await livechat.client.post(f"{url}/{path}", json=given)
        assert answer.status_code == status
        assert told in answer.text
    visitor = await livechat.happen("visitor", name="Bo", page_current="https://www.example.com/cups")
    assert visitor["visitor"]["page_current"] == "https://www.example.com/cups"
