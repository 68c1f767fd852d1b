"""Comm100's chat server API, version 4."""

from uuid import UUID, uuid4

import httpx
import pytest

from flowengine.sandbox.comm100_webhooks import EVENTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENT_FIELDS = {"id", "status", "ongoingChats"}
VISITOR_FIELDS = {
    "browser",
    "chats",
    "landingPage",
    "screenResolution",
    "searchEngine",
    "status",
    "visitTime",
    "language",
    "phone",
    "name",
    "searchKeywords",
    "visits",
    "referrerUrl",
    "pageViews",
    "flashVersion",
    "departmentId",
    "customFields",
    "ip",
    "operatingSystem",
    "city",
    "state",
    "email",
    "id",
    "country",
    "productService",
    "firstVisitTime",
    "timeZone",
    "currentBrowsing",
    "customVariableResults",
    "company",
}


async def hook(comm100, event: str) -> dict:
    given = {"event": event, "targetUrl": comm100.receiver.url}
    answer = await comm100.client.post("/v4/livechat/webhooks", json=given)
    assert answer.status_code == 201
    return answer.json()


@pytest.mark.parametrize("prefix", ["/v4", ""])
async def test_agents_are_a_bare_array_and_each_can_be_read(comm100, prefix):
    agents = (await comm100.client.get(f"{prefix}/livechat/agents")).json()
    assert [set(agent) for agent in agents] == [AGENT_FIELDS] * 2
    one = (await comm100.client.get(f"{prefix}/livechat/agents/{agents[1]['id']}")).json()
    assert one == agents[1]


async def test_an_agents_status_can_be_set_to_a_custom_one(comm100):
    await hook(comm100, "agentStatusChanges")
    agent = (await comm100.client.get("/v4/livechat/agents")).json()[0]
    path = f"/v4/livechat/agents/{agent['id']}"

    assert (await comm100.client.put(path, json={"id": agent["id"], "status": "Meeting"})).json()["status"] == "Meeting"
    assert (await comm100.client.put(path, json={"status": "online"})).json()["status"] == "Online"
    await comm100.server.settled()
    told = sorted(one["event"] for one in comm100.receiver.received)
    assert told == ["away", "online"]
    assert comm100.receiver.received[0]["operator_id"] == agent["id"]
    missing = await comm100.client.put(path, json={"state": "away"})
    assert (missing.status_code, missing.json()["message"]) == (400, "status is required.")


async def test_visitors_can_be_read_and_given_custom_variables(comm100):
    [visitor] = (await comm100.client.get("/v4/livechat/visitors")).json()
    assert set(visitor) == VISITOR_FIELDS
    path = f"/v4/livechat/visitors/{visitor['id']}"
    variables = [{"name": "plan", "value": "gold", "url": ""}, {"name": "since", "value": 2019}]

    await comm100.client.put(path, json=variables)
    await comm100.client.put(path, json={"name": "plan", "value": "silver"})

    held = (await comm100.client.get(path)).json()["customVariableResults"]
    assert held == [{"name": "plan", "value": "silver", "url": ""}, {"name": "since", "value": "2019", "url": ""}]
    assert (await comm100.client.put(path, json=[{"value": "x"}])).status_code == 400


async def test_webhooks_are_created_read_changed_and_deleted(comm100):
    created = await hook(comm100, "chatStarts")
    path = f"/v4/livechat/webhooks/{created['id']}"
    changed = {"event": "chatEnds", "targetUrl": "https://hooks.example.com/x"}

    assert str(UUID(created["id"])) == created["id"]
    assert (await comm100.client.get("/v4/livechat/webhooks")).json() == [created]
    assert (await comm100.client.put(path, json=changed)).json() == created | changed
    assert (await comm100.client.get(path)).json() == created | changed
    assert (await comm100.client.delete(path)).status_code == 204
    assert (await comm100.client.get(path)).status_code == 404


@pytest.mark.parametrize("wrong", [{"event": "chatBegins"}, {"targetUrl": "nowhere"}, {"targetUrl": 5}])
async def test_a_wrong_webhook_is_refused(comm100, wrong):
    given = {"event": "chatStarts", "targetUrl": "https://hooks.example.com/x"} | wrong
    answer = await comm100.client.post("/v4/livechat/webhooks", json=given)
    assert answer.status_code == 400
    assert "must be" in answer.json()["message"]


async def test_wrong_tokens_ids_addresses_and_bodies_are_refused(comm100):
    client = comm100.client
    assert (await client.get("/v4/livechat/agents", headers={"authorization": "Bearer no"})).status_code == 401
    assert (await client.get("/v4/livechat/agents/7")).json()["message"] == "7 is not a guid."
    assert (await client.get(f"/v4/livechat/visitors/{uuid4()}")).status_code == 404
    assert (await client.post("/v4/livechat/agents")).status_code == 405
    assert (await client.get("/v4/tickets")).status_code == 404
    assert (await client.post("/v4/livechat/webhooks", content=b"{")).json()["message"] == "The body is not JSON."


async def test_three_hundred_calls_in_five_minutes_for_each_token(comm100):
    assert await comm100.control("limits") == {"calls": 300, "period": 300}
    await comm100.control("limits", {"calls": 3})
    answers = [await comm100.client.get("/v4/livechat/agents") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 290
    other = {"authorization": "Bearer somebody-else"}
    assert (await comm100.client.get("/v4/livechat/agents", headers=other)).status_code == 401


async def test_each_of_the_seven_events_is_told(comm100):
    for event in EVENTS:
        await hook(comm100, event)
    await comm100.happen("chat-request", name="Ann")
    started = await comm100.happen("chat-start", name="Ann", email="ann@example.com", message="My cup is broken")
    await comm100.happen("chat-message", author="agent", text="Oh no")
    await comm100.happen("chat-transfer")
    await comm100.happen("chat-end", rating=5)
    await comm100.happen("chat-wrap-up", category="Complaint")
    await comm100.happen("offline-message", subject="Call me", message="Tomorrow", email="bo@example.com")
    await comm100.happen("agent-status", status="Away")

    told = {body["event"]: body for body in comm100.receiver.received}
    assert list(told) == [
        "chat_requested",
        "chat_started",
        "chat_transferred",
        "chat_ended",
        "chat_wrapped_up",
        "offline_message_submitted",
        "away",
    ]
    chat_id = started["chat"]["id"]
    assert told["chat_started"]["visitor"]["chat_id"] == chat_id
    assert told["chat_started"]["visitor"]["email"] == "ann@example.com"
    assert told["chat_started"]["visitor"]["first_visit_time"] == "/Date(1772442000000)/"
    assert told["chat_started"]["visitor"]["current_browsing"].startswith("https://")
    assert "Ann: My cup is broken⊙" in told["chat_ended"]["chat"]["chat_transcript"]
    assert told["chat_ended"]["chat"]["rating"] == 5
    assert told["chat_wrapped_up"]["wrapup"]["category"] == "Complaint"
    assert told["chat_wrapped_up"]["chat_id"] == chat_id
    assert told["offline_message_submitted"]["offline_message"]["content"] == "Tomorrow"
    assert (await comm100.control("webhooks"))["webhooks"][0]["event"] == "chatStarts"


async def test_chats_are_counted_at_their_agent(comm100):
    async def ongoing() -> list[int]:
        return [agent["ongoingChats"] for agent in (await comm100.client.get("/v4/livechat/agents")).json()]

    visitor = (await comm100.happen("visitor", company="Cups Ltd"))["visitor"]
    await comm100.happen("chat-start", visitor_id=visitor["id"])
    assert await ongoing() == [1, 0]
    await comm100.happen("chat-transfer")
    assert await ongoing() == [0, 1]
    ended = await comm100.happen("chat-end")
    assert await ongoing() == [0, 0]
    assert (ended["visitor"]["company"], ended["visitor"]["status"]) == ("Cups Ltd", "chatEnded")


@pytest.mark.parametrize(
    ("signal", "given", "told"),
    [
        ("chat-end", {}, "start one with chat-start"),
        ("chat-wrap-up", {"chat_id": "x"}, "that has ended"),
        ("agent-status", {"id": "x"}, "there is no agent"),
    ],
)
async def test_what_cannot_happen_is_answered_with_the_reason(comm100, signal, given, told):
    answer = await comm100.client.post(f"/_sandbox/{signal}", json=given)
    assert answer.status_code == 400
    assert told in answer.json()["error"]


async def test_an_ordered_fault_has_the_services_shape(comm100):
    await comm100.control("faults", {"kind": "status", "status": 502})
    answer: httpx.Response = await comm100.client.get("/v4/livechat/agents")
    assert (answer.status_code, answer.json()["code"]) == (502, 502)
