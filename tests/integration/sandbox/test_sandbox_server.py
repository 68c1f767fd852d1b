"""What all stand-ins share: starting, the control endpoint, faults, the record, deliveries."""

import asyncio

import httpx
import pytest

from flowengine.errors import ConfigurationError, NotFound
from flowengine.sandbox.__main__ import main
from flowengine.sandbox.control import control
from flowengine.sandbox.listening import listener
from flowengine.sandbox.server import serve

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def order(bench, **fault):
    return await bench.client.post(f"{bench.server.control_url}/faults", json=fault)


async def test_the_first_page_says_what_this_is_and_how_to_use_it(livechat):
    page = (await livechat.client.get("/")).text
    for told in (livechat.server.url, "apikey: sandbox-api-key", "/_sandbox/ticket", "/_sandbox/faults", "100 calls"):
        assert told in page
    assert (await livechat.client.get("/_sandbox")).text == page


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 503}, 503),
        ({"kind": "throttle", "retry_after": 7}, 429),
        ({"kind": "garbage"}, 200),
    ],
)
async def test_a_fault_breaks_so_many_matching_calls(livechat, fault, status):
    await order(livechat, match="GET /agents", times=2, **fault)
    assert (await livechat.client.get("/tickets")).json()["total"] == 1
    for _ in range(2):
        answer = await livechat.client.get("/agents")
        assert answer.status_code == status
        if status == 429:
            assert answer.headers["retry-after"] == "7"
        if status == 200:
            with pytest.raises(ValueError, match="Expecting"):
                answer.json()
    assert len((await livechat.client.get("/agents")).json()) == 3


@pytest.mark.parametrize(("acted", "total"), [(False, 1), (True, 2)])
async def test_a_reset_cuts_the_connection_before_or_after_the_deed(livechat, acted, total):
    await order(livechat, match="POST *", kind="reset", acted=acted)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await livechat.client.post("/tickets", json={"message": "x", "requester": {"mail": "a@example.com"}})
    assert (await livechat.client.get("/tickets")).json()["total"] == total
    assert (await livechat.control("requests"))["requests"][0]["status"] is None


async def test_half_an_answer_is_less_than_was_promised(livechat):
    await order(livechat, match="agents", kind="half")
    with pytest.raises(httpx.RemoteProtocolError):
        await livechat.client.get("/agents")


async def test_a_slow_answer_comes_late(livechat):
    await order(livechat, kind="slow", seconds=0.15)
    with pytest.raises(httpx.ReadTimeout):
        await livechat.client.get("/agents", timeout=0.05)
    assert (await livechat.client.get("/agents")).status_code == 200
    async with asyncio.timeout(10):
        while (await livechat.control("requests?count=1"))["by_status"] != {"200": 2}:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "explode"}, "there is no fault of kind"),
        ({"kin": "reset"}, 'did you mean "kind"?'),
        ({"times": 0}, '"times" of a fault'),
        ({"seconds": "long"}, '"seconds" of a fault'),
    ],
)
async def test_a_wrong_fault_is_answered_with_what_is_wrong(livechat, fault, told):
    answer = await order(livechat, **fault)
    assert answer.status_code == 400
    assert told in answer.json()["error"]


async def test_faults_can_be_listed_and_lifted(livechat):
    await order(livechat, match="GET /agents", kind="status", times=5)
    assert (await livechat.control("faults"))["faults"][0]["times"] == 5
    assert (await livechat.client.delete("/_sandbox/faults")).json() == {"faults": []}
    assert (await livechat.client.get("/agents")).status_code == 200
    listed = await livechat.client.post("/_sandbox/faults", content=b"[1]")
    assert "a fault is an object" in listed.text


async def test_the_record_holds_every_call_without_credentials(livechat):
    given = {"login": "c@example.com", "name": "C", "password": "hidden"}
    await livechat.client.post("/agents?x=1", json=given, headers={"idempotency-key": "run-1:a"})
    await livechat.client.post("/agents", content=b"not json")
    first, second = (await livechat.control("requests"))["requests"]

    assert (first["method"], first["path"], first["query"], first["status"]) == ("POST", "/agents", {"x": "1"}, 200)
    assert first["body"] == {"login": "c@example.com", "name": "C", "password": "***"}
    assert first["idempotency_key"] == "run-1:a"
    assert "authorization" not in first["headers"]
    assert (second["body"], second["status"]) == ("not json", 400)


async def test_calls_are_counted_by_address_status_and_key(livechat):
    for key in ("k1", "k1", "k2"):
        await livechat.client.get("/agents", headers={"idempotency-key": key})
    await livechat.client.get("/tickets/NONE")

    counted = await livechat.control("requests?count=1")
    assert counted["count"] == 4
    assert counted["by_call"] == {"GET /agents": 3, "GET /tickets/NONE": 1}
    assert counted["by_status"] == {"200": 3, "404": 1}
    assert counted["by_key"] == {"k1": 2, "k2": 1}
    assert await livechat.control("requests?count=only&path=/agents&method=get") == {"count": 3}
    assert len((await livechat.control("requests?after=1&limit=2"))["requests"]) == 2
    assert "is not a number" in (await livechat.control("requests?after=x"))["error"]


async def test_limits_can_be_moved_and_lifted(livechat):
    assert await livechat.control("limits") == {"calls": 100, "period": 60}
    assert await livechat.control("limits", {"calls": 1}) == {"calls": 1, "period": 60}
    assert (await livechat.client.get("/agents")).status_code == 200
    assert (await livechat.client.get("/agents")).status_code == 429
    await livechat.control("limits", {"calls": None})
    assert (await livechat.client.get("/agents")).status_code == 200
    assert "a limit is" in (await livechat.control("limits", {"calls": "many"}))["error"]


async def test_reset_puts_everything_back(livechat):
    await livechat.happen("ticket")
    await order(livechat, kind="status")
    await livechat.control("limits", {"calls": 1})
    assert await livechat.control("reset", {}) == {"reset": True}
    assert (await livechat.client.get("/tickets")).json()["total"] == 1
    assert (await livechat.control("requests"))["requests"][0]["number"] == 1
    assert (await livechat.control("limits"))["calls"] == 100


async def test_a_body_that_is_not_an_object_is_refused(livechat):
    assert "not JSON" in (await livechat.client.post("/_sandbox/ticket", content=b"{")).text
    assert "is an object" in (await livechat.client.post("/_sandbox/ticket", content=b"[]")).text


async def test_the_control_endpoint_answers_this_machine_only(livechat):
    for caller, status in (("203.0.113.9", 403), ("not an address", 403), ("127.0.0.1", 200)):
        transport = httpx.ASGITransport(control(livechat.server), client=(caller, 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://stand-in") as client:
            assert (await client.get("/_sandbox/faults")).status_code == status


async def test_a_delivery_is_tried_until_it_is_answered_with_200(livechat):
    await livechat.client.post("/webhooks", json={"event_type": "chat_started", "url": livechat.receiver.url})
    livechat.receiver.statuses = [500, 202, 200]
    await livechat.happen("chat-start")

    [delivery] = (await livechat.control("deliveries"))["deliveries"]
    assert delivery["status"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 202, 200]
    assert delivery["body"]["token"] == "***"
    assert len(livechat.receiver.received) == 3
    assert livechat.receiver.received[0] == livechat.receiver.received[2]


async def test_a_delivery_is_given_up_after_three_more_tries(livechat):
    closed = listener()
    gone = f"http://127.0.0.1:{closed.getsockname()[1]}/hook"
    closed.close()
    await livechat.client.post("/webhooks", json={"event_type": "chat_started", "url": gone})
    await livechat.happen("chat-start")

    [delivery] = livechat.server.deliveries
    assert delivery["status"] == "given_up"
    assert len(delivery["attempts"]) == 4
    assert delivery["attempts"][0]["error"].startswith("ConnectError")


async def test_a_port_in_use_and_an_unknown_service_are_told(livechat):
    port = int(livechat.server.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match="choose another port"):
        async with serve("livechat", port=port):
            pass
    with pytest.raises(ConfigurationError, match="no such port"):
        listener(port=70_000)
    with pytest.raises(NotFound, match='did you mean "comm100"'):
        async with serve("com100"):
            pass


async def test_too_large_a_call_is_refused(livechat):
    answer = await livechat.client.post("/tickets", content=b"x" * 12_000_001)
    assert answer.status_code == 413


async def test_the_program_says_that_its_port_is_taken(livechat, capsys):
    port = livechat.server.url.rpartition(":")[2]
    assert await asyncio.to_thread(main, ["livechat", "--port", port]) == 3
    assert f":{port}: Address already in use; choose another port" in capsys.readouterr().err
