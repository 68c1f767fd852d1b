"""From a POST to a finished run, on real HTTP: the engine registers a webhook at LiveChat's stand-in, a ticket comes in there, it
is delivered, the flow runs, and the stand-in's ticket has changed."""

import pytest

from flowengine.sandbox.server import serve
from flowengine.types import Status
from tests.fakes.projects import finished, make_project, served
from tests.fakes.stand_ins import connections_to, happens

FLOW = """
    flow: Take refund tickets
    trigger: {use: livechat.WebhookTicketCreated}
    conditions:
      - value: "{{ trigger.ticket.subject }}"
        contains: refund
    actions:
      - name: Find agents
        use: livechat.ListAgents
        save_as: agents
      - name: Take it
        use: livechat.UpdateTicket
        with:
          ticketId: "{{ trigger.ticket.id }}"
          requester: { mail: "{{ trigger.ticket.requester.mail }}" }
          assignee: { id: "{{ (agents | rejectattr('permission', 'equalto', 'owner') | first).login }}" }
    """


@pytest.fixture
async def stand_in():
    async with serve("livechat", fast_retries=True) as running:
        yield running


@pytest.fixture
def project(tmp_path, stand_in):
    return make_project(tmp_path, {"take-refunds": FLOW}, connections_to(stand_in))


async def test_a_ticket_that_comes_in_is_taken(stand_in, project):
    async with served(project) as (server, http):
        app = server.app
        await app.triggers.settled()
        (state,) = app.triggers.states(app.library.get("take-refunds"))
        assert (state.state, state.detail) == ("active", "")
        await happens(stand_in, "ticket", subject="A refund, please")
        (run,) = await finished(app, 1)
        assert run.status is Status.SUCCEEDED, run.error
        assert run.trigger["token"] == "***"
        actions = await app.store.runs.actions(run.id)
        assert [(action.path, action.status) for action in actions] == [
            (("find_agents",), Status.SUCCEEDED),
            (("take_it",), Status.SUCCEEDED),
        ]
        requests = (await http.get(f"{stand_in.control_url}/requests")).json()["requests"]
        written = [one["path"] for one in requests if one["method"] == "PUT"]
        assert written
        assert all(f"/tickets/{run.trigger['ticket']['id']}" in path for path in written)

        await happens(stand_in, "ticket", subject="Hello")
        (filtered,) = (await http.get("/api/v1/events?disposition=filtered")).json()["events"]
        assert filtered["reason"]["conditions"][0]["left"] == "Hello"


async def test_the_same_delivery_twice_is_one_run(stand_in, project):
    async with served(project) as (server, http):
        await server.app.triggers.settled()
        await happens(stand_in, "ticket", subject="refund")
        await finished(server.app, 1)
        (delivery,) = stand_in.courier.deliveries
        again = await http.post(delivery.url, json=delivery.body)
        assert again.json()["disposition"] == "duplicate"
        assert len(await server.app.store.runs.list()) == 1


async def test_webhooks_follow_the_switch_and_the_file(stand_in, project):
    async with served(project) as (server, http):
        app = server.app
        await app.triggers.settled()
        assert len(stand_in.service.webhooks()) == 1
        await http.post("/api/v1/flows/take-refunds/disable", json={})
        assert stand_in.service.webhooks() == []
        await http.post("/api/v1/flows/take-refunds/enable", json={})
        assert len(stand_in.service.webhooks()) == 1
        (project.flows / "take-refunds.yaml").unlink()
        await app.triggers.refresh()
        await app.triggers.settled()
        assert stand_in.service.webhooks() == []


async def test_after_a_restart_there_is_still_exactly_one_webhook(stand_in, project):
    for _ in range(2):
        async with served(project) as (server, _):
            await server.app.triggers.settled()
            assert len(stand_in.service.webhooks()) == 1


async def test_a_service_that_is_down_is_shown_and_does_not_stop_the_server(stand_in, project):
    gone = project.connections_file.read_text().replace(stand_in.url, "http://127.0.0.1:9")
    project.connections_file.write_text(gone)
    async with served(project) as (server, http):
        await server.app.triggers.settled()
        (flow,) = (await http.get("/api/v1/flows")).json()["flows"]
        assert flow["triggers"][0]["state"] == "failed"
        assert flow["triggers"][0]["detail"]
