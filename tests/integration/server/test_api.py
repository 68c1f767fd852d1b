"""`/api/v1` over a real socket."""

import pytest
import pytest_asyncio

from tests.fakes.projects import api_of, make_project, served

GREET = """
    flow: Greet
    trigger: {manual: true}
    inputs:
      name: {type: text, required: true}
    conditions: [{value: "{{ inputs.name }}", is_not: nobody}]
    actions:
      - name: Say it
        log: "Hello {{ inputs.name }}"
    output: {said: "{{ inputs.name }}"}
    """
SLEEPY = """
    flow: Sleepy
    trigger: {manual: true}
    actions: [{wait: 1 hour}]
    """
DAILY = """
    flow: Daily
    trigger: [{schedule: every day at 09:00}, {webhook: {verify: none}}]
    actions: [{log: hello}]
    """
BROKEN = "flow: Broken\nactoins: []\n"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory):
    flows = {"greet": GREET, "sleepy": SLEEPY, "daily": DAILY, "broken": BROKEN}
    async with served(make_project(tmp_path_factory.mktemp("project"), flows)) as (_, http):
        api = api_of(http)
        api.http = http
        yield api


async def test_a_run_is_started_waited_for_listed_and_shown(api):
    status, made = await api("POST", "/runs", json={"flow": "greet", "inputs": {"name": "Ann"}, "wait": 5})
    run = made["run"]
    assert (status, run["status"], run["output"]) == (201, "succeeded", {"said": "Ann"})
    assert [action["path"] for action in run["actions"]] == ["say_it"]
    assert (await api("GET", f"/runs/{run['id'][:20]}"))[1]["run"]["id"] == run["id"]
    assert (await api("GET", "/runs/@last?wait=1"))[1]["run"]["status"] == "succeeded"
    status, page = await api("GET", "/runs?flow=greet&status=succeeded,failed&limit=1")
    assert (status, [one["id"] for one in page["runs"]], page["next"]) == (200, [run["id"]], None)


async def test_runs_of_a_flow_version(api):
    run = (await api("POST", "/runs", json={"flow": "greet", "inputs": {"name": "Eve"}, "wait": 5}))[1]["run"]
    version = (await api("GET", "/flows/greet/versions"))[1]["versions"][0]["version"]
    for asked in (f"flow_version={version}", f"flow_version={version[:6]}&flow=greet&search=Eve"):
        assert (await api("GET", f"/runs?limit=1&{asked}"))[1]["runs"][0]["id"] == run["id"]
    assert (await api("GET", "/runs?flow_version=fff0fff"))[1]["runs"] == []
    for asked, fitting in ((version, True), ("fff0fff", False)):
        body = {"flow_version": asked, "statuses": ["succeeded"]}
        assert bool((await api("POST", "/runs/resubmit", json=body))[1]["total"]) is fitting


async def test_pages_follow_each_other(api):
    ids = [
        (await api("POST", "/runs", json={"flow": "greet", "inputs": {"name": "Ann"}}))[1]["run"]["id"]
        for _ in range(3)
    ]
    first = (await api("GET", "/runs?limit=2"))[1]
    second = (await api("GET", f"/runs?limit=2&before={first['next']}"))[1]
    assert [one["id"] for one in first["runs"] + second["runs"][:1]] == ids[::-1]
    events = (await api("GET", "/events?limit=2"))[1]
    assert events["next"] == events["events"][-1]["id"]
    assert [one["runs"] for one in events["events"]] == [[ids[2]], [ids[1]]]


async def test_an_event_that_starts_nothing_says_why(api):
    status, document = await api("POST", "/runs", json={"flow": "greet", "inputs": {"name": "nobody"}})
    assert (status, document["error"]["code"]) == (409, "conflict")
    assert '"nobody" is not "nobody"' in document["error"]["message"]
    (event,) = (await api("GET", "/events?disposition=filtered"))[1]["events"]
    shown = (await api("GET", f"/events/{event['id']}"))[1]["event"]
    assert shown["reason"]["conditions"][0]["left"] == "nobody"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"flow": "gret"}, 404, 'did you mean "greet"'),
        ({"flow": "greet"}, 422, '"name" (text)'),
        ({"flow": "greet", "inputs": {"nam": 1}}, 422, 'did you mean "name"'),
        ({"flow": "greet", "inputs": []}, 400, "must be an object"),
        ({"flow": "greet", "inputs": [1]}, 400, "must be an object"),
        ({"flow": 5}, 400, '"flow"'),
        ({"flow": "greet", "event_body": 1}, 400, "event_body"),
        ({"flow": "broken"}, 404, "cannot be used"),
        ([1], 400, "must be a JSON object"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told(api, body, status, words):
    answered, document = await api("POST", "/runs", json=body)
    assert (answered, words in document["error"]["message"]) == (status, True), document


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs?limit=0", 400),
        ("/runs?limit=many", 400),
        ("/runs?status=done", 400),
        ("/runs?since=yesterday", 400),
        ("/runs?since=2026-03-01T09:00:00", 400),
        ("/runs?since=2026-03-01T09:00:00Z", 200),
        ("/runs/00000000000000000000000000", 404),
        ("/events/zzzz", 404),
        ("/flows/gret", 404),
        ("/connectors/none", 404),
        ("/nothing", 404),
    ],
)
async def test_queries_are_checked(api, path, status):
    assert (await api("GET", path))[0] == status


async def test_a_body_that_is_not_json_is_told(api):
    answer = await api.http.post("/api/v1/runs", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, "not JSON" in answer.json()["error"]["message"]) == (400, True)


async def test_a_run_is_cancelled_once(api):
    run = (await api("POST", "/runs", json={"flow": "sleepy"}))[1]["run"]
    status, cancelled = await api("POST", f"/runs/{run['id']}/cancel", json={"reason": "enough"})
    assert status == 200
    shown = (await api("GET", f"/runs/{run['id']}?wait=5"))[1]["run"]
    assert (cancelled["run"]["id"], shown["status"]) == (run["id"], "cancelled")
    assert (await api("POST", f"/runs/{run['id']}/cancel"))[0] == 409


async def test_flows_are_shown_switched_and_tell_their_next_times(api):
    flows = {flow["id"]: flow for flow in (await api("GET", "/flows"))[1]["flows"]}
    assert (flows["broken"]["valid"], bool(flows["broken"]["findings"])) == (False, True)
    schedule, webhook = flows["daily"]["triggers"]
    assert schedule["next_at"].endswith("+00:00")
    assert "/hooks/daily/" in webhook["address"]
    assert (await api("POST", "/flows/daily/disable"))[1]["flow"]["enabled"] is False
    assert (await api.http.post(webhook["address"], json={})).json()["disposition"] == "disabled"
    assert (await api("POST", "/flows/daily/enable"))[1]["flow"]["enabled"] is True
    times = (await api("GET", "/flows/daily/next?n=3"))[1]["next"]
    assert [one["at"][11:16] for one in times] == ["09:00"] * 3
    assert "every day at 09:00" in (await api("GET", "/flows/daily"))[1]["flow"]["text"]


async def test_secrets_go_in_and_never_come_out(api):
    assert (await api("PUT", "/secrets/team", json={"value": "hidden"}))[0] == 200
    assert (await api("GET", "/secrets"))[1]["secrets"] == [{"name": "team"}]
    assert (await api("PUT", "/secrets/team", json={"value": ""}))[0] == 400
    assert (await api("DELETE", "/secrets/team"))[0] == 200
    assert (await api("DELETE", "/secrets/team"))[0] == 404


async def test_connectors_are_listed_and_shown(api):
    names = [one["name"] for one in (await api("GET", "/connectors"))[1]["connectors"]]
    assert "livechat" in names
    assert (await api("GET", "/connectors/livechat"))[1]["connector"]["operations"]


async def test_the_front_page_health_and_metrics(api):
    front = await api.http.get("/")
    assert ("Daily" in front.text, "default-src 'none'" in front.headers["content-security-policy"]) == (True, True)
    assert (await api.http.get("/healthz")).text == "ok\n"
    assert (await api.http.get("/readyz")).json() == {"ready": True, "flows": 3, "engine": True}
    metrics = (await api.http.get("/metrics")).text
    assert 'flowengine_flows{state="broken_file"} 1' in metrics
    assert "# TYPE flowengine_runs_finished_total counter" in metrics
