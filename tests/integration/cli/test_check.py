"""`check`, `explain`, `schema`, `doctor`: what an author asks before running anything."""

import json

import pytest

BROKEN = """\
flow: Broken
trigger: { use: livechat.WebhookTicketCreated }
actions:
  - use: livechat.CreateTickt
"""


def test_no_mistakes(flowengine, hello):
    said = flowengine("check")
    assert (said.code, said.out) == (0, "")
    assert said.err == "1 file: no mistakes found\n"


def test_what_is_not_there_is_not_also_said_to_be_empty(flowengine, project):
    assert flowengine("check", "nowhere").err.startswith("0 files: 1 error, 0 warnings.")
    assert flowengine("check").err == "no flow files there\n"


def test_a_mistake_is_shown_with_its_line_and_what_to_write(flowengine, flow):
    flow("broken", BROKEN)
    said = flowengine("check")
    assert said.code == 1
    assert said.out.startswith('flows/broken.yaml:4:19: the connector "livechat" has no operation "CreateTickt"')
    assert "  4 |   - use: livechat.CreateTickt\n    |                   ^^^^^^^^^^^\n" in said.out
    assert 'did you mean "CreateTicket"?' in said.out


def test_findings_as_json(flowengine, flow):
    flow("broken", BROKEN)
    document = flowengine("check", "--format", "json").json
    assert document["summary"] == {"files": 1, "errors": 1, "warnings": 0}
    found = document["findings"][0]
    assert (found["file"], found["line"], found["column"], found["severity"]) == ("flows/broken.yaml", 4, 19, "error")
    assert set(found) == {"file", "line", "column", "end_line", "end_column", "severity", "rule", "message", "hint"}


def test_findings_for_github_and_code_scanning(flowengine, flow):
    flow("broken", BROKEN)
    assert flowengine("check", "--format", "github").out.startswith("::error file=flows/broken.yaml,line=4")
    sarif = json.loads(flowengine("check", "--format", "sarif").out)
    assert sarif["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"- a\n- b\n", "list"),
        (bytes(range(256)) * 8, "not a text file"),
        (b"a" * 2_000_000, "larger than 1 MB"),
    ],
    ids=["empty", "list", "binary", "2 MB"],
)
def test_a_file_that_is_no_flow(flowengine, project, content, word):
    (project / "flows" / "odd.yaml").write_bytes(content)
    for arguments in (["check"], ["check", "flows/odd.yaml"], ["run", "odd"]):
        said = flowengine(*arguments)
        assert said.code == 2
        assert word in said.out + said.err
        assert len(said.out + said.err) < 1_000


def test_a_file_that_is_not_there(flowengine):
    said = flowengine("check", "flows/nowhere.yaml")
    assert said.code == 2
    assert "there is no such file" in said.out


def test_warnings_fail_only_when_strict(flowengine, project, hello):
    (project / "connections.yaml").write_text(
        "livechat:\n  connector: livechat\n  parameters: { username: a@example.com, apikey: in-clear-1234 }\n"
    )
    said = flowengine("check")
    assert said.code == 0
    assert "connections.yaml:3:" in said.out
    assert "warning: " in said.out
    assert flowengine("check", "--strict").code == 1


def test_unknown_keys(flowengine, flow):
    flow("odd", "flow: Odd\ntrigger: { manual: true }\nactons:\n  - log: x\n")
    said = flowengine("check")
    assert said.code == 1
    assert 'did you mean "actions"?' in said.out


def test_a_rule_explained(flowengine):
    said = flowengine("explain", "unknown-operation")
    assert said.code == 0
    assert "Wrong:\n" in said.out
    assert "Right:\n" in said.out
    assert flowengine("explain", "unknown-operation", "--json").json["rules"][0]["id"] == "unknown-operation"


def test_all_rules_and_a_misspelt_one(flowengine):
    rules = flowengine("explain", "--json").json["rules"]
    assert len(rules) > 20
    said = flowengine("explain", "unknown-operaton")
    assert said.code == 2
    assert 'did you mean "unknown-operation"?' in said.err
    assert "unknown-operation\t" in flowengine("explain").out


def test_the_schema(flowengine, project):
    assert json.loads(flowengine("schema").out)["title"]
    said = flowengine("schema", "--write")
    assert said.code == 0
    written = project / ".flowengine" / "flow.schema.json"
    assert "livechat.CreateTicket" in written.read_text()


def test_a_doctor_of_a_fresh_project(flowengine, hello):
    said = flowengine("doctor", "--json")
    verdicts = {each["part"]: each["verdict"] for each in said.json["checks"]}
    assert said.code == 0
    assert verdicts["python"] == verdicts["project"] == verdicts["flows"] == verdicts["database"] == "ok"
    assert verdicts["connections"] == "warn"


def test_a_doctor_says_what_to_do(flowengine, flow, project):
    flow("broken", BROKEN)
    (project / "connections.yaml").write_text("- a list\n")
    said = flowengine("doctor")
    assert said.code == 3
    assert "fail  flows" in said.out
    assert "do: flowengine check" in said.out
    assert "fail  connections" in said.out


def test_a_doctor_where_there_is_no_project(flowengine, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    said = flowengine("-C", "empty", "doctor")
    assert said.code == 3
    assert "has no flows/ folder" in said.out


def test_a_doctor_with_a_setting_that_cannot_be(flowengine, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_PORT", "eighty")
    said = flowengine("doctor")
    assert said.code == 3
    assert "FLOWENGINE_PORT" in said.out


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_doctor_looks_at_the_key(flowengine, project, hello, mode):
    flowengine("db", "upgrade")
    key = project / ".flowengine" / "key"
    key.write_text("k")
    key.chmod(mode)
    told = {each["part"]: each for each in flowengine("doctor", "--json").json["checks"]}
    assert told["key"]["verdict"] == ("ok" if mode == 0o600 else "fail")
    assert told["engine"]["verdict"] == "warn"
