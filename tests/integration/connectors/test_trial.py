"""Which operation a connection is tried with, and what comes of it."""

import pytest

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.connectors.trial import try_connection
from flowengine.errors import NotFound
from flowengine.types import SystemClock
from tests.fakes.definitions import connector
from tests.fakes.raw_service import raw_service, reply

NEEDY = {"name": "id", "in": "query", "type": "string", "required": True}

PATHS = {
    "/long/way/there": {"get": {"operationId": "Long"}},
    "/b": {"get": {"operationId": "Short"}},
    "/a": {"get": {"operationId": "Hidden", "x-ms-visibility": "internal"}},
    "/c": {"get": {"operationId": "Needy", "parameters": [NEEDY]}, "post": {"operationId": "Write"}},
    "/o": {"get": {"operationId": "Old", "deprecated": True}},
    "/check": {"post": {"operationId": "Check", "parameters": [{**NEEDY, "name": "who"}]}},
}


class Shelf:
    """A catalog of one."""

    def __init__(self, found=None):
        self.found = found

    def get(self, name):
        if self.found is None:
            raise NotFound(f'there is no connector "{name}"')
        return self.found


@pytest.fixture
async def client():
    async with Client(Settings(), SystemClock()) as client:
        yield client


@pytest.mark.parametrize(("status", "works", "needs"), [(200, True, False), (401, False, True), (500, False, False)])
async def test_what_comes_of_it(client, status, works, needs):
    async with raw_service(reply(status, b"{}", content_type="application/json")) as service:
        account = Connection("acct", "c", base_url=service.url, allow_private_network=True)
        trial = await try_connection(client, Shelf(connector("c", PATHS)), account)
    assert (trial.works, trial.needs_sign_in, trial.operation) == (works, needs, "c.Short")
    assert str(status) in trial.message
