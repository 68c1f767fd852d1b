"""The demo, as a newcomer starts it: stand-ins, engine, events over HTTP, runs, and the history afterwards."""

import json
import time

import pytest

from tests.fakes.processes import ended as flowengine


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One demo for all tests of this file."""
    place = tmp_path_factory.mktemp("demo")
    began = time.monotonic()
    done = flowengine("demo", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    return place, json.loads(done.stdout)["demo"], time.monotonic() - began


def test_it_takes_less_than_30_seconds(told):
    assert told[2] < 30


def test_every_service_and_flow_takes_part(told):
    document = told[1]
    assert {each["name"] for each in document["services"]} == {"livechat", "livechat-agent", "comm100"}
    assert len(document["flows"]) >= 8
    registered = [state for flow in document["flows"] for state in flow["triggers"] if state["kind"] == "use"]
    assert registered
    assert all(state["state"] == "on" or not state["detail"] for state in registered)


def test_a_chat_start_a_chat_end_and_a_ticket_started_runs_that_succeeded(told):
    document = told[1]
    ended = {run["flow"]: run["status"] for run in document["runs"]}
    assert ended["ticket-for-angry-visitors"] == "succeeded"
    assert ended["follow-up-missed-chats"] == "succeeded"
    assert ended["assign-refund-tickets"] == "succeeded"
    assert set(ended.values()) == {"succeeded"}


def test_the_refund_ticket_was_assigned_at_the_service(told):
    run = next(each for each in told[1]["runs"] if each["flow"] == "assign-refund-tickets")
    action = next(each for each in run["actions"] if each["path"] == "assign_the_ticket")
    assert action["outputs"]["status_code"] == 200
    assert action["outputs"]["body"]["assignee"]["id"] == action["inputs"]["assignee"]["id"]


def test_an_event_that_started_nothing_says_why(told):
    filtered = [each for each in told[1]["events"] if each["disposition"] == "filtered"]
    compared = [condition for each in filtered for condition in each["reason"]["conditions"]]
    assert {"operator": "contains", "left": "Opening hours", "right": "refund", "held": False}.items() <= next(
        each for each in compared if each["left"] == "Opening hours"
    ).items()


def test_the_history_stays_and_the_commands_that_were_named_work(told):
    place, document, _ = told
    for command in document["commands"]:
        words = command.split()
        if "demo" in words[1:]:
            continue
        done = flowengine(*words[1:], cwd=place)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    listed = json.loads(flowengine("-C", "flowengine-demo", "runs", "list", "--json", cwd=place).stdout)
    assert len(listed["runs"]) == len(document["runs"])


def test_no_credential_is_at_rest_in_clear(told):
    place = told[0] / "flowengine-demo"
    kept = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert b"sandbox-api-key" not in kept


def test_it_can_be_told_again_in_the_same_folder_as_text(told):
    place, document, _ = told
    done = flowengine("demo", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "Three services and an engine, all on this machine" in done.stdout
    assert f"{len(document['runs'])} runs: {len(document['runs'])} succeeded" in done.stdout
    assert '"Opening hours" contains "refund": no' in done.stdout
    assert "flowengine -C flowengine-demo runs list" in done.stdout
