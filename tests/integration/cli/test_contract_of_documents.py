"""What each command gives with `--json`: one document on stdout, `{"v": 1, ...}`, with the fields that scripts rely on."""

import json

import pytest

from flowengine.store.ids import LENGTH

TWICE = """\
flow: Twice
trigger: { manual: true }
conditions:
  - value: "{{ trigger.wanted }}"
    is: "yes"
actions:
  - for_each: [1, 2]
    do:
      - name: Divide
        set: { found: "{{ 1 / (item - 2) }}" }
vars: { found: 0 }
"""
NEXT = "flow: Nightly\ntrigger: { schedule: every day at 03:00 }\nactions: [{ log: night }]\n"

RUN = {
    "id", "flow", "flow_version", "status", "trigger", "event", "started_at", "finished_at", "duration_ms", "error", "output",
    "resubmitted_from",
}  # fmt: skip
ACTION = {
    "path", "name", "kind", "status", "started_at", "finished_at", "attempts", "inputs", "outputs", "error", "skipped_because",
}  # fmt: skip
ERROR = {"action", "code", "message", "status_code", "body", "line", "column"}
EVENT = {"id", "flow", "trigger", "received_at", "disposition", "reason", "runs"}
FINDING = {"file", "line", "column", "end_line", "end_column", "severity", "rule", "message", "hint"}

DOCUMENTS = {
    "new --list": "templates",
    "check": "findings summary",
    "explain unknown-key": "rules",
    "run hello": "run",
    "flows list": "flows",
    "flows show hello": "flow",
    "flows next nightly": "next",
    "flows versions hello": "versions",
    "flows disable nightly": "flow",
    "flows enable nightly": "flow",
    "events list": "events next",
    "events show @last": "event",
    "runs list": "runs next",
    "runs show @last": "run",
    "runs wait @last-failed": "run",
    "runs diff @last @last-failed": "differences",
    "runs prune --older-than 28d --dry-run": "dry_run runs events",
    "eval 1+1": "value",
    "test": "tests",
    "graph hello": "graph",
    "graph --run @last-failed": "graph",
    "schema": "schema",
    "connectors list": "connectors",
    "connectors show livechat": "connector",
    "connectors docs comm100": "docs",
    "connections list": "connections",
    "secrets list": "secrets",
    "secrets set a_key": "secret",
    "secrets remove a_key": "secret",
    "secrets set b_key": "secret",
    "secrets rotate-key": "key",
    "tokens add ci --role viewer": "token",
    "tokens list": "tokens",
    "tokens revoke ci": "token",
    "audit list": "changes next",
    "db upgrade": "database",
    "db check": "database",
    "db backup copy.db": "backup",
    "doctor": "checks",
    "completion bash": "completion",
}


@pytest.fixture
def history(flow, hello, flowengine):
    """A project in which something ran, something failed, and something was turned away."""
    flow("twice", TWICE)
    flow("nightly", NEXT)
    flowengine("run", "twice", "-e", "-", stdin='{"wanted": "no"}')
    assert flowengine("run", "twice", "-e", "-", stdin='{"wanted": "yes"}').code == 1
    flowengine("run", "hello")
    return flowengine


def test_every_document_has_a_version_and_its_fields(history):
    wrong = {}
    for command, keys in DOCUMENTS.items():
        said = history(*command.split(), "--json", stdin="a-long-secret-value")
        try:
            document = json.loads(said.out)
        except ValueError:
            wrong[command] = said
            continue
        if document.get("v") != 1 or not set(keys.split()) <= set(document):
            wrong[command] = (sorted(document), said.err)
    assert wrong == {}


def test_a_run(history):
    ran = history("run", "hello", "--json").json["run"]
    shown = history("runs", "show", "@last-failed", "--json").json["run"]
    (listed, *_) = history("runs", "list", "--json").json["runs"]
    assert set(shown) >= RUN | {"actions"}
    assert set(ran) >= RUN | {"actions"}
    assert set(listed) >= RUN
    assert "actions" not in listed
    assert all(set(action) >= ACTION for action in shown["actions"])
    assert "twice" not in [action["path"] for action in shown["actions"]]
    assert set(shown["error"]) >= ERROR
    assert (shown["error"]["line"], shown["status"]) != (None, "succeeded")
    assert shown["trigger"] == {"kind": "manual", "name": "manual"}
    assert set(shown["event"]) >= {"id", "body"}
    assert shown["started_at"].endswith("Z")
    assert shown["duration_ms"] > 0


def test_an_event_and_why_it_started_nothing(history):
    events = history("events", "list", "--disposition", "filtered", "--json").json["events"]
    (event,) = events
    assert set(event) >= EVENT
    (condition,) = event["reason"]["conditions"]
    assert condition == {"operator": "is", "left": "no", "right": "yes", "held": False}
    assert event["runs"] == []


def test_pages_of_runs_go_on_where_the_one_before_ended(history):
    first = history("runs", "list", "-L", "1", "--json").json
    assert len(first["next"]) == LENGTH
    second = history("runs", "list", "-L", "1", "--before", first["next"], "--json").json
    assert second["runs"][0]["id"] < first["runs"][0]["id"]
    assert second["next"] is None


def test_findings(flow, flowengine):
    flow("wrong", "flow: Wrong\ntriger: { manual: true }\nactions: [{ log: hi }]\n")
    for form in (["--format", "json"], ["--json"]):
        said = flowengine("check", *form)
        assert said.code == 1
        assert all(set(finding) >= FINDING for finding in said.json["findings"])
        assert set(said.json["summary"]) >= {"files", "errors", "warnings"}
    assert {finding["severity"] for finding in said.json["findings"]} <= {"error", "warning"}


def test_a_picture_as_a_document(history):
    drawn = history("graph", "--run", "@last-failed", "--json").json["graph"]
    (loop,) = drawn["actions"]
    assert (drawn["flow"], loop["kind"], loop["status"]) == ("twice", "for_each", "failed")
    assert loop["branches"][0]["actions"][0]["name"] == "Divide"
    assert history("graph", "twice", "--json").json["graph"]["actions"][0]["status"] is None


def test_what_streams_gives_an_object_a_line(history):
    for command in (["runs", "watch", "@last"], ["runs", "export"]):
        said = history(*command, "--json")
        lines = [json.loads(line) for line in said.out.splitlines()]
        assert lines
        assert all(isinstance(line, dict) for line in lines)


def test_a_connection_added_and_removed(project, flowengine):
    (project / "flows").mkdir(exist_ok=True)
    added = flowengine(
        "connections", "add", "livechat", "--json", stdin='{"username": "a@example.com", "apikey": "secret-key-1"}'
    )
    assert added.json["connection"] == {"name": "livechat", "connector": "livechat", "needs_sign_in": False}
    removed = flowengine("connections", "remove", "livechat", "--json")
    assert removed.json["connection"]["removed"] is True
    assert "secret-key-1" not in added.out + removed.out
