"""Findings for people and programs, and the schema for editors."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from flowengine.cli.sources import findings_with_lines
from flowengine.findings import Finding, Severity, Span
from flowengine.lint import report
from flowengine.lint.schema import flow_schema
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.source import read_source

ROOT = Path(__file__).parents[3]
FLOWS = [*sorted((ROOT / "flows").glob("*.yaml")), *sorted((ROOT / "tests" / "lint" / "ok").glob("*.yaml"))]
FOUND = Finding("flows/a.yaml", Span(2, 3, 2, 6), "unknown-key", 'no key "x", 100%', "write: y")
WARNED = Finding("flows/a.yaml", Span(9, 1, 9, 1), "no-braces", "plain\ntext", "", Severity.WARNING)


def test_text_shows_the_line_and_a_caret():
    told = findings_with_lines([FOUND, WARNED], {"flows/a.yaml": "flow: A\n  xyz: 1\n"})
    assert told == (
        'flows/a.yaml:2:3: no key "x", 100% [unknown-key]\n'
        "  2 |   xyz: 1\n"
        "    |   ^^^\n"
        "  write: y\n"
        "\n"
        "flows/a.yaml:9:1: warning: plain\ntext [no-braces]\n"
    )


def test_json():
    document = report.to_json([FOUND, WARNED], 3)
    assert document["summary"] == {"files": 3, "errors": 1, "warnings": 1}
    assert document["findings"][0]["end_column"] == 6


def test_github_annotations_are_escaped():
    first, second = report.github([FOUND, WARNED]).splitlines()
    assert (
        first
        == '::error file=flows/a.yaml,line=2,endLine=2,col=3,endColumn=6,title=unknown-key::no key "x", 100%25; write: y'
    )
    assert second.endswith("::plain%0Atext")


def test_sarif():
    log = json.loads(report.sarif([FOUND, WARNED]))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"unknown-key", "no-braces"}
    assert [result["level"] for result in run["results"]] == ["error", "warning"]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 6}


@pytest.fixture(scope="module")
def schema():
    return flow_schema(Catalog([shipped_connectors()]))


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_the_schema_takes_every_good_flow(path, schema):
    source, _ = read_source(path.read_bytes(), path.name)
    assert source is not None
    errors = jsonschema_rs.validator_for(schema).iter_errors(source.data)
    assert [(list(error.instance_path), error.message) for error in errors] == []


BASE = {"flow": "X", "trigger": {"manual": True}, "actions": [{"log": "a"}]}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"mode": "serial"}, ["mode"]),
        ({"max": 0}, ["max"]),
        ({"nothing": 1}, []),
        ({"trigger": {"schedule": "every day", "evry": 1}}, ["trigger"]),
        ({"actions": []}, ["actions"]),
        ({"actions": [{"ues": "http.get"}]}, ["actions", 0]),
        ({"actions": [{"use": "http.gte"}]}, ["actions", 0, "use"]),
        ({"actions": [{"use": "http.get", "wiht": {}}]}, ["actions", 0]),
        ({"actions": [{"if": True}]}, ["actions", 0]),
        ({"actions": [{"if": True, "then": [{"stop": {"status": "x"}}]}]}, ["actions", 0, "then", 0, "stop", "status"]),
        ({"actions": [{"log": "a", "save_as": "my result"}]}, ["actions", 0, "save_as"]),
        ({"actions": [{"use": "http.request", "with": {"method": "FETCH"}}]}, ["actions", 0, "with", "method"]),
        (
            {"actions": [{"use": "livechat.CreateTicket", "with": {"requester": 5}}]},
            ["actions", 0, "with", "requester"],
        ),
    ],
)
def test_the_schema_refuses_mistakes_where_they_are(change, path, schema):
    errors = list(jsonschema_rs.validator_for(schema).iter_errors({**BASE, **change}))
    assert path in [list(error.instance_path) for error in errors]


def test_the_schema_describes_operations_and_parameters(schema):
    with_ = schema["definitions"]["with"]["livechat.CreateTicket"]
    assert with_["properties"]["message"]["description"]
    kinds = {rule["if"]["required"][0]: rule["then"] for rule in schema["definitions"]["action"]["allOf"]}
    assert "livechat.CreateTicket" in kinds["use"]["properties"]["use"]["enum"]
    assert "livechat.WebhookTicketCreated" not in kinds["use"]["properties"]["use"]["enum"]
