"""One mistake a flow: each is told by its rule, exactly at its place, with something to say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.load import parse_flow

MARK = "¦"
CASES = Path(__file__).parents[2] / "lint" / "seeded.txt"


@dataclass(frozen=True)
class Connected:
    connector: str


def parsed(name: str, text: str):
    return parse_flow(f"flow: {name}\n{text}", f"{name}.yaml")[0]


PROJECT = Project(
    Catalog([shipped_connectors()]),
    connections={"livechat": Connected("livechat"), "agent-a": Connected("livechat-agent")},
    flow_ids={"refund", "nightly"},
    flows={
        "refund": parsed(
            "refund",
            "trigger: { manual: true }\ninputs: { ticket: { type: number, required: true }, mail: { type: text } }\n"
            "actions: [{ log: a }]\n",
        ),
        "nightly": parsed("nightly", "trigger: { schedule: every day at 09:00 }\nactions: [{ log: a }]\n"),
    },
)


def cases() -> list[tuple[str, str, str]]:
    blocks = re.split(r"^=== ", CASES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    split = [block.partition("\n") for block in blocks]
    return [(*head.split(": ", 1), body) for head, _, body in split]


def whole(body: str) -> str:
    """A complete flow around what a case shows."""
    head = "" if re.search(rf"^{MARK}?flow:", body, re.MULTILINE) else "flow: X\n"
    if not re.search(rf"^{MARK}?trigger:", body, re.MULTILINE):
        head += "trigger: { use: livechat.WebhookTicketCreated }\n"
    tail = "" if re.search(rf"^{MARK}?acti\w*:", body, re.MULTILINE) else "actions:\n  - log: hi\n"
    return head + body.rstrip("\n") + "\n" + tail


@pytest.mark.parametrize(("rule", "about", "body"), [pytest.param(*case, id=": ".join(case[:2])) for case in cases()])
def test_a_seeded_mistake_is_told_at_its_place(rule, about, body):
    marked = whole(body)
    before = marked.partition(MARK)[0]
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    found = check_flow(marked.replace(MARK, ""), "a.yaml", PROJECT)
    told = [one for one in found if (one.span.line, one.span.column) == place and one.rule == rule]
    assert told, [str(one) for one in found]
    assert len(found) <= 4, [str(one) for one in found]
