"""What comes of trying a connection."""

import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.trial import try_connection
from tests.fakes.definitions import connector
from tests.fakes.raw_service import raw_service, reply


@pytest.mark.parametrize(("status", "works", "needs"), [(200, True, False), (401, False, True), (500, False, False)])
async def test_what_comes_of_it(client, status, works, needs):
    found = connector("c", {"/b": {"get": {"operationId": "Short"}}})
    async with raw_service(reply(status, b"{}", content_type="application/json")) as service:
        account = Connection("acct", "c", base_url=service.url, allow_private_network=True)
        trial = await try_connection(client, {"c": found}, account)
    assert (trial.works, trial.needs_sign_in, trial.operation) == (works, needs, "c.Short")
    assert str(status) in trial.message
