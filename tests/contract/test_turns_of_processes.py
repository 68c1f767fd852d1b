"""What only one of the processes over a PostgreSQL database may do at a time: above all, renewing a token that works once."""

import asyncio
import itertools
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from sqlalchemy import create_engine

from flowengine.app.secrets import KeptTokens, Secrets
from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.errors import SignInNeeded
from flowengine.store import Store
from flowengine.store.turns import KIND
from flowengine.types import SystemClock
from tests.fakes.authorization_server import authorization_server
from tests.fakes.definitions import connector
from tests.fakes.signing_in import token

pytestmark = pytest.mark.postgresql
_numbers = itertools.count(1)


@pytest.fixture
def database(postgresql_server):
    return postgresql_server.database(f"turns_{next(_numbers)}")


@pytest.fixture
async def stores(database, tmp_path):
    """An engine's store and one of a process beside it."""
    async with (
        Store.open(database, write=True, key_file=tmp_path / "key") as one,
        Store.open(database, write=True, beside=True, key_file=tmp_path / "key") as other,
    ):
        yield one, other


# Turns.


async def test_two_processes_are_never_inside_at_once(stores):
    inside, most, done = 0, 0, []

    async def work(store, number):
        nonlocal inside, most
        async with store.secrets.turn("connection:desk"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1
            done.append(number)

    for _ in range(5):
        async with asyncio.timeout(20):
            await asyncio.gather(*(work(store, number) for number, store in enumerate(stores)))
    assert (most, sorted(done)) == (1, [0] * 5 + [1] * 5)


async def test_turns_of_other_names_are_not_waited_for(stores):
    one, other = stores
    async with asyncio.timeout(10), AsyncExitStack() as stack:
        for store, name in ((one, "a"), (other, "b"), (one, "c")):
            await stack.enter_async_context(store.secrets.turn(f"connection:{name}"))


async def test_who_gives_up_waiting_or_working_leaves_no_turn_behind(stores):
    one, other = stores

    async def take(store, seconds):
        async with asyncio.timeout(seconds), store.secrets.turn("connection:desk"):
            await asyncio.sleep(20)

    async with one.secrets.turn("connection:desk"):
        for seconds in (0.0, 0.001, 0.003, 0.2):
            with pytest.raises(TimeoutError):
                await take(other, seconds)
    for seconds in (0.0, 0.001, 0.002, 0.003, 0.005, 0.05):
        with pytest.raises(TimeoutError):
            await take(one, seconds)
        async with asyncio.timeout(10), other.secrets.turn("connection:desk"):
            pass


async def test_the_turn_of_a_process_that_died_is_free(stores, database):
    one, other = stores
    admin = create_engine(database.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as killer:
        async with one.secrets.turn("connection:desk"):
            ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
            assert killer.exec_driver_sql(ended, (KIND,)).scalar() == 1
            async with asyncio.timeout(10), other.secrets.turn("connection:desk"):
                pass
    admin.dispose()
    async with asyncio.timeout(10), one.secrets.turn("connection:desk"):
        pass


# Tokens.


@asynccontextmanager
async def two_processes(stores, server):
    """Calls of a service by each of two processes, whose access token has ended; the refresh token works once."""
    server.refresh_tokens.add("first")
    at = {"authorizationUrl": f"{server.url}/authorize", "tokenUrl": f"{server.url}/token"}
    secured = {"o": {"type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a", "tokenUrl": "https://t"}}
    desk = connector("c", {"/me": {"get": {"operationId": "Me"}}}, connection={"token": token(**at)}, security=secured)
    given = {"client_id": "app", "client_secret": server.client_secret, "refresh_token": "first"}
    account = Connection("acct", "c", given, base_url=server.url, allow_private_network=True)
    async with AsyncExitStack() as stack:
        clients = []
        for store in stores:
            secrets = Secrets(store, {})
            await secrets.load()
            clients.append(await stack.enter_async_context(Client(Settings(), SystemClock(), KeptTokens(secrets))))

        async def call(client):
            return (await client.call(desk, desk.operation("Me"), {}, account)).status_code

        yield (
            clients,
            lambda: asyncio.gather(*(call(client) for client in clients for _ in range(5)), return_exceptions=True),
        )


async def test_a_token_is_renewed_once_for_both(stores):
    async with authorization_server(takes=0.2) as server, two_processes(stores, server) as (clients, calls):
        assert await calls() == [200] * 10
        assert server.granted == ["refresh_token"]
        for _ in range(3):
            server.revoke()
            for client in clients:
                client.tokens._renewed.clear()
            assert await calls() == [200] * 10
        assert server.granted == ["refresh_token"] * 4


async def test_a_refusal_is_asked_for_once_and_told_by_both(stores):
    async with (
        authorization_server(takes=0.2, refuse={"error": "invalid_grant"}) as server,
        two_processes(stores, server) as (_, calls),
    ):
        answers = await calls()
        assert {type(answer) for answer in answers} == {SignInNeeded}
        assert [request.target for request in server.service.received] == ["/token"]
