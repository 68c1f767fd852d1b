"""Tokens from a token endpoint on a real socket: what is asked, what is told, and what is not."""

from urllib.parse import parse_qs

import pytest

from flowengine.connectors.connection import Connection
from flowengine.errors import SignInNeeded, Unauthorized
from tests.fakes.authorization_server import authorization_server
from tests.fakes.definitions import connector
from tests.fakes.signing_in import token


def desk(server, **custom):
    custom = {"authorizationUrl": f"{server.url}/authorize", "tokenUrl": f"{server.url}/token", **custom}
    secured = {"o": {"type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a", "tokenUrl": "https://t"}}
    return connector(
        "c", {"/me": {"get": {"operationId": "Me"}}}, connection={"token": token(**custom)}, security=secured
    )


def account(server, **given):
    given = {"client_id": "app", "client_secret": server.client_secret, **given}
    return Connection("acct", "c", given, base_url=server.url, allow_private_network=True)


async def test_an_application_that_has_to_show_its_secret_as_basic(client):
    async with authorization_server(only_basic=True, client_secret="s/1 %+ü") as server:
        found, given = desk(server), account(server, grant_type="client_credentials")
        for _ in range(2):
            assert (await client.call(found, found.operation("Me"), {}, given)).status_code == 200
            server.revoke()
            client.tokens._renewed.clear()
        asked = [request for request in server.service.received if request.target == "/token"]
    # The form is tried once; after that the way that works is known.
    assert [request.header("authorization") is not None for request in asked] == [False, True, True]
    assert "client_secret" not in parse_qs(asked[-1].body.decode())


@pytest.mark.parametrize(("said", "shown"), [("header", [True]), ("body", [False])])
async def test_a_connection_may_say_how_the_secret_is_shown(client, said, shown):
    async with authorization_server() as server:
        found = desk(server)
        given = account(server, grant_type="client_credentials", client_authentication=said)
        await client.call(found, found.operation("Me"), {}, given)
        asked = [request for request in server.service.received if request.target == "/token"]
    assert [request.header("authorization") is not None for request in asked] == shown


async def test_another_secret_lifts_the_mark_of_a_refusal(client):
    async with authorization_server() as server:
        found = desk(server)
        wrong = account(server, grant_type="client_credentials", client_secret="typed-wrongly")
        for _ in range(2):
            with pytest.raises(SignInNeeded, match="401: invalid_client") as caught:
                await client.call(found, found.operation("Me"), {}, wrong)
            assert "typed-wrongly" not in caught.value.message
        asked = len(server.service.received)
        assert asked == 2  # the form, then as Basic; the second call asked nobody
        right = account(server, grant_type="client_credentials")
        assert (await client.call(found, found.operation("Me"), {}, right)).status_code == 200


async def test_a_service_that_refuses_what_is_asked_is_not_asked_for_tokens_again_and_again(client):
    async with authorization_server(deny_all=True) as server:
        found, given = desk(server), account(server, grant_type="client_credentials")
        for _ in range(5):
            with pytest.raises(Unauthorized):
                await client.call(found, found.operation("Me"), {}, given)
    assert len(server.granted) == 1


async def test_a_connection_that_nobody_signed_in_with_says_what_to_type(client):
    async with authorization_server() as server:
        found = desk(server)
        with pytest.raises(SignInNeeded, match="run `flowengine connections login acct`"):
            await client.call(found, found.operation("Me"), {}, account(server))
        assert server.service.received == []


async def test_what_a_token_endpoint_repeats_is_not_told(client):
    async with authorization_server(refuse={"error": "invalid_grant"}) as server:
        found = desk(server)
        given = account(server, refresh_token="canary-refresh")
        with pytest.raises(SignInNeeded, match="invalid_grant") as caught:
            await client.call(found, found.operation("Me"), {}, given)
    assert "canary" not in caught.value.message


async def test_tokens_are_shown_to_nobody_else(client):
    async with authorization_server() as server, authorization_server() as other:
        given = account(server, grant_type="client_credentials")
        await client.call(desk(server), desk(server).operation("Me"), {}, given)
        # The same name, now for another application: what was kept is not sent along, and not renewed either.
        moved = account(other, client_id="another")
        with pytest.raises(SignInNeeded):
            await client.call(desk(other), desk(other).operation("Me"), {}, moved)
    assert other.service.received == []
