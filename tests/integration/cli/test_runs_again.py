"""`runs resubmit`, `answer`, `diff`, `export`, `prune` and `db check`, `db backup`, without an engine."""

import csv
import io
import json

import pytest

from flowengine.store.spreadsheet import defused

PICKY = """\
flow: Picky
trigger: { manual: true }
inputs: { who: { type: text, default: ann } }
vars: { seen: 0 }
actions:
  - name: First
    log: "{{ inputs.who }}"
  - name: Second
    if: { value: "{{ inputs.who }}", is: bob }
    then:
      - name: Fail
        stop: { status: failed, message: "=not bob" }
  - name: Third
    log: done
output: "{{ inputs.who }}"
"""
ASKING = """\
flow: Asking
trigger: { manual: true }
actions:
  - name: Question
    ask: { to: ops@example.com, question: Go on?, choices: ["yes please", "no"] }
    save_as: said
output: "{{ said.choice }}"
"""


@pytest.fixture
def failed(flowengine, flow):
    """The id of a run that failed, of the flow `picky`."""
    flow("picky", PICKY)
    said = flowengine("run", "picky", "-i", "who=bob", "--json")
    assert said.code == 1
    return said.json["run"]["id"]


def test_a_run_is_done_again_with_other_input(flowengine, failed, project):
    (project / "in.json").write_text('{"who": "eve"}')
    said = flowengine("runs", "resubmit", failed, "--edit-inputs", "in.json", "--json")
    run = said.json["run"]
    assert (said.code, run["status"], run["output"], run["resubmitted_from"]) == (0, "succeeded", "eve", failed)
    assert flowengine("runs", "resubmit", failed, "--edit-inputs", "-", stdin='{"whom": 1}').code == 1
    assert "no input" in flowengine("runs", "resubmit", failed, "--edit-inputs", "-", stdin='{"whom": 1}').err


def test_the_newest_version_runs_unless_the_original_is_wanted(flowengine, failed, flow):
    flow("picky", PICKY.replace("is: bob", "is: nobody"))
    assert flowengine("runs", "resubmit", failed, "--json").json["run"]["status"] == "succeeded"
    again = flowengine("runs", "resubmit", failed, "--original", "--json").json["run"]
    assert again["status"] == "failed"


def test_runs_of_one_version_are_listed_taken_out_and_done_again(flowengine, failed, flow):
    old = flowengine("runs", "show", failed, "--json").json["run"]["flow_version"]
    flow("picky", PICKY.replace("not bob", "nobody"))
    newer = flowengine("run", "picky", "-i", "who=bob", "--json").json["run"]
    for version, run in ((old, failed), (newer["flow_version"], newer["id"])):
        listed = flowengine("runs", "list", "--flow-version", version[:8].upper(), "--json").json["runs"]
        assert [one["id"] for one in listed] == [run]
        assert run in flowengine("runs", "export", "--flow-version", version, "--format", "csv").out
        look = flowengine("runs", "resubmit", "--flow-version", version, "--json").json
        assert [one["id"] for one in look["runs"]] == [run]
    assert "No run fits" in flowengine("runs", "list", "--flow-version", "fff0fff").err
    assert flowengine("runs", "cancel", "--flow-version", old, "--json").json["total"] == 0


def test_from_an_action_keeps_what_stands_before_it(flowengine, failed):
    said = flowengine("runs", "resubmit", failed, "--from", "Second")
    assert said.code == 1
    assert f"Kept from {failed}: first" in said.err
    assert "did you mean" in flowengine("runs", "resubmit", failed, "--from", "Secnd").err


def test_many_are_shown_first_and_done_with_yes_and_only_once(flowengine, failed):
    said = flowengine("runs", "resubmit", "--failed")
    assert failed in said.out
    assert "1 would be done again" in said.err
    done = flowengine("runs", "resubmit", "--flow", "picky", "--failed", "--yes", "--json").json
    assert [run["resubmitted_from"] for run in done["runs"]] == [failed]
    assert done["total"] == 1
    left = flowengine("runs", "resubmit", "--failed", "--json").json
    assert (left["done_again_before"], left["total"]) == (1, 1)  # what was made just now has failed, too


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "say which run"),
        (["@last", "--failed"], "either one RUN, or a choice of many"),
        (["@last", "--edit-inputs", "nowhere.json"], "there is no file nowhere.json"),
        (["--failed", "--edit-inputs", "x"], "goes with one RUN"),
        (["--status", "runing"], "one of"),
        (["@last", "--no-wait"], "needs a running engine"),
    ],
)
def test_what_cannot_be_meant_is_told(flowengine, failed, words, told):
    said = flowengine("runs", "resubmit", *words)
    assert said.code == 2
    assert told in said.err


def test_a_question_is_answered(flowengine, flow):
    flow("asking", ASKING)
    assert flowengine("run", "asking", "--timeout", "0.3").code == 5
    refused = flowengine("runs", "answer", "@last", "perhaps")
    assert (refused.code, "yes please, no" in refused.err) == (2, True)
    said = flowengine("runs", "answer", "@last", "yes please", "--by", "ann@example.com", "--comment", "fine", "--json")
    assert said.json["answer"] | {"at": ""} == {
        "choice": "yes please",
        "by": "ann@example.com",
        "comment": "fine",
        "at": "",
    }
    run = flowengine("runs", "show", "@last", "--json").json["run"]
    assert (run["status"], run["output"]) == ("succeeded", "yes please")
    assert "does not wait" in flowengine("runs", "answer", "@last", "no").err


def test_two_runs_part_at_an_action(flowengine, failed):
    flowengine("run", "picky")
    found = flowengine("runs", "diff", failed, "@last", "--json").json
    assert found["first"]["what"] == "trigger"
    assert [(each["path"], each["what"]) for each in found["differences"] if each["path"] == "third"] == [
        ("third", "status")
    ]
    assert "They part at" in flowengine("runs", "diff", failed, "@last").out
    flowengine("runs", "resubmit", failed)
    same = flowengine("runs", "diff", failed, "@last")
    assert "They do not differ." in same.out


def test_runs_are_taken_out_and_formulas_are_defused(flowengine, failed, project):
    (line,) = flowengine("runs", "export", failed).out.splitlines()
    assert json.loads(line)["run"]["actions"][0]["path"] == "first"
    assert flowengine("runs", "export", "--format", "csv", "--flow", "picky", "-o", "runs.csv").err.startswith(
        "1 runs in"
    )
    (row,) = csv.DictReader(io.StringIO((project / "runs.csv").read_text()))
    assert (row["id"], row["error_message"]) == (failed, "'=not bob")
    assert flowengine("runs", "export", "--format", "xls").code == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", " =1", "|x"])
def test_nothing_is_a_formula(text):
    assert defused(text) == "'" + text
    assert defused(-1) == -1
    assert defused("a=1") == "a=1"


def test_searches_tell_how_many_there_are(flowengine, failed):
    found = flowengine("runs", "list", "--search", "BOB", "--json").json
    assert (found["total"], [run["id"] for run in found["runs"]]) == (1, [failed])
    assert flowengine("runs", "list", "--search", "bob%", "--json").json["total"] == 0


def test_old_history_is_let_go(flowengine, failed):
    assert "1 runs and 1 events would go" in flowengine("runs", "prune", "--older-than", "0s", "--dry-run").out
    assert flowengine("runs", "prune", "--json").json == {
        "v": 1,
        "runs": 0,
        "events": 0,
        "versions": 0,
        "dry_run": False,
    }
    assert flowengine("runs", "prune", "--older-than", "0s", "--json").json["runs"] == 1
    assert "No runs" in flowengine("runs", "list").err
    assert flowengine("runs", "prune", "--older-than", "soon").code == 2


def test_the_database_is_looked_over_and_copied(flowengine, failed, project):
    said = flowengine("db", "check")
    assert said.code == 0
    assert "ok    the file is whole" in said.out
    found = flowengine("db", "check", "--json").json["database"]
    assert (found["fine"], found["unfinished"], found["engine"]) == (True, 0, None)
    assert "cannot be read" not in flowengine("db", "backup", "copy.db").err
    assert (project / "copy.db").stat().st_size > 0
    assert flowengine("db", "backup", "copy.db").code == 2


PATIENT = "flow: Patient\ntrigger: { manual: true }\nactions: [{ wait: 1 hour }]\n"


def test_many_runs_are_cancelled_after_a_look(flowengine, flow):
    flow("patient", PATIENT)
    for _ in range(2):
        assert flowengine("run", "patient", "--timeout", "0").code == 5
    looked = flowengine("runs", "cancel", "--flow", "patient", "--status", "waiting")
    assert (looked.code, "2 would be cancelled" in looked.err) == (0, True)
    done = flowengine("runs", "cancel", "--flow", "patient", "--yes", "--reason", "enough", "--json").json
    assert (done["total"], {run["status"] for run in done["runs"]}) == (2, {"cancelled"})
    assert "No run fits" in flowengine("runs", "cancel", "--flow", "patient", "--yes").err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say which run"),
        (("@last", "--flow", "patient"), "either one RUN"),
        (("--status", "failed"), "one of queued, running, waiting"),
        (("--since", "soon"), "--since"),
    ],
)
def test_what_is_to_be_cancelled_must_be_said(flowengine, flow, arguments, told):
    flow("patient", PATIENT)
    said = flowengine("runs", "cancel", *arguments)
    assert (said.code, told in said.err) == (2, True)


CALLS = """\
flow: Calls
trigger: { manual: true }
inputs: { to: { type: text, default: "1" }, key: { type: text, default: given } }
actions:
  - name: Send
    use: http.post
    retry: 0
    with: { url: "http://127.0.0.1:9/things", query: { q: "{{ inputs.to }}" }, headers: { X-Api-Key: "{{ inputs.key }}" }, body: { said: hello } }
"""


def test_what_was_sent_is_shown(flowengine, flow):
    flow("calls", CALLS)
    assert flowengine("run", "calls").code == 1
    raw = flowengine("runs", "show", "@last", "--action", "send", "--raw")
    assert raw.out.splitlines()[0] == "POST http://127.0.0.1:9/things?q=1"
    assert "X-Api-Key: ***" in raw.out
    assert raw.out.endswith('\n\n{"said":"hello"}\n')
    (attempt,) = flowengine("runs", "show", "@last", "--json").json["run"]["actions"][0]["attempts"]
    assert attempt["request"]["body"] == '{"said":"hello"}'
    assert "POST http://127.0.0.1:9/things?q=1" in flowengine("runs", "show", "@last", "--action", "send").out
    assert flowengine("runs", "show", "@last", "--action", "sent", "--raw").code == 2
    assert '"headers"' in flowengine("runs", "export", "@last").out
    flow("calls", CALLS.replace("1:9/things", "1:9/others"))
    flowengine("run", "calls")
    ids = [run["id"] for run in flowengine("runs", "list", "--json").json["runs"]]
    found = flowengine("runs", "diff", *ids, "--json").json
    assert found["first"]["path"] == "send"
