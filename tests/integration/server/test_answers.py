"""Callbacks and approvals: the addresses that a run hands out, and what comes back through them."""

import pytest
import pytest_asyncio

from flowengine.types import Status
from tests.fakes.projects import a_waiting_run, make_project, served

CALLBACK = """
    flow: Callback
    trigger: {manual: true}
    actions:
      - name: Tell where
        log: "{{ callback.url }}"
      - name: Wait for it
        wait_for: callback
        timeout: 1 hour
        save_as: came
    output: "{{ came }}"
    """
APPROVAL = """
    flow: Approval
    trigger: {manual: true}
    actions:
      - name: Tell where
        log: "{{ approval.links['Yes'] }} {{ approval.links['No & never'] }}"
      - name: Ask the boss
        ask:
          to: boss@example.com
          question: "Refund <b>5</b>?"
          choices: ["Yes", "No & never"]
        save_as: answer
    output: "{{ answer }}"
    """


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    async with served(
        make_project(tmp_path_factory.mktemp("project"), {"callback": CALLBACK, "approval": APPROVAL})
    ) as (server, http):
        yield server.app, http


async def waiting(app, flow_id):
    """A run of the flow that waits, and what it logged."""
    run = await a_waiting_run(app, flow_id)
    (logged,) = [action for action in await app.store.runs.actions(run.id) if action.path == ("tell_where",)]
    return run, str(logged.outputs or logged.inputs)


def links(text):
    return [word.strip("'\"}") for word in text.split() if "http://" in word]


async def test_what_is_posted_to_a_callback_is_what_the_wait_gives(site):
    app, http = site
    run, told = await waiting(app, "callback")
    (url,) = links(told)
    assert (await http.post(url.rpartition("/")[0] + "/wrong", json={})).status_code == 404
    assert (await http.post(url, json={"paid": True})).status_code == 200
    finished = await app.engine.wait(run.id, 20)
    assert (finished.status, finished.output) == (Status.SUCCEEDED, {"paid": True})
    assert (await http.post(url, json={})).status_code in (404, 409)


async def test_an_approval_link_asks_before_it_answers(site):
    app, http = site
    run, told = await waiting(app, "approval")
    yes, no = links(told)
    page = await http.get(no)
    assert "Refund &lt;b&gt;5&lt;/b&gt;?" in page.text
    assert "No &amp; never" in page.text
    assert "script" not in page.text
    assert (await app.store.runs.get(run.id)).status is not Status.SUCCEEDED
    done = await http.post(yes, data={"by": "Ann", "comment": "fine"})
    assert done.status_code == 200
    output = (await app.engine.wait(run.id, 20)).output
    assert (output["choice"], output["by"], output["comment"]) == ("Yes", "Ann", "fine")
    assert (await http.post(no, data={})).status_code in (404, 409)


async def test_an_approval_is_answered_through_the_api(site):
    app, http = site
    run, _ = await waiting(app, "approval")
    path = f"/api/v1/runs/{run.id}/answer"
    assert "one of: Yes, No & never" in (await http.post(path, json={"choice": "Maybe"})).json()["error"]["message"]
    assert (await http.post(path, json={"choice": "Yes", "action": "other"})).status_code == 409
    answered = await http.post(path, json={"choice": "No & never", "by": "Ann", "action": "ask_the_boss"})
    assert answered.json()["answer"]["choice"] == "No & never"
    assert (await app.engine.wait(run.id, 20)).output["by"] == "Ann"
    assert (await http.post(path, json={"choice": "Yes"})).status_code == 409
