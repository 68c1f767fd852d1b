"""Errors as answers: the status that fits, words without a traceback."""

import httpx

from flowengine import errors
from flowengine.server.application import build
from flowengine.server.ingress import Ingress
from flowengine.triggers.service import Triggers
from tests.fakes.projects import make_project, served


async def test_a_full_disk_asks_the_sender_to_come_again(tmp_path, monkeypatch):
    async with served(make_project(tmp_path, {})) as (server, http):

        async def full(*_):
            raise errors.StorageUnavailable("the disk is full")

        monkeypatch.setattr(server.app.hooks, "receive", full)
        answer = await http.post("/hooks/any/key", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"]["message"] == "the disk is full"


async def test_a_mistake_of_ours_is_told_in_brief(tmp_path, monkeypatch, caplog):
    async with served(make_project(tmp_path, {})) as (server, http):

        async def broken(*_, **__):
            raise ZeroDivisionError("inner words")

        monkeypatch.setattr(type(server.app.store.flows), "enabled", broken)
        monkeypatch.setattr(server.app.hooks, "receive", broken)
        answers = [await http.get("/readyz"), await http.post("/hooks/any/key", json={})]
        assert [answer.status_code for answer in answers] == [500, 503]
        assert not any("inner words" in answer.text or "Traceback" in answer.text for answer in answers)
        assert "inner words" in caplog.text


async def test_ready_means_that_triggers_are_in_force(tmp_path, monkeypatch):
    during = []
    start = Triggers.start

    async def asked_first(triggers, public_url):
        async with httpx.AsyncClient(base_url=public_url) as http:
            told = await http.get("/api/v1/flows/hooked")
            during.extend([await http.get("/readyz"), told.json()["flow"]["triggers"][0]["address"]])
        await start(triggers, public_url)

    monkeypatch.setattr(Triggers, "start", asked_first)
    flow = "flow: Hooked\ntrigger:\n  webhook: { verify: none }\nactions:\n  - log: hi\n"
    async with served(make_project(tmp_path, {"hooked": flow})) as (server, http):
        assert (during[0].status_code, during[0].json()["ready"]) == (503, False)
        assert during[1].startswith(f"{server.url}/hooks/hooked/")
        assert (await http.get("/readyz")).status_code == 200


async def test_a_sender_that_hangs_up_leaves_nothing(tmp_path):
    async with served(make_project(tmp_path, {})) as (server, _):

        async def receive():
            return {"type": "http.disconnect"}

        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/hooks/a/b", "headers": [], "client": None}
        await Ingress(server.app)(scope, receive, send)
        assert sent == []
        assert callable(build(server.app))
