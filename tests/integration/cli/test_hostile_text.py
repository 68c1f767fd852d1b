"""Text that means harm, in every field that a command shows: no terminal is led, no mark of direction is left, no cell is a formula."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree as ET

import pytest

LED = "\x1b[31m\x1b]0;owned\x07\u202egnp.exe\u2066\x9b2J"
HOSTILE = f"=cmd|' /C calc'!A0 {LED} {{{{ 7*7 }}}} <script>alert(1)</script>\r\nFAKE: line"
FLOW = f"""\
flow: {json.dumps("Call " + LED)}
description: {json.dumps(LED)}
trigger: {{ manual: true }}
inputs: {{ said: {{ type: text, default: none, description: {json.dumps(LED)} }} }}
conditions: [{{ value: "{{{{ inputs.said }}}}", is_not: nobody }}]
actions:
  - name: {json.dumps("Send " + LED)}
    use: http.post
    retry: 0
    with: {{ url: "http://127.0.0.1:9/x", headers: {{ X-Said: "plain" }}, body: {{ said: "{{{{ inputs.said }}}}" }} }}
    save_as: sent
  - log: "{{{{ inputs.said }}}}"
output: "{{{{ inputs.said }}}}"
"""
VIEWS = [
    "flows list", "flows show hostile", "flows next", "flows versions hostile", "check", "graph hostile", "graph --run @last",
    "graph hostile --format mermaid", "runs list", "runs list --search calc", "runs show @last", "runs show @last --inputs --outputs",
    "runs show @last --action *", "runs show @last --action * --raw", "runs logs @last", "runs watch @last", "runs diff @last @last-failed",
    "events list", "events show @last", "audit list", "tokens list",
    "connections list", "doctor", "test",
]  # fmt: skip
HARM = "\x1b\x07\x9b\u202e\u2066"


@pytest.fixture
def hostile(flowengine, flow, project):
    flow("hostile", FLOW)
    (project / "connections.yaml").write_text(
        "desk: {connector: http, base_url: 'http://127.0.0.1:9', parameters: {}}\n"
    )
    assert flowengine("tokens", "add", f"ann {LED}").code in (0, 2)
    (project / "event.json").write_text(json.dumps({"said": HOSTILE, HOSTILE: [HOSTILE]}))
    flowengine("run", "hostile", "-i", "said=nobody")
    flowengine("run", "hostile", "-i", f"said={HOSTILE}", "--event", "event.json")
    flowengine("run", "hostile", "-i", f"said={HOSTILE}")
    return flowengine


def test_no_view_lets_it_through(hostile):
    seen = 0
    for line in VIEWS:
        said = hostile(*line.split())
        assert not set(HARM) & set(said.out + said.err), line
        assert "Traceback" not in said.err
        seen += "calc" in said.out or "gnp.exe" in said.out
    assert seen > 10, "what was sent is there to be read, without what leads a terminal"


def test_an_error_that_repeats_it_does_not(hostile):
    for arguments in (
        ("runs", "show", HOSTILE),
        ("runs", "list", "--status", HOSTILE),
        ("flows", "show", HOSTILE),
        ("run", HOSTILE),
        ("events", "show", HOSTILE),
        ("secrets", "remove", HOSTILE),
        ("connectors", "show", HOSTILE),
        ("eval", "inputs." + LED),
        (HOSTILE,),
    ):
        said = hostile(*arguments)
        assert said.code in (1, 2, 3), arguments
        assert not set(HARM) & set(said.out + said.err), arguments


def test_a_table_holds_no_formula(hostile):
    out = hostile("runs", "export", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows
    cells = [cell for row in rows for cell in row.values() if cell]
    assert any("calc" in cell for cell in cells)
    assert not [cell for cell in cells if cell.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_a_value_is_itself_to_a_program_and_harmless_to_a_terminal(hostile, monkeypatch):
    assert hostile("eval", "inputs.said", "--run", "@last").out == HOSTILE + "\n"
    monkeypatch.setattr("flowengine.cli.output.on_terminal", lambda: True)
    assert not set(HARM) & set(hostile("eval", "inputs.said", "--run", "@last").out)


def test_a_picture_is_xml_whatever_it_is_a_picture_of(hostile):
    drawn = hostile("graph", "hostile", "--format", "svg").out
    assert ET.fromstring(drawn).tag.endswith("svg")  # ours
    assert not set(HARM) & set(drawn)
    assert "<script" not in drawn
