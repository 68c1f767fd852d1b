"""The OpenAPI document says what the server does, and nothing that a client sends makes the server fail."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from flowengine.server.api import ENDPOINTS, PREFIX
from flowengine.server.api.openapi import document
from flowengine.server.application import all_routes
from tests.fakes.projects import make_project, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = document(ENDPOINTS, PREFIX)
GREET = """
    flow: Greet
    trigger: [{manual: true}, {schedule: every day at 09:00}]
    inputs: {name: {type: text, default: you}}
    actions: [{log: "Hello {{ inputs.name }}"}]
    """
ASKS = """
    flow: Asks
    trigger: {manual: true}
    actions: [{ask: {to: lead@example.com, question: Well?}}]
    """
ENDLESS = "/runs/events"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("project"), {"greet": GREET, "asks": ASKS})
    async with served(project) as (_, http):
        for flow in ("greet", "asks"):
            await http.post("/api/v1/runs", json={"flow": flow, "wait": 1})
        yield http


async def test_every_route_of_the_api_is_in_the_document_and_no_other():
    routes = {(method, route.path) for route in all_routes() for method in route.methods - {"HEAD"}}
    told = {(method.upper(), path) for path, one in DOCUMENT["paths"].items() for method in one}
    assert told == {(method, path) for method, path in routes if path.startswith(PREFIX)}
    assert DOCUMENT["openapi"] == "3.1.0"


async def test_the_document_is_served_and_its_references_lead_somewhere(http):
    found = (await http.get("/api/v1/openapi.json")).json()
    assert found == DOCUMENT
    for name in re.findall(r'"#/components/schemas/([^"]+)"', (await http.get("/api/v1/openapi.json")).text):
        assert name in found["components"]["schemas"]


async def test_every_operation_has_a_name_of_its_own_and_words():
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all(len(one["summary"]) > 8 and one["x-role"] for one in operations)


def schema_of(endpoint, status):
    answer = DOCUMENT["paths"][PREFIX + endpoint.path][endpoint.method.lower()]["responses"].get(str(status))
    assert answer is not None, f"{endpoint.name} answers {status}, which the document does not know"
    schema = answer["content"].get("application/json", {}).get("schema", {})
    return {**schema, "components": DOCUMENT["components"]}


LOOKING = [one for one in ENDPOINTS if one.method == "GET" and one.path != ENDLESS]


@pytest.mark.parametrize("endpoint", LOOKING, ids=[one.name for one in LOOKING])
async def test_answers_are_what_the_document_says(http, endpoint):
    version = (await http.get("/api/v1/flows/greet")).json()["flow"]["version"]
    event = (await http.get("/api/v1/events")).json()["events"][0]["id"]
    given_ = {"run": "@last", "event": event, "flow": "greet", "connector": "livechat", "version": version}
    path = re.sub(r"\{(\w+)\}", lambda found: given_[found[1]], endpoint.path)
    needed = {"from": version, "with": "@last"} if endpoint.path.endswith("/diff") else {}
    answer = await http.get(PREFIX + path, params=needed)
    assert answer.status_code == 200, answer.text
    if endpoint.path not in ("/openapi.json", "/schema"):
        jsonschema_rs.validator_for(schema_of(endpoint, 200)).validate(answer.json())


# What clients may send: what the document allows, and what it does not.

odd_text = st.one_of(
    st.sampled_from(
        ["greet", "asks", "@last", "", "\x00", "../..", "%2e%2e", "a" * 300, "\u202e", "'; --", "{{ 7 }}", "null"]
    ),
    st.text(max_size=12),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), odd_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd_text, inner, max_size=3)),
    max_leaves=6,
)


def fitting(schema):
    """Values that a body's schema allows, more or less."""
    kinds = {
        "string": odd_text,
        "integer": st.integers(-2, 10**6),
        "number": st.floats(0, 0.2),
        "boolean": st.booleans(),
        "object": st.dictionaries(odd_text, anything, max_size=2),
    }
    if "anyOf" in schema:
        return st.one_of([fitting(one) for one in schema["anyOf"]])
    return kinds.get(schema.get("type"), st.none() if schema.get("type") == "null" else anything)


@st.composite
def requests(draw):
    endpoint = draw(st.sampled_from([one for one in ENDPOINTS if one.path != ENDLESS]))
    path = re.sub(r"\{(\w+)\}", lambda _: quote(draw(odd_text) or "x", safe=""), endpoint.path)
    query = {one.name: draw(odd_text) for one in endpoint.query if draw(st.booleans())}
    query.pop("wait", None)
    body = None
    if endpoint.body:
        properties = DOCUMENT["components"]["schemas"][endpoint.body.__name__]["properties"]
        body = {name: draw(fitting(schema)) for name, schema in properties.items() if draw(st.booleans())}
        body = draw(st.one_of(st.just(body), anything))
    return endpoint, PREFIX + path, query, body


async def test_nothing_that_a_client_sends_makes_the_server_fail(tmp_path):
    """On a server of its own: flows are switched, written and run by it, keys are rotated, tokens made."""
    project = make_project(tmp_path, {"greet": GREET, "asks": ASKS})
    async with served(project) as (server, _):
        failures = []

        @given(requests())
        def send(request):
            endpoint, path, query, body = request
            try:
                answer = client.request(endpoint.method, path, params=query, json=body)
            except (ValueError, UnicodeEncodeError):
                return  # the client itself cannot say such a thing
            if answer.status_code >= 500:
                failures.append((endpoint.method, path, query, body, answer.text))
            else:
                schema_of(endpoint, answer.status_code)

        with httpx.Client(base_url=server.url, timeout=20) as client:
            await asyncio.to_thread(send)
        assert not failures, failures[:3]


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"flow": 1e999}',
        b'{"flow": "\\ud800"}',
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b"nul",
        b"{}" * 2,
    ],
)
async def test_bodies_that_are_no_documents(http, raw):
    for path in ("/runs", "/check", "/tokens"):
        answer = await http.post(f"/api/v1{path}", content=raw, headers={"content-type": "application/json"})
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["message"]


async def test_a_body_may_not_be_endless(http):
    answer = await http.post("/api/v1/check", json={"text": "x" * 1_100_000})
    assert answer.status_code == 413
