"""Doing runs again over HTTP."""

import pytest
import pytest_asyncio

from tests.fakes.projects import api_of, make_project, served

PICKY = """
    flow: Picky
    trigger: {manual: true}
    inputs: {who: {type: text, default: ann}}
    actions:
      - name: First
        log: "{{ inputs.who }}"
      - name: Second
        if: {value: "{{ inputs.who }}", is: bob}
        then: [{name: Fail, stop: {status: failed, message: no bobs}}]
    output: "{{ inputs.who }}"
    """

PATIENT = """
    flow: Patient
    trigger: {manual: true}
    actions: [{wait: 1 hour}]
    """

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory):
    settings = make_project(tmp_path_factory.mktemp("project"), {"picky": PICKY, "patient": PATIENT})
    async with served(settings) as (server, http):
        api = api_of(http)
        api.app = server.app
        yield api


async def failed(api):
    _, found = await api("POST", "/runs", json={"flow": "picky", "inputs": {"who": "bob"}, "wait": 5})
    assert found["run"]["status"] == "failed"
    return found["run"]["id"]


async def test_a_look_stores_nothing_and_says_what_would_be_kept(api):
    run = await failed(api)
    status, found = await api("POST", f"/runs/{run}/resubmit", json={"from": "Second", "dry_run": True})
    assert (status, found["plan"]["kept"]) == (200, ["first"])
    assert await api.app.store.runs.done_again([run]) == set()


async def test_other_input_gives_another_end(api):
    run = await failed(api)
    status, found = await api("POST", f"/runs/{run}/resubmit", json={"given": {"who": "eve"}})
    assert (status, found["run"]["resubmitted_from"]) == (201, run)
    ended = await api.app.engine.wait(found["run"]["id"], 5)
    assert ended.output == "eve"


async def test_sent_twice_with_one_key_it_is_done_once(api):
    run = await failed(api)
    headers = {"Idempotency-Key": "again-1"}
    answers = [await api("POST", f"/runs/{run}/resubmit", headers=headers) for _ in range(2)]
    assert answers[0] == answers[1]


async def test_many_are_looked_at_unless_told_otherwise(api):
    run = await failed(api)
    _, found = await api("POST", "/runs/resubmit", json={"flow": "picky"})
    assert found["dry_run"]
    assert run in [each["id"] for each in found["runs"]]
    _, done = await api("POST", "/runs/resubmit", json={"flow": "picky", "dry_run": False})
    assert run in [each["resubmitted_from"] for each in done["runs"]]
    _, left = await api("POST", "/runs/resubmit", json={"flow": "picky", "search": "nothing holds this"})
    assert left["total"] == 0


async def waiting(api):
    _, found = await api("POST", "/runs", json={"flow": "patient"})
    return found["run"]["id"]


async def test_many_are_cancelled_after_a_look(api):
    runs = {await waiting(api) for _ in range(3)}
    done = await failed(api)
    _, seen = await api("POST", "/runs/cancel", json={"flow": "patient"})
    assert (seen["dry_run"], {run["id"] for run in seen["runs"]}) == (True, runs)
    assert {(await api.app.store.runs.get(run)).status.finished for run in runs} == {False}
    _, found = await api("POST", "/runs/cancel", json={"flow": "patient", "reason": "enough", "dry_run": False})
    assert (found["total"], found["refused"]) == (3, [])
    ended = [await api.app.engine.wait(run, 5) for run in runs]
    assert {(run.status, run.error["message"]) for run in ended} == {("cancelled", "enough")}
    assert (await api.app.store.runs.get(done)).status == "failed"
    _, left = await api("POST", "/runs/cancel", json={"dry_run": False})
    assert left["total"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/runs/@last/resubmit", {"from": "Nowhere"}, 404),
        ("/runs/01zzz/resubmit", {}, 404),
        ("/runs/@last/resubmit", {"version": "older"}, 400),
        ("/runs/@last/resubmit", {"given": {"whom": 1}}, 422),
        ("/runs/resubmit", {"statuses": ["running"]}, 400),
        ("/runs/resubmit", {"since": "yesterday"}, 400),
        ("/runs/resubmit", {"since": "2026-03-01T09:00:00"}, 400),
        ("/runs/cancel", {"statuses": ["failed"]}, 400),
        ("/runs/cancel", {"since": "yesterday"}, 400),
        ("/runs/cancel", {"everything": True}, 400),
        ("/runs/prune", {"older_than_seconds": -1}, 400),
    ],
)
async def test_what_is_wrong_is_told(api, path, body, status):
    await failed(api)
    found, answer = await api("POST", path, json=body)
    assert found == status, answer
    assert answer["error"]["message"]


async def test_a_search_gives_the_exact_total(api):
    run = await failed(api)
    _, found = await api("GET", "/runs?search=BOB&limit=1")
    assert found["runs"][0]["id"]
    assert found["total"] >= 1
    _, found = await api("GET", f"/runs?search=no%20bobs&everywhere=true&limit=1&before={run}")
    assert found["total"] >= 1


async def test_what_is_neither_true_nor_false_is_refused(api):
    status, told = await api("GET", "/runs?search=x&everywhere=null")
    assert (status, told["error"]["message"]) == (400, "everywhere must be true or false, not 'null'")


async def test_old_history_is_let_go(api):
    await failed(api)
    _, counted = await api("POST", "/runs/prune", json={"older_than_seconds": 0, "dry_run": True})
    assert counted["runs"] >= 1
    _, gone = await api("POST", "/runs/prune", json={"older_than_seconds": 0})
    assert gone["runs"] >= counted["runs"]
