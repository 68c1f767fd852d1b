"""Every rule's own examples: the wrong one has its finding, the right one has none."""

from __future__ import annotations

import errno
import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowengine.expressions.references import references
from flowengine.lint.linter import Project, called_flows, check_flow, check_paths
from flowengine.lint.plain import references_of
from flowengine.lint.rules import CHECKED, RULES
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.load import parse_flow

CATALOG = Catalog([shipped_connectors()])

IN_PROSE = {
    "not-readable", "not-text", "too-large", "too-deep", "too-many-actions", "too-many-aliases", "yaml-alias", "yaml-merge",
    "one-document", "too-many-templates", "file-name", "not-a-flow",
}  # fmt: skip
"""Rules whose examples are files as a whole, or words about them."""


HEADS = {
    "flow": "flow: Example\n",
    "trigger": "trigger: { manual: true }\n",
    "vars": "vars: { count: 0 }\n",
    "actions": "actions:\n  - log: Hello\n",
}


@dataclass(frozen=True)
class Connected:
    connector: str


PROJECT = Project(
    CATALOG,
    connections={"livechat": Connected("livechat"), "example": Connected("http")},
    flow_ids={"refund-tickets", "refund", "a", "b"},
    flows={
        "refund": parse_flow(
            "flow: R\ntrigger: { manual: true }\ninputs: { ticket: { type: number } }\nactions: [{ log: a }]",
            "refund.yaml",
        )[0],
    },  # type: ignore[dict-item]
)

WEBHOOK = "trigger: { use: livechat.WebhookTicketCreated }\n"
"""For rules that need to know what the trigger gives."""


def whole(example: str, rule: str) -> str:
    """A complete flow around an example: top-level keys as they are, the keys of an action as the only action."""
    first = re.match(r"(?:#.*\n)*(\w+):", example)
    tops = ("flow", "trigger", "conditions", "inputs", "vars", "actions", "mode", "on_failure", "output")
    if first is None or first[1] not in tops:
        example = f"actions:\n  - {textwrap.indent(example, '    ')[4:]}"
    rest = [text for key, text in HEADS.items() if not re.search(rf"^{key}:", example, re.MULTILINE)]
    if rule in ("unknown-field", "not-a-list"):
        rest = [WEBHOOK if text.startswith("trigger:") else text for text in rest]
    return "".join(rest) + example + "\n"


def rules_in(example: str, rule: str) -> set[str]:
    name = "a.yaml" if rule == "call-circle" else "example.yaml"
    return {finding.rule for finding in check_flow(whole(example, rule), name, PROJECT)}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id not in IN_PROSE], ids=lambda rule: rule.id)
def test_the_examples_of_a_rule_hold(rule):
    assert rule.id in rules_in(rule.wrong, rule.id)
    assert rules_in(rule.right, rule.id) == set()


def test_every_rule_has_its_words():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.meaning.endswith(".")
        assert rule.wrong != rule.right
    assert all(rule.check for rule in CHECKED)


def test_every_rule_that_reading_reports_can_be_explained():
    package = Path(__file__).parents[3] / "flowengine"
    text = "".join(path.read_text(encoding="utf-8") for path in (package / "spec").glob("*.py"))
    reported = set(re.findall(r"\"((?:[a-z]+-)+[a-z]+|syntax)\", (?:f?['\"]|told|message)", text))
    assert {"unknown-key", "syntax", "bad-time", "yaml-merge"} <= reported
    assert reported - {rule.id for rule in RULES} == {"body-secret"}  # a way of verifying, not a rule


def test_flows_that_call_each_other_in_a_circle(tmp_path):
    for name, called in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        text = f"flow: {name}\ntrigger: {{ manual: true }}\nactions:\n  - call: {called}\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    found = check_paths([tmp_path], Project(CATALOG))
    assert [Path(one.file).stem for one in found] == ["a", "b", "c"]
    assert "a → b → c → a" in found[0].message


def test_a_path_that_is_not_there_is_a_finding(tmp_path):
    (finding,) = check_paths([tmp_path / "none.yaml"], Project(CATALOG))
    assert finding.rule == "not-readable"


def test_a_folder_that_cannot_be_opened_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "fine.yaml").write_text("flow: Fine\ntrigger: { manual: true }\nactions: [{ log: hi }]\n")
    scandir = os.scandir

    def guarded(path):
        if Path(path).name == "locked":  # to the user who may do everything, no folder is locked
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    (finding,) = check_paths([tmp_path], Project(CATALOG))
    assert (Path(finding.file).name, finding.rule) == ("locked", "not-readable")
    assert finding.message == "the folder cannot be opened: permission denied"


@pytest.mark.parametrize(
    ("use", "connections", "message"),
    [
        ("livechat.ListAgents", {"c": Connected("comm100")}, 'there is no connection for "livechat"'),
        ("livechat.ListAgents", {"x": Connected("livechat"), "y": Connected("livechat")}, "there are 2 connections"),
        ("livechat.ListAgents\n    connection: z", {"x": Connected("livechat")}, 'there is no connection "z"'),
        ("livechat.ListAgents\n    connection: c", {"c": Connected("comm100")}, "is for comm100, not for livechat"),
    ],
)
def test_connections(use, connections, message):
    text = f"flow: X\ntrigger: {{ manual: true }}\nactions:\n  - use: {use}\n"
    (finding,) = check_flow(text, "x.yaml", Project(CATALOG, connections))
    assert message in finding.message


def test_ignoring_a_rule_in_the_whole_file():
    text = '# flowengine: ignore unknown-name\nflow: X\ntrigger: { manual: true }\nactions:\n  - log: "{{ a }}"\n  - log: "{{ b }}"\n'
    assert check_flow(text, "x.yaml", Project(CATALOG)) == []
    assert len(check_flow(text.replace("unknown-name", "unknown-field"), "x.yaml", Project(CATALOG))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "{{ trigger.ticket.id }}",
        "a {{ b }} c {{ d.e }} f",
        "  {{ a }}\n",
        "{{ true }}",
        "{{ none }}",
        "{{ a.items }}",
        "no template",
        "{{ a }}{{ a }}",
        "{{a.b}}",
        "# {{ a }}",
        "{ {{ a }} }",
    ],
)
def test_plain_templates_are_read_as_the_parser_reads_them(text):
    assert references_of(text) == references(text)


SCOPES = """flow: X
trigger: {{ use: livechat.WebhookTicketCreated, split: "{{{{ trigger.ticket.tags }}}}" }}
vars: {{ n: 0 }}
actions:
  - log: "{{{{ {expression} }}}}"
"""


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("trigger.anything | default('x')", True),
        ("trigger", True),
        ("vars.n + 1", True),
        ("vars.m | default(0)", False),
        ("vars['n']", True),
        ("event.headers['X-Any']", True),
        ("flow.version ~ run.id", True),
        ("item", False),
        ("vars.items", False),
        ("[1, 2] | map('upper') | list", True),
    ],
)
def test_what_can_be_read_after_a_split(expression, fine):
    findings = check_flow(SCOPES.format(expression=expression), "x.yaml", Project(CATALOG))
    assert (findings == []) is fine, [str(one) for one in findings]


def test_the_flows_that_a_flow_calls_are_read_with_those_that_they_call(tmp_path):
    for name, called in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        text = f"flow: {name}\ntrigger: {{ manual: true }}\nactions:\n  - call: {called}\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    text = (tmp_path / "a.yaml").read_text(encoding="utf-8")
    flows = called_flows(text, tmp_path)
    assert sorted(flows) == ["a", "b", "c"]
    (finding,) = check_flow(text, "a.yaml", Project(CATALOG, flow_ids={"a", "b", "c"}, flows=flows))
    assert finding.rule == "call-circle"
    assert called_flows("actions: [{ call: none }]", tmp_path) == {}
