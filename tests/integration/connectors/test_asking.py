"""Requests beside an operation's own, on real sockets: what a definition asks first, and addresses that a service gave."""

import json

import pytest

from flowengine.connectors.announcing import Position
from flowengine.errors import InvalidInputs, OperationFailed
from tests.fakes.asked_first import account, made
from tests.fakes.raw_service import raw_service, replies, reply


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


async def test_an_error_without_words_is_told_in_the_definition_s(client):
    things = made()
    tagged = found({"tag": {"value": "v"}})
    async with raw_service(replies(tagged, reply(409), tagged, reply(404))) as service:
        there = account(f"{service.url}/v1")
        with pytest.raises(OperationFailed, match=r"409 Conflict: It has changed meanwhile\."):
            await client.call(things, things.operation("Change"), {"id": "1"}, there)
        with pytest.raises(OperationFailed, match=r"404 Not Found$"):
            await client.call(things, things.operation("Change"), {"id": "1"}, there)


async def test_a_poll_goes_on_from_its_position(client):
    things = made()
    async with raw_service(found([{"id": 1}])) as service:
        for position in (Position({"since": "x"}), Position({}, "/v1/rows/next?token=t")):
            await client.call(things, things.operation("Rows"), {}, account(f"{service.url}/v1"), position=position)
    assert [request.target.replace("key=k2", "K") for request in service.received] == [
        "/v1/rows?K&since=x",
        "/v1/rows/next?token=t&K",
    ]
