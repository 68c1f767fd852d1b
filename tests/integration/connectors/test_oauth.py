"""Tokens over real sockets: renewed once for all who wait, before they end, and never again where that was refused."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from flowengine.connectors.oauth import Tokens
from flowengine.errors import ServiceUnreachable, Unauthorized
from tests.fakes.raw_service import raw_service, replies, reply
from tests.fakes.signing_in import NOW, account, made


class Desk:
    """A service that accepts the newest token only, and its token endpoint."""

    def __init__(self, *, lifetime=3600):
        self.issued = 0
        self.lifetime = lifetime

    async def __call__(self, request, writer):
        if request.target == "/token":
            await asyncio.sleep(0.01)
            self.issued += 1
            answer = {
                "access_token": f"token-{self.issued}",
                "refresh_token": f"r{self.issued}",
                "expires_in": self.lifetime,
            }
            await reply(200, json.dumps(answer).encode(), content_type="application/json")(request, writer)
        elif request.header("authorization") == f"Bearer token-{self.issued}":
            await reply(200, b"{}", content_type="application/json")(request, writer)
        else:
            await reply(401, b'{"message": "expired"}', content_type="application/json")(request, writer)


async def test_fifty_runs_refresh_once(client):
    desk = Desk()
    async with raw_service(desk) as service:
        found = made(tokenUrl=f"{service.url}/token")
        given = account(service.url, refresh_token="first")

        async def call():
            return (await client.call(found, found.operation("Op"), {}, given)).status_code

        assert set(await asyncio.gather(*(call() for _ in range(50)))) == {200}
        assert desk.issued == 1
        await client.tokens.keep("acct", Tokens("revoked", "again"))
        assert set(await asyncio.gather(*(call() for _ in range(50)))) == {200}
        assert desk.issued == 2
        assert parse_qs(service.received[0].body.decode())["refresh_token"] == ["first"]


async def test_a_token_near_its_end_is_renewed_before_it_is_used(client):
    desk = Desk(lifetime=30)
    async with raw_service(desk) as service:
        found = made(tokenUrl=f"{service.url}/token")
        for _ in range(2):
            await client.call(found, found.operation("Op"), {}, account(service.url))
        bodies = [parse_qs(request.body.decode()) for request in service.received if request.target == "/token"]
    assert [body["grant_type"] for body in bodies] == [["client_credentials"], ["refresh_token"]]
    assert bodies[1]["refresh_token"] == ["r1"]


async def test_a_refused_refresh_marks_the_connection_and_is_not_asked_again(client):
    refused = reply(400, b'{"error": "invalid_grant", "error_description": "revoked"}', content_type="application/json")
    async with raw_service(refused) as service:
        found = made(tokenUrl=f"{service.url}/token")
        given = account(service.url, refresh_token="r")
        for _ in range(2):
            with pytest.raises(Unauthorized, match=r'"acct" needs signing in again: .*revoked.*connections login acct'):
                await client.call(found, found.operation("Op"), {}, given)
        assert len(service.received) == 1
        await client.tokens.keep("acct", Tokens("new"))
        service.answer = reply(200, b"{}")
        assert (await client.call(found, found.operation("Op"), {}, given)).status_code == 200


async def test_a_token_endpoint_in_trouble_is_worth_another_try(client):
    async def abort(_, writer):
        writer.transport.abort()

    async with raw_service(replies(reply(503), abort)) as service:
        found = made(tokenUrl=f"{service.url}/token")
        for _ in range(2):
            with pytest.raises(ServiceUnreachable, match="could not sign in"):
                await client.call(found, found.operation("Op"), {}, account(service.url))


async def test_without_anything_to_sign_in_with_a_person_is_asked(client):
    async with raw_service(reply(401)) as service:
        found = made(tokenUrl=f"{service.url}/token")
        bare = replace(account(service.url), parameters={})
        with pytest.raises(Unauthorized):
            await client.call(found, found.operation("Op"), {}, bare)
        await client.tokens.keep("acct", Tokens("old", None, NOW - timedelta(days=1)))
        with pytest.raises(Unauthorized, match="its token has expired"):
            await client.call(found, found.operation("Op"), {}, bare)
