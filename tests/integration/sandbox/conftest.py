"""The stand-ins on real sockets, one of each for a module, put back to their first state between tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowengine.sandbox.listening import in_loop, listener
from flowengine.sandbox.server import serve
from flowengine.sandbox.stand_in import StandIn


class MovedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        # A little later each time, so that what follows is later than what was before.
        self.moment += timedelta(microseconds=1)
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


class Receiver:
    """A tiny server that webhooks are delivered to; it answers with `statuses` in turn, the last one for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses = [200]
        self.received: list[dict] = []

    async def take(self, request: Request) -> Response:
        self.received.append(await request.json())
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Response(status_code=status)


class Bench:
    """A stand-in with its clock, a client that is signed in, and a receiver of webhooks."""

    def __init__(self, server: StandIn, clock: MovedClock, client: httpx.AsyncClient, receiver: Receiver) -> None:
        self.server = server
        self.clock = clock
        self.client = client
        self.receiver = receiver

    async def happen(self, signal: str, /, **given) -> dict:
        """Make something happen at the service, and wait until everybody was told."""
        answer = await self.client.post(f"{self.server.control_url}/{signal}", json=given)
        assert answer.status_code == 200, answer.text
        await self.server.settled()
        return answer.json()

    async def control(self, path: str, given: dict | None = None) -> dict:
        url = f"{self.server.control_url}/{path}"
        answer = await (self.client.get(url) if given is None else self.client.post(url, json=given))
        return answer.json()

    async def do(self, method: str, /, *, api: str = "agent", token: str | None = None, **given) -> httpx.Response:
        """Call a method of the Agent Chat API."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await self.client.post(f"/v3.6/{api}/action/{method}", json=given, headers=headers)

    async def done(self, method: str, /, *, api: str = "agent", **given):
        """The same, when nothing may go wrong."""
        answer = await self.do(method, api=api, **given)
        assert answer.status_code == 200, answer.text
        await self.server.settled()
        return answer.json()


@asynccontextmanager
async def _receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    async with in_loop(app, listener()) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@asynccontextmanager
async def _bench(name: str) -> AsyncIterator[Bench]:
    clock = MovedClock()
    async with serve(name, clock=clock, fast_retries=True) as server, _receiver() as receiver:
        given = server.credentials
        if "username" in given:
            signed_in = {"auth": (given["username"], given["apikey"]), "headers": {"x-api-version": "2"}}
        else:
            signed_in = {"headers": {"authorization": f"Bearer {given['access_token']}"}}
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, verify=False, **signed_in) as client:
            yield Bench(server, clock, client, receiver)


def _server(name: str):
    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def server() -> AsyncIterator[Bench]:
        async with _bench(name) as bench:
            yield bench

    return server


livechat_server = _server("livechat")
agent_server = _server("livechat-agent")
comm100_server = _server("comm100")


async def _fresh(bench: Bench) -> Bench:
    bench.clock.restart()
    await bench.server.reset()
    bench.receiver.statuses, bench.receiver.received = [200], []
    return bench


@pytest_asyncio.fixture(loop_scope="module")
async def livechat(livechat_server: Bench) -> Bench:
    return await _fresh(livechat_server)


@pytest_asyncio.fixture(loop_scope="module")
async def agent(agent_server: Bench) -> Bench:
    return await _fresh(agent_server)


@pytest_asyncio.fixture(loop_scope="module")
async def comm100(comm100_server: Bench) -> Bench:
    return await _fresh(comm100_server)
