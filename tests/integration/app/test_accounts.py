"""The project's connections: how they stand, signing in, trying, forgetting; with an engine and without one."""

import json

import pytest

from flowengine.app import App
from flowengine.app.accounts import open_accounts
from flowengine.config import Settings
from flowengine.connectors import oauth
from flowengine.connectors.sign_in import sign_in_of
from flowengine.errors import Conflict, NotFound, Unauthorized
from flowengine.manifests.definition import load_connector
from tests.fakes.authorization_server import authorization_server
from tests.fakes.desk_project import desk_project

CONNECTIONS = """
desk:
  connector: desk
  base_url: {url}
  allow_private_network: true
  parameters: {{ client_id: app, client_secret: "{{{{ env.DESK_SECRET }}}}" }}
robot:
  connector: desk
  base_url: {url}
  allow_private_network: true
  parameters: {{ client_id: app, client_secret: "{{{{ env.DESK_SECRET }}}}", grant_type: client_credentials }}
plain: {{ connector: http }}
lost: {{ connector: nowhere }}
"""
ENVIRON = {"DESK_SECRET": "canary-client-secret"}
BACK = "http://127.0.0.1:1/callback"


@pytest.fixture
async def server():
    async with authorization_server() as server:
        yield server


@pytest.fixture
def settings(tmp_path, server):
    desk_project(tmp_path, server.url)
    (tmp_path / "connections.yaml").write_text(CONNECTIONS.format(url=server.url))
    return Settings(project=tmp_path)


async def code_of(accounts, settings, server):
    """A person's sign-in, without the person."""
    sign_in = sign_in_of(load_connector(settings.connectors / "desk"), accounts.get("desk").connection)
    verifier = oauth.new_verifier()
    url = oauth.authorization_url(sign_in, redirect_url=BACK, state="s", verifier=verifier)
    import httpx

    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
    return {
        "code": httpx.URL(answer.headers["location"]).params["code"],
        "redirect_url": BACK,
        "verifier": verifier,
    }


async def test_how_each_stands(settings):
    async with open_accounts(settings, ENVIRON) as accounts:
        states = {one.connection.name: one.standing.state for one in accounts.all()}
        assert states == {"desk": "sign_in_needed", "robot": "ready", "plain": "ready", "lost": "incomplete"}
        assert "canary" not in json.dumps([one.to_json() for one in accounts.all()])
    async with open_accounts(settings, {}) as accounts:
        assert "DESK_SECRET is not set" in accounts.get("desk").standing.why


async def test_signing_in_trying_and_forgetting(settings, server):
    async with open_accounts(settings, ENVIRON) as accounts:
        given = await code_of(accounts, settings, server)
        assert (await accounts.test("desk")).needs_sign_in
        assert (await accounts.redeem("desk", **given)).standing.state == "ready"
        assert (await accounts.test("desk")).works
        with pytest.raises(Unauthorized, match="That is used up"):
            await accounts.redeem("desk", **given)
    # What was signed in without an engine is there for it, and the other way round.
    async with App.open(settings, environ=ENVIRON) as app:
        assert (await app.accounts.test("desk")).works
        await app.accounts.sign_out("desk")
        await app.accounts.sign_out("desk")
    async with open_accounts(settings, ENVIRON) as accounts:
        assert accounts.get("desk").standing.state == "sign_in_needed"
    assert server.granted == ["authorization_code"]


async def test_an_application_signs_in_by_itself(settings, server):
    async with open_accounts(settings, ENVIRON) as accounts:
        assert (await accounts.sign_in_by_itself("robot")).standing.until is not None
        assert (await accounts.test("robot")).works
    assert server.granted == ["client_credentials"]


async def test_what_is_not_there_or_does_not_sign_in(settings):
    async with open_accounts(settings, ENVIRON) as accounts:
        with pytest.raises(NotFound, match='did you mean "desk"'):
            await accounts.test("dask")
        with pytest.raises(Conflict, match="does not sign in by OAuth"):
            await accounts.sign_in_by_itself("plain")
        with pytest.raises(Conflict, match="in use by the engine"):
            async with open_accounts(settings, ENVIRON):
                pass
