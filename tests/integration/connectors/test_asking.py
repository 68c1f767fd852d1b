"""Requests beside an operation's own, on real sockets: what a definition asks first, and addresses that a service gave."""

import json

import pytest

from flowengine.config import Settings
from flowengine.connectors.announcing import Position, announced, following
from flowengine.connectors.asking import request_at
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.connectors.request import build_request
from flowengine.errors import InvalidInputs, OperationFailed
from flowengine.types import Outputs, SystemClock
from tests.fakes.definitions import connector
from tests.fakes.raw_service import raw_service, replies, reply

ID = {"name": "id", "in": "path", "type": "string", "required": True}
ASK = {
    "template": "setvaluefromurl",
    "parameterTemplate": "@headers('If-Match')",
    "httpMethod": "GET",
    "parameterValueUrl": "/things/{id}/tag?full=1",
    "parameterValuePathTemplate": "@body().tag.value",
    "operations": ["Change"],
}
SIGNED = {"security": [{"h": [], "q": []}]}
PATHS = {
    "/things/{id}": {
        "put": {
            "operationId": "Change",
            **SIGNED,
            "parameters": [ID],
            "responses": {"409": {"description": "It has changed meanwhile."}, "404": {"description": "Not Found"}},
        }
    },
    "/hooks": {"post": {"operationId": "On", **SIGNED, "x-ms-trigger": "single"}},
    "/rows": {"get": {"operationId": "Rows", **SIGNED, "x-ms-trigger": "batch"}},
}
KEYS = {"h": {"type": "apiKey", "in": "header", "name": "X-Key"}, "q": {"type": "apiKey", "in": "query", "name": "key"}}
PARAMETERS = {"h": {"type": "securestring"}, "q": {"type": "securestring"}}


def made():
    return connector("c", PATHS, security=KEYS, connection=PARAMETERS, policies=[ASK], base="/v1")


def account(url="https://api.example.com/v1", **more):
    return Connection("a", "c", {"h": "k1", "q": "k2"}, base_url=url, allow_private_network=True, **more)


@pytest.fixture
async def client():
    async with Client(Settings(), SystemClock()) as client:
        yield client


def found(value, status=200, **headers):
    return reply(status, json.dumps(value).encode(), content_type="application/json", **headers)


async def test_a_value_is_asked_for_first_and_set(client):
    things = made()
    async with raw_service(replies(found({"tag": {"value": "v7"}}), found({"ok": True}))) as service:
        outputs = await client.call(things, things.operation("Change"), {"id": "a/b"}, account(f"{service.url}/v1"))
    first, second = service.received
    assert outputs.body == {"ok": True}
    assert first.target.startswith("/v1/things/a%2Fb/tag?full=1")
    assert first.header("x-key") == "k1"
    assert (second.method, second.header("if-match")) == ("PUT", "v7")


async def test_a_first_question_that_fails_or_has_no_value_is_told(client):
    things = made()
    async with raw_service(replies(found({"message": "no such thing"}, 404), found({"other": 1}))) as service:
        there = account(f"{service.url}/v1")
        with pytest.raises(OperationFailed, match="no such thing"):
            await client.call(things, things.operation("Change"), {"id": "1"}, there)
        with pytest.raises(InvalidInputs, match="has nothing at @body"):
            await client.call(things, things.operation("Change"), {"id": "1"}, there)


def test_without_a_call_nobody_knows_that_request():
    things = made()
    with pytest.raises(InvalidInputs, match="setvaluefromurl"):
        build_request(things, things.operation("Change"), {"id": "1"}, account())
    known = build_request(
        things, things.operation("Change"), {"id": "1"}, account(), asked={"@headers('If-Match')": "v"}
    )
    assert dict(known.headers)["If-Match"] == "v"


async def test_an_error_without_words_is_told_in_the_definition_s(client):
    things = made()
    tagged = found({"tag": {"value": "v"}})
    async with raw_service(replies(tagged, reply(409), tagged, reply(404))) as service:
        there = account(f"{service.url}/v1")
        with pytest.raises(OperationFailed, match=r"409 Conflict: It has changed meanwhile\."):
            await client.call(things, things.operation("Change"), {"id": "1"}, there)
        with pytest.raises(OperationFailed, match=r"404 Not Found$"):
            await client.call(things, things.operation("Change"), {"id": "1"}, there)


@pytest.mark.parametrize(
    ("address", "url", "signed"),
    [
        ("https://api.example.com/v1/hooks/7", "https://api.example.com/v1/hooks/7", True),
        ("/v1/hooks/7?a=1", "https://api.example.com/v1/hooks/7?a=1", True),
        ("hooks/7", "https://api.example.com/v1/hooks/7", True),
        ("https://evil.example/hooks/7", "https://evil.example/hooks/7", False),
        ("//evil.example/x", "https://evil.example/x", False),
        ("https://api.example.com:8443/x", "https://api.example.com:8443/x", False),
    ],
)
def test_only_the_connection_s_own_host_sees_its_keys(address, url, signed):
    things = made()
    request = request_at(things, things.operation("On"), account(), "DELETE", address)
    assert request.url.startswith(url)
    assert request.method == "DELETE"
    assert ("X-Key", "k1") in request.headers if signed else not request.headers
    assert ("k2" in request.url) is signed


async def test_a_poll_goes_on_from_its_position(client):
    things = made()
    async with raw_service(found([{"id": 1}])) as service:
        for position in (Position({"since": "x"}), Position({}, "/v1/rows/next?token=t")):
            await client.call(things, things.operation("Rows"), {}, account(f"{service.url}/v1"), position=position)
    assert [request.target.replace("key=k2", "K") for request in service.received] == [
        "/v1/rows?K&since=x",
        "/v1/rows/next?token=t&K",
    ]


def test_what_a_batch_announces():
    things = made()
    rows = things.operation("Rows")

    def items(body, status=200):
        return announced(things, rows, Outputs(status, {}, body))

    assert items([{"a": 1}, {"a": 2}]) == [{"a": 1}, {"a": 2}]
    assert items({"value": [1], "more": [2]}) == [1]
    assert items({"issues": [1, 2], "total": 2}) == [1, 2]
    assert items({"a": [1], "b": [2]}) == [{"a": [1], "b": [2]}], "which of them is a guess"
    assert items([1], 202) == items(None) == items([]) == []
    kept = following(things, rows, Outputs(202, {}, None), Position({}, "/before"))
    assert kept == Position({}, "/before")
