"""Every sample flow is checked without a finding and does its work at the stand-ins of the three services, over real HTTP."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from flowengine.cli.root import answer
from flowengine.sandbox.server import serve
from flowengine.types import Status
from tests.fakes.projects import finished, make_project, served
from tests.fakes.stand_ins import connections_to, happens

FLOWS = Path(__file__).resolve().parents[2] / "flows"
SERVICES = ("livechat", "livechat-agent", "comm100")
FORM_TOKEN = "form-token"


class World:
    """The three services, the engine with all sample flows, and hands to make things happen."""

    def __init__(self, app, http, services) -> None:
        self.app = app
        self.http = http
        self.services = services

    async def happens(self, service: str, signal: str, **details) -> None:
        await happens(self.services[service], signal, **details)

    async def calls(self, service: str) -> list[dict]:
        """What flows wrote at a service: method, path and body of each call."""
        seen = (await self.http.get(f"{self.services[service].control_url}/requests")).json()["requests"]
        return [one for one in seen if "webhook" not in one["path"]]

    async def run_of(self, flow: str):
        """The flow's only run, once it has ended well, with its actions by path."""
        (run,) = await finished(self.app, 1, flow)
        assert run.status is Status.SUCCEEDED, run.error
        return run, {"/".join(map(str, a.path)): a for a in await self.app.store.runs.actions(run.id)}

    async def by_hand(self, flow: str, **inputs):
        await self.app.submit_run(flow, inputs=inputs)
        return await self.run_of(flow)


@pytest.fixture
async def world(tmp_path, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_SECRET_CONTACT_FORM_TOKEN", FORM_TOKEN)
    async with AsyncExitStack() as stack:
        services = {name: await stack.enter_async_context(serve(name, fast_retries=True)) for name in SERVICES}
        flows = {path.stem: path.read_text() for path in FLOWS.glob("*.yaml")}
        project = make_project(tmp_path, flows, connections_to(*services.values()))
        server, http = await stack.enter_async_context(served(project))
        await server.app.triggers.settled()
        yield World(server.app, http, services)


def test_there_are_flows_over_all_three_connectors() -> None:
    texts = [path.read_text() for path in FLOWS.glob("*.yaml")]
    assert len(texts) >= 8
    for service in SERVICES:
        assert any(f"{service}." in text for text in texts)


def test_every_flow_is_checked_without_a_finding(capsys) -> None:
    assert answer(["-C", str(FLOWS.parent), "check", "--strict", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


async def test_refund_tickets_get_an_agent(world: World) -> None:
    await world.happens("livechat", "ticket", subject="A refund, please", requester={"mail": "t@example.com"})
    _, actions = await world.run_of("assign-refund-tickets")
    assert set(actions) == {"find_agents", "assign_the_ticket", "note_who_has_it"}
    (written,) = [call for call in await world.calls("livechat") if call["method"] == "PUT" and "tags" in call["path"]][
        :1
    ]
    assert written["body"]["assignee"]["id"]


async def test_a_missed_chat_becomes_a_ticket(world: World) -> None:
    await world.happens(
        "livechat", "chat-start", visitor={"name": "Nora", "email": "nora@example.com"}, message="Anyone?"
    )
    await world.happens("livechat", "chat-end")
    _, actions = await world.run_of("follow-up-missed-chats")
    ticket = actions["was_nobody_there/open_a_ticket"]
    assert ticket.inputs["requester"]["mail"] == "nora@example.com"
    assert actions["was_nobody_there/note_that_it_was_answered"].status is Status.SKIPPED


async def test_an_angry_visitor_is_told_to_the_team(world: World) -> None:
    survey = [{"id": "1", "type": "question", "label": "What is it about?", "answer": "A complaint"}]
    await world.happens(
        "livechat", "chat-start", visitor={"name": "Ada", "email": "a@example.com"}, pre_chat_survey=survey
    )
    _, actions = await world.run_of("ticket-for-angry-visitors")
    assert "A complaint" in actions["tell_the_team"].inputs["message"]


async def test_new_mail_tickets_are_found_by_polling(world: World) -> None:
    _, actions = await world.run_of("escalate-mail-tickets")
    assert actions["hand_it_over/give_it_to_the_owner"].outputs["status_code"] == 200


async def test_the_report_lists_open_tickets(world: World) -> None:
    _, actions = await world.by_hand("morning-ticket-report")
    assert "open tickets" in actions["anything_open/file_the_report"].inputs["subject"]
    assert actions["anything_open/list_them"].outputs


async def test_the_contact_form_is_answered_with_the_ticket(world: World) -> None:
    (state,) = world.app.triggers.states(world.app.library.get("contact-form"))
    form = {"submission_id": "1", "topic": "Delivery", "message": "Where is it?", "email": "v@example.com"}
    refused = await world.http.post(state.address, json=form)
    assert refused.status_code in {401, 403}
    taken = await world.http.post(state.address, json=form, headers={"X-Form-Token": FORM_TOKEN})
    assert taken.status_code == 201
    assert taken.json()["ticket"]
    await world.run_of("contact-form")


async def test_an_agent_who_leaves_is_removed(world: World) -> None:
    agents = [a for a in (await agents_of(world)) if a["permission"] != "owner"]
    run, _ = await world.by_hand("offboard-agent", login=agents[0]["login"])
    assert run.output == {"login": agents[0]["login"], "result": "removed"}
    assert agents[0]["login"] not in [a["login"] for a in await agents_of(world)]


async def test_an_unknown_agent_is_put_on_record_too(world: World) -> None:
    run, _ = await world.by_hand("offboard-agent", login="nobody@example.com")
    assert run.output["result"].startswith("not removed (")


async def test_visitors_are_welcomed_and_finished_chats_tagged(world: World) -> None:
    await world.happens("livechat-agent", "chat-start", message="I want a refund")
    _, welcomed = await world.run_of("welcome-visitors")
    assert {action.status for action in welcomed.values()} == {Status.SUCCEEDED}
    await world.happens("livechat-agent", "chat-end")
    _, tagged = await world.run_of("tag-finished-chats")
    statuses = [tagged[f"go_through_the_topics/{n}/tag_it"].status for n in range(3)]
    assert statuses == [Status.SUCCEEDED, Status.SKIPPED, Status.SKIPPED]


async def test_returning_chatters_are_noted_at_comm100(world: World) -> None:
    await world.happens("comm100", "chat-start")
    _, actions = await world.run_of("comm100-remember-chatters")
    assert actions["look_the_visitor_up"].outputs["status_code"] == 200


async def test_agents_without_a_chat_go_home(world: World) -> None:
    _, actions = await world.by_hand("comm100-close-for-the-day")
    away = [path for path, action in actions.items() if path.endswith("set_away") and action.status is Status.SUCCEEDED]
    puts = [call for call in await world.calls("comm100") if call["method"] == "PUT"]
    assert len(away) == len(puts) > 0
    assert {call["body"]["status"] for call in puts} == {"away"}


async def agents_of(world: World) -> list[dict]:
    service = world.services["livechat"]
    auth = (service.credentials["username"], service.credentials["apikey"])
    async with httpx.AsyncClient(auth=auth, headers={"X-API-Version": "2"}) as client:
        return list((await client.get(f"{service.url}/agents")).json())
