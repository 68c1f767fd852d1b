"""`run`, `runs` and `events`: from starting a flow to asking what it did."""

import json
import socket

import pytest

from flowengine.cli.run_watch import Progress

FAILING = """\
flow: Failing
trigger: { manual: true }
actions:
  - name: Call nobody
    use: http.get
    with: { url: "http://127.0.0.1:PORT/nobody" }
    retry: 0
  - name: Never reached
    log: here
"""

PICKY = """\
flow: Picky
trigger: { manual: true }
conditions:
  - value: "{{ trigger.subject }}"
    contains: refund
actions:
  - log: "{{ trigger.subject }}"
"""


@pytest.fixture
def failing(flow, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return flow("failing", FAILING.replace("PORT", str(port)))


def test_a_run_shows_its_progress_and_its_output(flowengine, hello):
    said = flowengine("run", "hello", "-i", "name=Ann")
    assert said.code == 0
    assert '  succeeded  greet  "Hello, Ann!"\n' in said.out
    assert "succeeded after " in said.out
    assert '"greeting": "Hello, Ann!"' in said.out
    assert "flowengine runs show " in said.err


def test_a_run_as_a_document(flowengine, hello):
    run = flowengine("run", "hello", "--json").json["run"]
    assert (run["flow"], run["status"], run["output"]) == ("hello", "succeeded", {"greeting": "Hello, world!"})
    assert run["trigger"]["kind"] == "manual"
    assert [action["path"] for action in run["actions"]] == ["greet"]


def test_an_event_from_a_file_and_from_stdin(flowengine, flow, project):
    flow("picky", PICKY)
    (project / "event.json").write_text('{"subject": "A refund"}')
    assert flowengine("run", "picky", "--event", "event.json").code == 0
    assert flowengine("run", "picky", "--event", "-", stdin='{"subject": "refund!"}').code == 0


def test_an_event_whose_conditions_do_not_hold_says_why(flowengine, flow, project):
    flow("picky", PICKY)
    (project / "event.json").write_text('{"subject": "Opening hours"}')
    said = flowengine("run", "picky", "-e", "event.json")
    assert said.code == 1
    assert "Opening hours" in said.err
    assert "flowengine events show " in said.err
    event = flowengine("events", "list", "--json").json["events"][0]
    assert event["disposition"] == "filtered"
    assert event["reason"]["conditions"][0] | {} == {
        "operator": "contains",
        "left": "Opening hours",
        "right": "refund",
        "held": False,
    }
    page = flowengine("events", "show", event["id"])
    assert 'not held  "Opening hours" contains "refund"' in page.out
    assert '"subject": "Opening hours"' in page.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run", "helo"], 'did you mean "hello"?'),
        (["run", "hello", "-i", "name"], "key=value"),
        (["run", "hello", "-e", "nowhere.json"], "nowhere.json"),
        (["run", "hello", "-i", "nam=x"], "nam"),
        (["run", "hello", "--no-wait"], "flowengine serve"),
    ],
)
def test_a_run_that_cannot_begin(flowengine, hello, arguments, word):
    said = flowengine(*arguments)
    assert said.code in (1, 2)
    assert word in said.err


def test_an_event_that_is_not_json(flowengine, hello, project):
    (project / "event.json").write_text("{")
    said = flowengine("run", "hello", "-e", "event.json")
    assert said.code == 2
    assert "event.json is not JSON" in said.err


def test_a_failed_run_leads_straight_to_the_failure(flowengine, failing):
    said = flowengine("run", "failing")
    assert said.code == 1
    assert "failed" in said.out
    page = flowengine("runs", "show", "@last-failed")
    assert 'Failed at "Call nobody": ' in page.out
    assert "  flows/failing.yaml:4:5\n    4 |   - name: Call nobody\n" in page.out
    assert "it was given:" in page.out
    assert "skipped    never_reached" in page.out
    assert "--action call_nobody" in page.err
    action = flowengine("runs", "show", "@last", "--action", "call_nobody").out
    assert "tried 1 time:" in action
    assert '"code": "unreachable"' in action


def test_an_action_that_is_not_there(flowengine, failing):
    flowengine("run", "failing")
    said = flowengine("runs", "show", "@last", "--action", "call_nobdy")
    assert said.code == 2
    assert 'did you mean "call_nobody"?' in said.err


def test_runs_are_listed_filtered_and_paged(flowengine, hello, failing):
    for _ in range(2):
        flowengine("run", "hello")
    flowengine("run", "failing")
    rows = flowengine("runs", "list").out.splitlines()
    assert rows[0] == "RUN\tFLOW\tSTATUS\tSTARTED\tTOOK\tERROR"
    assert [row.split("\t")[1] for row in rows[1:]] == ["failing", "hello", "hello"]
    assert len(flowengine("runs", "list", "-s", "failed", "--json").json["runs"]) == 1
    assert len(flowengine("runs", "list", "-f", "hello", "--since", "1h", "--json").json["runs"]) == 2
    first = flowengine("runs", "list", "-L", "2", "--json").json
    assert first["next"] == first["runs"][-1]["id"]
    second = flowengine("runs", "list", "-L", "2", "--before", first["next"], "--json").json
    assert (len(second["runs"]), second["next"]) == (1, None)
    assert "actions" not in second["runs"][0]
    assert f"--before {first['next']}" in flowengine("runs", "list", "-L", "2").err


def test_runs_by_their_text(flowengine, hello):
    flowengine("run", "hello", "-i", "name=Zebra")
    assert len(flowengine("runs", "list", "--search", "zebra", "--json").json["runs"]) == 1
    said = flowengine("runs", "list", "--search", "giraffe")
    assert (said.code, said.out) == (0, "")
    assert "No run fits" in said.err


def test_nothing_ran_yet(flowengine):
    assert flowengine("runs", "list", "--json").json == {"v": 1, "runs": [], "next": None}
    assert "No runs." in flowengine("runs", "list").err
    assert flowengine("events", "list", "--json").json == {"v": 1, "events": [], "next": None}
    for command in (["runs", "show", "@last"], ["runs", "watch"], ["events", "show", "x"], ["runs", "cancel", "x"]):
        assert flowengine(*command).code == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["runs", "list", "-s", "faild"], 'did you mean "failed"?'),
        (["events", "list", "-d", "filterd"], 'did you mean "filtered"?'),
        (["runs", "list", "--since", "yesterday"], "24h"),
        (["runs", "list", "-L", "0"], "--limit"),
    ],
)
def test_a_filter_that_cannot_be(flowengine, arguments, word):
    said = flowengine(*arguments)
    assert said.code == 2
    assert word in said.err


def test_a_run_that_does_not_exist(flowengine, hello):
    flowengine("run", "hello")
    said = flowengine("runs", "show", "zzz")
    assert said.code == 2
    assert "zzz" in said.err


def test_a_run_in_full(flowengine, hello):
    run = flowengine("run", "hello", "--json").json["run"]
    document = flowengine("runs", "show", run["id"][:20], "--json").json["run"]
    assert document["event"]["id"] == run["event"]["id"]
    assert document["actions"] == run["actions"]
    page = flowengine("runs", "show", "@last", "--inputs", "--outputs").out
    assert '  + succeeded  greet  "Hello, world!"' in page
    assert "It gave back:" in page


def test_the_raw_body_of_the_event(flowengine, hello):
    flowengine("run", "hello", "-i", "name=Ann")
    assert json.loads(flowengine("runs", "show", "@last", "--raw").out) == {"name": "Ann"}


def test_the_log_of_a_run(flowengine, hello):
    flowengine("run", "hello")
    assert flowengine("runs", "logs", "@last").out.rstrip().endswith("succeeded  greet  Hello, world!")
    line = json.loads(flowengine("runs", "logs", "@last", "--json").out)
    assert (line["path"], line["text"]) == ("greet", "Hello, world!")


def test_watching_and_waiting_for_a_run_that_ended(flowengine, hello, failing):
    flowengine("run", "hello")
    assert flowengine("runs", "watch").code == 0
    assert flowengine("runs", "wait", "@last").code == 0
    assert flowengine("runs", "wait", "@last", "--json").json["run"]["status"] == "succeeded"
    lines = [json.loads(line) for line in flowengine("runs", "watch", "--json").out.splitlines()]
    assert lines[-1]["status"] == "succeeded"
    flowengine("run", "failing")
    assert flowengine("runs", "watch", "@last").code == 1


def test_a_run_that_takes_longer_than_the_time_given_goes_on_and_can_be_cancelled(flowengine, flow):
    flow("slow", "flow: Slow\ntrigger: { manual: true }\nactions:\n  - wait: 1 hour\n")
    said = flowengine("run", "slow", "--timeout", "0.3")
    assert said.code == 5
    assert "the time to wait for it is over" in said.out
    assert flowengine("runs", "wait", "@last", "--timeout", "0").code == 5
    assert flowengine("runs", "cancel", "@last", "--reason", "enough").code == 0
    assert flowengine("runs", "show", "@last", "--json").json["run"]["status"] == "cancelled"
    assert flowengine("runs", "cancel", "@last").code == 2


def test_progress_tells_each_change_once(capsys, flowengine, hello):
    assert Progress().show([]) is None
    assert capsys.readouterr().out == ""


ASKS = """\
flow: Asks
trigger: { manual: true }
actions:
  - use: livechat.ListAgents
"""


def test_a_service_without_any_connection_is_told_before_a_run_is_made(flowengine, flow):
    flow("asks", ASKS)
    flow("calls", "flow: Calls\ntrigger: { manual: true }\nactions:\n  - call: asks\n")
    for name in ("asks", "calls"):
        said = flowengine("run", name)
        assert (said.code, said.out) == (3, "")
        assert f"{name} was not run: " in said.err
        assert "flowengine connections add livechat" in said.err
    assert flowengine("run", "asks", "--dry-run").code == 3
    assert flowengine("runs", "list", "--json").json["runs"] == []


def test_a_connection_of_another_service_does_not_serve(flowengine, flow, project):
    flow("asks", ASKS)
    (project / "connections.yaml").write_text("comm100: { connector: comm100, base_url: 'https://a.example' }\n")
    assert flowengine("run", "asks").code == 3


def test_made_up_answers_need_no_connection(flowengine, flow, project):
    flow("asks", ASKS)
    (project / "answers.json").write_text('{"livechat.ListAgents": {"body": []}}')
    said = flowengine("run", "asks", "--mock", "answers.json")
    assert said.code == 0, said.err


def test_mistakes_come_before_missing_connections(flowengine, flow):
    flow("asks", ASKS.replace("ListAgents", "ListAgent"))
    said = flowengine("run", "asks")
    assert said.code == 2
    assert "connections add" not in said.err


def test_an_empty_event_that_starts_nothing_says_how_to_give_one(flowengine, flow):
    flow("picky", PICKY)
    said = flowengine("run", "picky")
    assert (said.code, said.out) == (1, "")
    assert "--event FILE" in said.err
