import asyncio
import base64
import json
import time
from dataclasses import replace

import pytest

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.errors import (
    ActionTimedOut,
    Blocked,
    InvalidInputs,
    OperationFailed,
    OutcomeUnknown,
    ServiceUnreachable,
    Throttled,
    Unauthorized,
)
from flowengine.types import SystemClock
from tests.fakes.definitions import connector
from tests.fakes.raw_service import raw_service, replies, reply

JSON = {"content_type": "application/json"}


def answer(value, status=200, **headers):
    return reply(status, json.dumps(value).encode(), **{**JSON, **headers})


def account(service, **parameters):
    return Connection(
        "desk", "desk", {"api_key": "k-canary-1", **parameters}, base_url=service.url, allow_private_network=True
    )


DESK = {
    "/tickets": {
        "get": {
            "operationId": "List",
            "parameters": [
                {"name": "page", "in": "query", "type": "string"},
                {"name": "status", "in": "query", "type": "string"},
                {"name": "X-Region", "in": "header", "type": "string"},
            ],
            "x-flowengine-pagination": {"parameter": "page", "next": "next", "items": "tickets", "only": True},
        },
        "post": {
            "operationId": "Create",
            "parameters": [
                {
                    "name": "body",
                    "in": "body",
                    "schema": {
                        "type": "object",
                        "properties": {"event": {"type": "object", "properties": {"custom_id": {"type": "string"}}}},
                    },
                }
            ],
            "x-flowengine-idempotency": {"parameter": "event.custom_id"},
        },
        "put": {"operationId": "Keyed", "x-flowengine-idempotency": {"header": "Idempotency-Key"}},
    },
    "/linked": {"get": {"operationId": "Linked", "x-ms-pageable": {"nextLinkName": "nextLink"}}},
    "/times": {
        "get": {
            "operationId": "Times",
            "x-flowengine-response": {"root": "tickets", "epoch_to_datetime": ["date", "events.date"]},
        }
    },
}
SECURITY = {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}


def desk(**more):
    return connector("desk", DESK, security=SECURITY, connection={"api_key": {"type": "securestring"}}, **more)


async def call(client, operation, inputs, service, *, made=None, **options):
    found = made or desk()
    return await client.call(found, found.operation(operation), inputs, account(service), **options)


async def test_a_call_gives_status_headers_and_data(client):
    async with raw_service(answer({"tickets": [1]}, x_request="r1")) as service:
        outputs = await call(client, "List", {"status": "open"}, service)
    assert (outputs.status_code, outputs.body, outputs.headers["x-request"]) == (200, {"tickets": [1]}, "r1")
    assert service.received[0].target == "/tickets?status=open"
    assert service.received[0].header("x-api-key") == "k-canary-1"


async def test_answers_are_converted_as_the_manifest_says(client):
    body = {"tickets": [{"date": 1700000000, "events": [{"date": "1700000001"}, {"other": 1}]}], "total": 1}
    async with raw_service(answer(body)) as service:
        outputs = await call(client, "Times", {}, service)
    assert outputs.body == [
        {"date": "2023-11-14T22:13:20Z", "events": [{"date": "2023-11-14T22:13:21Z"}, {"other": 1}]}
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, OperationFailed), (404, OperationFailed), (500, OperationFailed), (401, Unauthorized), (429, Throttled)],
)
async def test_errors_carry_the_operation_the_status_and_the_services_words(client, status, kind):
    body = {"error": {"type": "not_found", "message": "Ticket not found"}}
    async with raw_service(answer(body, status, retry_after="7")) as service:
        with pytest.raises(kind) as caught:
            await call(client, "List", {}, service)
    error = caught.value
    assert type(error) is kind
    assert f"desk.List was answered {status}" in error.message
    assert "Ticket not found (not_found)" in error.message
    assert (error.status_code, error.body) == (status, body)
    assert error.retry_after == (None if status == 401 else 7.0)


async def test_a_redirect_is_an_error_that_says_where_it_points(client):
    async with raw_service(reply(302, location="https://elsewhere.example.com/x?token=1")) as service:
        with pytest.raises(OperationFailed, match=r"points to https://elsewhere\.example\.com/x; redirects are not"):
            await call(client, "List", {}, service)


async def test_secrets_that_a_service_repeats_are_struck_out(client):
    async with raw_service(answer({"message": "bad key k-canary-1"}, 401)) as service:
        with pytest.raises(Unauthorized) as caught:
            await call(client, "List", {}, service)
    assert "canary" not in f"{caught.value.message}{caught.value.body}"
    assert "bad key ***" in caught.value.message


async def test_the_idempotency_key_goes_where_the_manifest_says_unless_the_author_set_it(client):
    async with raw_service(answer({})) as service:
        await call(client, "Create", {"event": {}}, service, idempotency_key="run:a")
        await call(client, "Create", {"event": {"custom_id": "mine"}}, service, idempotency_key="run:a")
        await call(client, "Create", {"body": {"event": {}}}, service, idempotency_key="run:b")
        await call(client, "Create", {}, service, idempotency_key="run:c")
        await call(client, "Keyed", {}, service, idempotency_key="run:d")
    bodies = [request.body for request in service.received]
    assert bodies == [
        b'{"event":{"custom_id":"run:a"}}',
        b'{"event":{"custom_id":"mine"}}',
        b'{"event":{"custom_id":"run:b"}}',
        b"",
        b"",
    ]
    assert service.received[-1].header("idempotency-key") == "run:d"


async def test_pages_by_parameter_are_joined(client):
    pages = [
        {"tickets": [1, 2], "next": "p2", "total": 5},
        {"tickets": [3, 4], "next": "p3", "total": 5},
        {"tickets": [5], "total": 5},
    ]
    async with raw_service(replies(*map(answer, pages))) as service:
        outputs = await call(client, "List", {"status": "open"}, service, paginate=100)
    assert outputs.body == {"tickets": [1, 2, 3, 4, 5], "total": 5}
    assert [request.target for request in service.received] == [
        "/tickets?status=open",
        "/tickets?page=p2",
        "/tickets?page=p3",
    ]


async def test_pages_end_when_there_are_enough_items_or_a_page_comes_again(client):
    async with raw_service(answer({"tickets": [1, 2, 3], "next": "again"})) as service:
        outputs = await call(client, "List", {}, service, paginate=5)
        assert outputs.body == {"tickets": [1, 2, 3, 1, 2]}
        service.received.clear()
        outputs = await call(client, "List", {}, service, paginate=500)
    assert len(service.received) == 2
    assert len(outputs.body["tickets"]) == 6


async def test_pages_by_link_keep_the_credentials_at_the_own_host_only(client):
    async with raw_service(answer({"value": [2]})) as other:
        first = {"value": [1], "nextLink": f"http://localhost:{other.port}/more?skip=1"}
        async with raw_service(answer(first)) as service:
            outputs = await call(client, "Linked", {}, service, paginate=10)
    assert outputs.body == {"value": [1, 2]}
    assert other.received[0].target == "/more?skip=1"
    assert other.received[0].header("x-api-key") is None
    async with raw_service(replies(answer({"value": [1], "nextLink": "/linked?skip=1"}), answer({"value": []}))) as own:
        await call(client, "Linked", {}, own, paginate=10)
    assert own.received[1].header("x-api-key") == "k-canary-1"


async def test_an_operation_without_pages_says_so(client):
    async with raw_service(answer([])) as service:
        with pytest.raises(InvalidInputs, match="has no pages"):
            await call(client, "Times", {}, service, paginate=5)


async def test_accepted_is_polled_until_the_result_is_there(client):
    script = replies(
        reply(202, location="/jobs/1", retry_after="0"),
        reply(202, location="/jobs/1", retry_after="0"),
        answer({"done": 1}),
    )
    async with raw_service(script) as service:
        outputs = await call(client, "Create", {"event": {}}, service)
    assert outputs.body == {"done": 1}
    assert [(request.method, request.target) for request in service.received] == [
        ("POST", "/tickets"),
        ("GET", "/jobs/1"),
        ("GET", "/jobs/1"),
    ]
    assert service.received[1].header("content-type") is None


async def test_a_result_that_does_not_come_in_time_is_a_timeout(client):
    async with raw_service(reply(202, location="/jobs/1", retry_after="30")) as service:
        with pytest.raises(ActionTimedOut, match="not done within 5 seconds"):
            await call(client, "Create", {"event": {}}, service, deadline=5)


async def test_a_misdirected_request_goes_to_the_right_region_and_stays_there(client):
    wrong = answer(
        {"error": {"type": "misdirected_request", "message": "Wrong region", "data": {"region": "fra"}}}, 421
    )
    async with raw_service(replies(wrong, answer({"tickets": []}))) as service:
        assert (await call(client, "List", {}, service)).body == {"tickets": []}
        await call(client, "List", {}, service)
    assert [request.header("x-region") for request in service.received] == [None, "fra", "fra"]


async def test_a_region_that_is_wrong_again_is_an_error(client):
    wrong = answer(
        {"error": {"type": "misdirected_request", "message": "Wrong region", "data": {"region": "fra"}}}, 421
    )
    async with raw_service(wrong) as service:
        with pytest.raises(OperationFailed, match="421"):
            await call(client, "List", {}, service)
    assert len(service.received) == 2


async def test_429_pauses_the_connection(client):
    async with raw_service(replies(reply(429, retry_after="0.2"), answer({}))) as service:
        with pytest.raises(Throttled):
            await call(client, "List", {}, service)
        started = time.monotonic()
        await asyncio.gather(*(call(client, "List", {}, service) for _ in range(3)))
    assert time.monotonic() - started >= 0.15


async def test_the_limit_of_the_manifest_holds_over_all_runs(client):
    arrivals = []

    async def note(request, writer):
        arrivals.append(time.monotonic())
        await answer({})(request, writer)

    made = desk(limits=[{"calls": 5, "period_seconds": 0.1}])
    async with raw_service(note) as service:
        await asyncio.gather(*(call(client, "List", {}, service, made=made) for _ in range(20)))
    arrivals.sort()
    assert all(later - earlier >= 0.1 for earlier, later in zip(arrivals, arrivals[5:], strict=False))


async def test_a_connection_may_set_its_own_limit(client):
    found = desk(limits=[{"calls": 1, "period_seconds": 60}])
    async with raw_service(answer({})) as service:
        loose = replace(account(service), limits=((100, 60.0),))
        async with asyncio.timeout(20):
            for _ in range(3):
                await client.call(found, found.operation("List"), {}, loose)


async def test_private_addresses_need_the_connections_word(client):
    async with raw_service(answer({})) as service:
        made = desk()
        with pytest.raises(Blocked, match="allow_private_network"):
            await client.call(made, made.operation("List"), {}, replace(account(service), allow_private_network=False))
        assert service.received == []
    async with (
        Client(Settings(allow_private_network=True), SystemClock()) as trusting,
        raw_service(answer({})) as service,
    ):
        await trusting.call(made, made.operation("List"), {}, replace(account(service), allow_private_network=False))


async def test_no_service_and_no_answer_are_different_errors(client):
    async def abort(_, writer):
        writer.transport.abort()

    async with raw_service(abort) as service:
        with pytest.raises(OutcomeUnknown):
            await call(client, "Create", {"event": {}}, service)
    with pytest.raises(ServiceUnreachable):
        await call(client, "List", {}, service)


async def test_header_injection_never_reaches_the_socket(client):
    async with raw_service(answer({})) as service:
        with pytest.raises(InvalidInputs, match="X-Region"):
            await call(client, "List", {"X-Region": "fra\r\nX-Evil: 1"}, service)
    assert service.received == []


class Mirror:
    """A service that says back all it was told, in the answer's headers, in its body, and encoded as Basic does."""

    def __init__(self, status):
        self.status = status

    async def __call__(self, request, writer):
        told = {"headers": dict(request.headers), "target": request.target, "message": f"no: {request.headers}"}
        await answer(told, self.status, x_echo=request.header("authorization") or "none")(request, writer)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(
    ("security", "declared", "given"),
    [
        (
            {"k": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
            {"api_key": {"type": "securestring"}},
            {"api_key": "canary-1"},
        ),
        (
            {"k": {"type": "apiKey", "in": "query", "name": "key"}},
            {"api_key": {"type": "securestring"}},
            {"api_key": "canary-1"},
        ),
        (
            {"b": {"type": "basic"}},
            {"username": {"type": "string"}, "password": {"type": "securestring"}},
            {"username": "me", "password": "canary-1"},
        ),
        (
            {"o": {"type": "oauth2"}},
            {"token": {"type": "oauthSetting", "oAuthSettings": {}}},
            {"access_token": "canary-1"},
        ),
    ],
)
async def test_no_secret_comes_out_of_a_call(client, status, security, declared, given):
    made = connector("c", {"/a": {"get": {"operationId": "Op"}}}, security=security, connection=declared)
    async with raw_service(Mirror(status)) as service:
        here = Connection("acct", "c", given, base_url=service.url, allow_private_network=True)
        try:
            seen = (await client.call(made, made.operation("Op"), {}, here)).to_json()
        except OperationFailed as error:
            seen = {"message": error.message, "body": error.body, "repr": repr(error)}
    assert "canary" not in json.dumps(seen)
    assert base64.b64encode(b"me:canary-1").decode() not in json.dumps(seen)
    assert "canary" in str(service.received) or "Basic" in str(service.received)
