"""Signing in by OAuth with the real command line and engine against an authorization server on a real socket."""

import asyncio
import json
import sqlite3

import httpx
import pytest

from tests.fakes.authorization_server import AuthorizationServer, authorization_server
from tests.fakes.command_line import CommandLine
from tests.fakes.desk_project import desk_project

APPLICATION = json.dumps({"client_id": "app", "client_secret": "canary-client-secret"})


class Desk(CommandLine):
    """The project, its command line, and the authorization server beside it."""

    server: AuthorizationServer

    async def login(self):
        """Sign in as a person would, whose browser is this."""
        process = await self.start("connections", "login", "desk", "--no-browser", "--port", "0")
        address = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            page = await browser.get(address)
        code, out, err = await self.end(process)
        return code, out + err, page

    async def state(self):
        _, out, _ = await self.here("connections", "list", "--json")
        [found] = json.loads(out)["connections"]
        return found["state"]


@pytest.fixture
async def desk(tmp_path):
    async with authorization_server() as server:
        desk = Desk(desk_project(tmp_path, server.url))
        desk.server = server
        code, _, told = await desk.here("connections", "add", "desk", "--base-url", server.url, stdin=APPLICATION)
        assert code == 0, told
        assert "flowengine connections login desk" in told
        yield desk


async def test_from_nothing_to_a_finished_run(desk):
    assert await desk.state() == "sign_in_needed"
    code, _, told = await desk.here("connections", "test", "desk")
    assert code == 4, told
    code, _, told = await desk("run", "look")
    assert code == 4
    assert "flowengine connections login desk" in told + (await desk.here("runs", "show", "@last"))[1]

    code, told, page = await desk.login()
    assert code == 0, told
    assert "You are signed in" in page.text
    assert await desk.state() == "ready"
    assert (await desk.here("connections", "test", "desk"))[0] == 0
    code, out, told = await desk("run", "look")
    assert (code, "Ann" in out) == (0, True), told
    assert desk.server.granted == ["authorization_code"]


async def test_nothing_of_it_is_at_rest_in_clear(desk):
    await desk.login()
    await desk("run", "look")
    token = next(iter(desk.server.access_tokens))
    files = [path for path in desk.folder.rglob("*") if path.is_file()]
    for secret in (token, "canary-client-secret", "canary-refresh"):
        assert [str(path) for path in files if secret.encode() in path.read_bytes()] == []
    assert (await desk.here("secrets", "list"))[1] == "desk_client_secret\n"
    database = sqlite3.connect(desk.folder / ".flowengine" / "flowengine.db")
    assert database.execute("SELECT count(*) FROM secrets").fetchone() == (2,)
    database.close()


async def test_a_person_who_says_no(desk):
    desk.server.deny = True
    code, told, page = await desk.login()
    assert code == 4
    assert "the service did not let you in: You said no." in told
    assert page.status_code == 400


async def test_an_answer_that_somebody_else_made_does_not_end_the_sign_in(desk):
    process = await desk.start("connections", "login", "desk", "--no-browser", "--port", "0")
    address = (await process.stdout.readline()).decode().strip()
    back = httpx.URL(address).params["redirect_uri"]
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        assert (await browser.get(f"{back}?code=stolen&state=guessed")).status_code == 400
        assert (await browser.get(back.replace("/callback", "/"))).status_code == 404
        assert (await browser.get(address)).status_code == 200
    assert (await desk.end(process))[0] == 0


async def test_a_refused_renewal_marks_the_connection_until_somebody_signs_in(desk):
    await desk.login()
    desk.server.revoke()
    desk.server.refuse = {"error": "invalid_grant"}
    asked = len(desk.server.service.received)
    assert (await desk("run", "look"))[0] == 4
    _, out, told = await desk("run", "look", "--json")
    error = json.loads(out)["run"]["error"]
    assert error["code"] == "sign_in_needed"
    assert "invalid_grant" in error["message"]
    assert "run `flowengine connections login desk`" in error["message"]
    assert "canary" not in out + told
    # One refused call and one refused renewal; the second run asked nobody.
    assert len(desk.server.service.received) - asked == 2
    assert await desk.state() == "sign_in_needed"
    assert "flowengine connections login desk" in (await desk.here("connections", "list"))[1]
    desk.server.refuse = None
    assert (await desk.login())[0] == 0
    assert (await desk("run", "look"))[0] == 0


async def test_fifty_runs_and_a_second_process_renew_once(desk):
    async with desk.served() as (url, _):
        # The engine holds the database: what is signed in here goes through it.
        code, told, _ = await desk.login()
        assert code == 0, told
        desk.server.revoke()
        async with httpx.AsyncClient(base_url=url, timeout=60) as api:
            runs = [api.post("/api/v1/runs", json={"flow": "look", "wait": 30}) for _ in range(50)]
            *answers, tested = await asyncio.gather(*runs, desk("connections", "test", "desk"))
            assert [answer.json()["run"]["error"] for answer in answers] == [None] * 50
            assert tested[0] == 0
            assert desk.server.granted == ["authorization_code", "refresh_token"]
            [shown] = (await api.get("/api/v1/connections")).json()["connections"]
            assert (shown["state"], shown["signs_in"]) == ("ready", True)
            assert (await desk("secrets", "rotate-key"))[0] == 0
            assert (await api.post("/api/v1/runs", json={"flow": "look", "wait": 30})).json()["run"]["status"] == (
                "succeeded"
            )
    assert len((desk.folder / ".flowengine" / "key").read_text().split()) == 2
    # After the rotation and a restart everything is still readable, and the same tokens hold.
    assert (await desk("run", "look"))[0] == 0
    assert len(desk.server.granted) == 2


async def test_a_removed_connection_leaves_no_tokens(desk):
    await desk.login()
    assert (await desk.here("connections", "remove", "desk"))[0] == 0
    assert (await desk.here("connections", "add", "desk", "--base-url", desk.server.url, stdin=APPLICATION))[0] == 0
    assert await desk.state() == "sign_in_needed"
