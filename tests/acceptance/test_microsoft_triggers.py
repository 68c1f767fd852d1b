"""Triggers as Microsoft's files alone describe them, on real sockets: subscribed and ended with the connection's own key,
polled from where the last answer ended, and an action that is done when the service calls back."""

import asyncio
import json

import httpx
import pytest

from flowengine.types import Status
from tests.fakes.projects import finished, make_project, served
from tests.fakes.raw_service import raw_service, reply

BODY = {"type": "object", "required": ["target"], "properties": {"target": {"type": "object", "required": ["url"]}}}
BODY["properties"]["target"]["properties"] = {"url": {"type": "string", "x-ms-notification-url": True}}


def operation(id_, **more):
    return {"operationId": id_, "summary": id_, "responses": {"200": {"description": "fine"}}, **more}


def body(schema=BODY):
    return {"name": "body", "in": "body", "required": True, "schema": schema}


HOOK_ID = {"name": "hookId", "in": "path", "type": "string", "required": True}
DEFINITION = {
    "swagger": "2.0",
    "info": {"title": "Desk", "version": "1"},
    "host": "desk.example.com",
    "basePath": "/v1",
    "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    "security": [{"key": []}],
    "paths": {
        "/hooks": {
            "x-ms-notification-content": {"schema": {"type": "object"}},
            "post": operation("OnTicket", parameters=[body()], **{"x-ms-trigger": "single"}),
        },
        "/hooks/{hookId}": {
            "delete": operation("ForgetTicket", parameters=[HOOK_ID], **{"x-ms-visibility": "internal"})
        },
        "/trigger/posts": {"get": operation("OnPost", **{"x-ms-trigger": "batch"})},
        "/signatures": {
            "x-ms-notification-content": {"schema": {"type": "object"}},
            "post": operation("AskForSignature", parameters=[body()]),
        },
    },
}
PROPERTIES = {
    "properties": {
        "connectionParameters": {"key": {"type": "securestring"}},
        "policyTemplateInstances": [
            {
                "templateId": "pollingtrigger",
                "title": "poll",
                "parameters": {
                    "x-ms-apimTemplateParameter.triggerConfig": {"after": "@{triggerBody().posts[0].at}"},
                    "x-ms-apimTemplateParameter.triggerDataPath": "@triggerBody().posts",
                    "x-ms-apimTemplate-operationName": ["OnPost"],
                },
            }
        ],
    }
}


class Desk:
    """Answers by method and path; keeps nothing but what came."""

    def __init__(self):
        self.location = "/v1/hooks/h%2F1"
        self.posts = [{"posts": [{"id": 2, "at": "T2"}, {"id": 1, "at": "T1"}]}]
        self.callbacks = []

    async def __call__(self, request, writer):
        path = request.target.partition("?")[0]
        match request.method, path:
            case "POST", "/v1/hooks":
                answer = reply(201, b'{"id": "h/1"}', content_type="application/json", location=self.location)
            case "GET", "/v1/posts":
                page = self.posts.pop(0) if self.posts else {"posts": []}
                answer = reply(200, json.dumps(page).encode(), content_type="application/json")
            case "POST", "/v1/signatures":
                self.callbacks.append(json.loads(request.body)["target"]["url"])
                answer = reply(202)
            case _:
                answer = reply(204)
        await answer(request, writer)


@pytest.fixture
async def desk():
    answering = Desk()
    async with raw_service(answering) as service:
        service.desk = answering
        yield service


def project(folder, service, flow):
    home = folder / "connectors" / "desk"
    home.mkdir(parents=True)
    (home / "apiDefinition.swagger.json").write_text(json.dumps(DEFINITION))
    (home / "apiProperties.json").write_text(json.dumps(PROPERTIES))
    connections = (
        f"desk:\n  connector: desk\n  base_url: {service.url}/v1\n  allow_private_network: true\n"
        "  parameters: {key: k-1}\n"
    )
    return make_project(folder, {"watch": flow}, connections)


def of(service, method):
    return [one for one in service.received if one.method == method]


ON_TICKET = "flow: Watch\ntrigger: {use: desk.OnTicket}\nactions: [{log: hello}]\n"


async def test_a_webhook_is_subscribed_and_ended_at_its_location(desk, tmp_path):
    async with served(project(tmp_path, desk, ON_TICKET)) as (server, http):
        await server.app.triggers.settled()
        (told,) = of(desk, "POST")
        url = json.loads(told.body)["target"]["url"]
        assert told.header("x-key") == "k-1"
        assert (await http.post(url, json={"ticket": 7})).status_code == 200
        (run,) = await finished(server.app, 1)
        assert run.trigger == {"ticket": 7}
        await server.app.triggers.switch("watch", on=False)
        await server.app.triggers.settled()
    (ended,) = of(desk, "DELETE")
    assert (ended.target, ended.header("x-key")) == ("/v1/hooks/h%2F1", "k-1")


async def test_an_address_that_no_operation_knows_is_deleted_with_the_key_of_its_own_host_only(desk, tmp_path):
    desk.desk.location = "/v1/elsewhere/9?of=x"
    async with served(project(tmp_path, desk, ON_TICKET)) as (server, _):
        await server.app.triggers.settled()
        await server.app.triggers.switch("watch", on=False)
        await server.app.triggers.settled()
    (ended,) = of(desk, "DELETE")
    assert (ended.target, ended.header("x-key")) == ("/v1/elsewhere/9?of=x", "k-1")


async def test_after_a_restart_with_another_public_url_the_service_is_told_anew(desk, tmp_path):
    settings = project(tmp_path, desk, ON_TICKET)
    async with served(settings) as (server, _):
        await server.app.triggers.settled()
    moved = settings.model_copy(update={"public_url": "https://flows.example.com"})
    desk.desk.location = "/v1/hooks/h2"
    async with served(moved) as (server, _):
        await server.app.triggers.settled()
    assert json.loads(of(desk, "POST")[-1].body)["target"]["url"].startswith("https://flows.example.com/hooks/watch/")
    assert [one.target for one in of(desk, "DELETE")] == ["/v1/hooks/h%2F1"], "the former registration is gone"


async def test_a_polling_trigger_goes_on_where_the_policy_says(desk, tmp_path):
    desk.desk.posts.append({"posts": [{"id": 3, "at": "T3"}]})
    flow = "flow: Watch\ntrigger: {use: desk.OnPost, every: 1 second}\nactions: [{log: hello}]\n"
    async with served(project(tmp_path, desk, flow)) as (server, _):
        runs = await finished(server.app, 3)
        assert sorted(run.trigger["id"] for run in runs) == [1, 2, 3]
    first, second, *_ = of(desk, "GET")
    assert (first.target, second.target) == ("/v1/posts", "/v1/posts?after=T2")


async def test_an_action_that_subscribes_is_done_when_the_service_calls_back(desk, tmp_path):
    flow = """
        flow: Sign
        trigger: {manual: true}
        actions:
          - {name: Sign it, use: desk.AskForSignature, save_as: signed, timeout: 20 seconds}
          - {log: "{{ signed.by }}"}
        """
    async with served(project(tmp_path, desk, flow)) as (server, http):
        app = server.app
        run = await app.submit_run("watch")
        async with asyncio.timeout(5):
            while not desk.desk.callbacks:
                await asyncio.sleep(0.01)
        (url,) = desk.desk.callbacks
        assert (await http.post(httpx.URL(url).path, json={"by": "Ann"})).status_code == 200
        (run,) = await finished(app, 1)
        assert run.status is Status.SUCCEEDED, run.error
        actions = {action.path: action for action in await app.store.runs.actions(run.id)}
        assert actions["sign_it",].outputs["body"] == {"by": "Ann"}
        assert actions["sign_it", "subscribe"].outputs["status_code"] == 202
        assert len(of(desk, "POST")) == 1


async def test_an_action_that_nobody_calls_back_times_out(desk, tmp_path):
    flow = """
        flow: Sign
        trigger: {manual: true}
        actions:
          - {name: Sign it, use: desk.AskForSignature, timeout: 1 second}
        """
    async with served(project(tmp_path, desk, flow)) as (server, _):
        await server.app.submit_run("watch")
        (run,) = await finished(server.app, 1)
        assert run.status is Status.TIMED_OUT
        assert "nobody answered" in run.error["message"]


async def test_what_was_told_before_a_restart_is_not_told_again(desk, tmp_path):
    flow = """
        flow: Sign
        trigger: {manual: true}
        actions:
          - {name: Sign it, use: desk.AskForSignature, save_as: signed}
        output: { by: "{{ signed.by }}" }
        """
    settings = project(tmp_path, desk, flow)
    async with served(settings) as (server, _):
        await server.app.submit_run("watch")
        async with asyncio.timeout(5):
            while not desk.desk.callbacks:
                await asyncio.sleep(0.01)
    async with served(settings) as (server, http):
        posted = await http.post(httpx.URL(desk.desk.callbacks[0]).path, json={"by": "Bo"})
        assert posted.status_code == 200, posted.text
        (run,) = await finished(server.app, 1)
        assert (run.status, run.output) == (Status.SUCCEEDED, {"by": "Bo"}), run.error
    assert len(of(desk, "POST")) == 1
