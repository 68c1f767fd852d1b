"""Which operation a connection is tried with."""

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.connection import Connection
from flowengine.connectors.trial import harmless, try_connection
from flowengine.manifests.catalog import Catalog
from flowengine.types import SystemClock
from tests.fakes.definitions import connector

NEEDY = {"name": "id", "in": "query", "type": "string", "required": True}

PATHS = {
    "/long/way/there": {"get": {"operationId": "Long"}},
    "/b": {"get": {"operationId": "Short"}},
    "/a": {"get": {"operationId": "Hidden", "x-ms-visibility": "internal"}},
    "/c": {"get": {"operationId": "Needy", "parameters": [NEEDY]}, "post": {"operationId": "Write"}},
    "/o": {"get": {"operationId": "Old", "deprecated": True}},
    "/check": {"post": {"operationId": "Check", "parameters": [{**NEEDY, "name": "who"}]}},
}


def naming(name, **inputs):
    return {"x-ms-capabilities": {"testConnection": {"operationId": name, "parameters": inputs}}}


def test_the_definitions_own_operation_comes_first():
    operation, inputs = harmless(connector("c", PATHS, **naming("Check", who="me")))
    assert (operation.id, inputs) == ("Check", {"who": "me"})


def test_else_the_shortest_that_only_reads_and_wants_nothing():
    assert harmless(connector("c", PATHS))[0].id == "Short"
    # Some definitions name an operation that they do not have.
    assert harmless(connector("c", PATHS, **naming("Gone")))[0].id == "Short"
    assert harmless(connector("c", {"/c": PATHS["/c"]})) is None


async def test_what_cannot_be_tried():
    account = Connection("acct", "c")
    async with Client(Settings(), SystemClock()) as client:
        unknown = await try_connection(client, Catalog([]), account)
        needy = await try_connection(client, {"c": connector("c", {"/c": PATHS["/c"]})}, account)
    assert "there is no connector" in unknown.message
    assert (needy.works, needy.operation) == (False, "")
