"""Runs as they happen, and requests that are sent twice."""

from __future__ import annotations

import asyncio
import json

import pytest
import pytest_asyncio

from tests.fakes.projects import make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

GREET = """
    flow: Greet
    trigger: {manual: true}
    inputs: {name: {type: text, required: true}}
    actions: [{name: Say it, log: "Hello {{ inputs.name }}"}]
    """

CLOSED = """
    flow: Closed
    trigger: {manual: true}
    inputs: {name: {type: text}}
    actions:
      - name: Send
        use: http.post
        retry: 0
        secure: [inputs, outputs]
        with: {url: "http://127.0.0.1:9/{{ inputs.name }}", body: {said: "{{ inputs.name }}"}}
    """


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("project"), {"greet": GREET, "other": GREET, "closed": CLOSED})
    async with served(project) as (_, http):
        yield http


async def submit(http, key=None, flow="greet", name="Ann"):
    headers = {"idempotency-key": key} if key else {}
    return await http.post("/api/v1/runs", json={"flow": flow, "inputs": {"name": name}, "wait": 2}, headers=headers)


async def test_changes_of_runs_come_as_they_happen(http):
    heard = []
    async with http.stream("GET", "/api/v1/runs/events?flow=greet") as stream, asyncio.timeout(20):
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        await submit(http, flow="other")
        run = (await submit(http)).json()["run"]
        async for line in lines:
            if line.startswith("data: "):
                heard.append(json.loads(line.removeprefix("data: ")))
                if heard[-1]["run"]["status"] == "succeeded":
                    break
    assert {one["run"]["id"] for one in heard} == {run["id"]}
    assert "say_it" in [one["action"]["path"] for one in heard if one["action"]]


async def test_secure_values_are_not_told_as_they_happen(http):
    told = ""
    async with http.stream("GET", "/api/v1/runs/events?flow=closed") as stream, asyncio.timeout(20):
        lines = stream.aiter_lines()
        await anext(lines)
        await submit(http, flow="closed", name="canary")
        async for line in lines:
            told += line
            if '"action":null' in line and '"status":"failed"' in line:
                break
    assert '"path":"send"' in told
    assert '"inputs":"(secure)"' in told
    actions = [json.loads(one)["action"] for one in told.split("event: rundata: ")[1:]]
    assert "canary" not in json.dumps(actions)


async def test_a_request_sent_twice_does_its_work_once(http):
    first, second = await asyncio.gather(submit(http, "order-1"), submit(http, "order-1"))
    assert first.json() == second.json()
    assert first.status_code == second.status_code == 201
    assert sorted("idempotency-replayed" in one.headers for one in (first, second)) == [False, True]
    assert (await submit(http, "order-2")).json()["run"]["id"] != first.json()["run"]["id"]


async def test_a_key_belongs_to_one_request(http):
    await submit(http, "order-3")
    again = await submit(http, "order-3", name="Bob")
    assert (again.status_code, "another request" in again.json()["error"]["message"]) == (422, True)


async def test_what_was_refused_may_be_tried_again(http):
    refused = await submit(http, "order-4", flow="missing")
    assert refused.status_code == 404
    assert (await submit(http, "order-4", flow="missing")).status_code == 404
    assert (await submit(http, "order-4")).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_keys_have_a_form(http, key):
    answer = await http.post("/api/v1/runs", json={"flow": "greet"}, headers={"idempotency-key": key})
    assert answer.status_code == 400


async def test_closer_looks_at_runs_and_flows(http):
    await submit(http, name="Ann")
    await submit(http, name="Bob")
    seen = await http.post("/api/v1/eval", json={"expression": "inputs.name | upper", "run": "@last"})
    assert seen.json()["value"] == "BOB"
    assert (await http.post("/api/v1/eval", json={"expression": "1 +"})).status_code == 422
    assert (await http.post("/api/v1/eval", json={"expression": "trigger.a", "event": {"a": [1]}})).json()["value"] == [
        1
    ]
    runs = (await http.get("/api/v1/runs?flow=greet&limit=2")).json()["runs"]
    parted = (await http.get(f"/api/v1/runs/{runs[0]['id']}/diff?with={runs[1]['id']}")).json()
    assert parted["differences"]
    drawn = (await http.get("/api/v1/flows/greet/graph?run=@last")).json()
    assert "Say it" in drawn["picture"]
    assert (await http.get("/api/v1/flows/other/graph?run=@last")).status_code == 400
    assert (await http.get("/api/v1/flows/greet/graph?format=svg")).json()["picture"].startswith("<svg")


async def test_a_dry_run_stores_nothing(http):
    before = (await http.get("/api/v1/runs")).json()["runs"][0]["id"]
    tried = await http.post("/api/v1/flows/greet/try", json={"inputs": {"name": "Ann"}})
    assert tried.json()["runs"][0]["status"] == "succeeded"
    assert (await http.post("/api/v1/flows/greet/try", json={"text": "flow: broken\n"})).status_code == 422
    assert (await http.get("/api/v1/runs")).json()["runs"][0]["id"] == before
