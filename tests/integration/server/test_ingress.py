"""Deliveries over a real socket: stored before they are answered, capped, and answered by `respond`."""

import asyncio

import pytest
import pytest_asyncio

from flowengine.types import Disposition, Status
from tests.fakes.projects import make_project, served

PLAIN = """
    flow: Plain
    trigger: {webhook: {verify: none}}
    conditions: [{value: "{{ trigger.n | default(1) }}", less_than: 10}]
    actions: [{log: "got {{ trigger.n }}"}]
    """
SIGNED = """
    flow: Signed
    trigger: {webhook: {verify: {header: {name: X-Token, secret: team_token}}}}
    actions: [{log: hello}]
    """
ASKING = """
    flow: Asking
    trigger: {webhook: {verify: none}}
    actions:
      - if: "{{ trigger.kind == 'json' }}"
        then: [{respond: {status: 201, headers: {X-Made: "yes"}, body: {sum: "{{ trigger.a + 1 }}"}}}]
      - if: "{{ trigger.kind == 'text' }}"
        then: [{respond: {status: 200, body: "just text"}}]
      - log: done
    """


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    settings = make_project(tmp_path_factory.mktemp("project"), {"plain": PLAIN, "signed": SIGNED, "asking": ASKING})
    async with served(settings) as (server, http):
        await server.app.set_secret("team_token", "right")
        yield server.app, http


def address(app, flow_id):
    return app.hooks.address(flow_id, app.library.get(flow_id).triggers[0].key)


async def test_an_answered_event_is_stored_and_its_run_finishes(site):
    app, http = site
    answer = await http.post(address(app, "plain"), json={"n": 1})
    assert answer.status_code == 200
    assert answer.json()["disposition"] == "started"
    event = await app.store.events.get(answer.json()["event"])
    (run_id,) = (await app.store.events.run_ids([event.id]))[event.id]
    assert (await app.engine.wait(run_id, 5)).status is Status.SUCCEEDED
    assert event.body == b'{"n":1}'


async def test_a_filtered_event_is_answered_too(site):
    app, http = site
    answer = await http.post(address(app, "plain"), json={"n": 11})
    assert (answer.status_code, answer.json()["disposition"]) == (200, "filtered")


async def test_wrong_addresses_methods_and_senders(site):
    app, http = site
    assert (await http.post("/hooks/plain/wrong", json={})).status_code == 404
    assert (await http.post("/hooks/none/wrong", json={})).status_code == 404
    assert (await http.get(address(app, "plain"))).status_code == 405
    assert (await http.post(address(app, "signed"), json={})).status_code == 401
    assert (await http.post(address(app, "signed"), json={}, headers={"X-Token": "no"})).status_code == 403
    assert (await http.post(address(app, "signed"), json={}, headers={"X-Token": "right"})).status_code == 200
    rejected = await app.store.events.list(dispositions=[Disposition.REJECTED])
    assert [event.flow for event in rejected].count("signed") == 2


async def test_a_body_over_the_limit_is_refused_declared_or_not(site):
    app, http = site
    limit = app.settings.limits.webhook_body

    async def chunks():
        for _ in range(limit // 100_000 + 1):
            yield b"x" * 100_000

    assert (await http.post(address(app, "plain"), content=b"x" * (limit + 1))).status_code == 413
    assert (await http.post(address(app, "plain"), content=chunks())).status_code == 413
    assert (await http.post(address(app, "plain"), content=b"x" * limit)).status_code == 200


async def test_respond_answers_the_caller(site):
    app, http = site
    answer = await http.post(address(app, "asking"), json={"kind": "json", "a": 1})
    assert (answer.status_code, answer.headers["x-made"], answer.json()) == (201, "yes", {"sum": 2})
    assert answer.headers["x-flowengine-event"]
    text = await http.post(address(app, "asking"), json={"kind": "text"})
    assert (text.status_code, text.text, text.headers["content-type"]) == (
        200,
        "just text",
        "text/plain; charset=utf-8",
    )


async def test_a_run_that_ends_without_respond_answers_like_any_other(site):
    app, http = site
    answer = await http.post(address(app, "asking"), json={"kind": "neither"})
    assert (answer.status_code, answer.json()["disposition"]) == (200, "started")


async def test_many_at_once(site):
    app, http = site
    answers = await asyncio.gather(*(http.post(address(app, "plain"), json={"n": 1}) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["event"] for answer in answers}) == 50
