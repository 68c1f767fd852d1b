"""Whatever a file holds: findings, never a traceback, and soon."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from flowengine.expressions.environment import TESTS
from flowengine.expressions.functions import FILTERS, FUNCTIONS
from flowengine.lint.editor.complete import complete
from flowengine.lint.editor.definition import definition
from flowengine.lint.editor.hover import hover
from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.language import ACTIONS, COMMON, COMPARISON, FLOW, TRIGGERS

PROJECT = Project(Catalog([shipped_connectors()]), flow_ids={"refund"})
SAMPLES = [path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "lint" / "ok").glob("*.yaml")]
HEAD = "flow: X\ntrigger: { use: livechat.WebhookTicketCreated }\nvars: { n: 0 }\n"

KEYS = sorted({key.name for key in (*FLOW, *COMMON, *COMPARISON)} | set(ACTIONS) | set(TRIGGERS))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 99), st.text(max_size=12),
    st.sampled_from(["{{ trigger.ticket.tags }}", "{{ vars.n", "livechat.ListAgents", "every day at 09:00", "10 seconds", "none"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=25,
)
NAMES = [
    "trigger",
    "trigger.ticket",
    "vars.n",
    "loop",
    "now()",
    "actions['x']",
    "trigger.ticket.events[0]",
    "1",
    "'a'",
    "[1]",
    "{'a': 1}",
]
EXPRESSIONS = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(sorted(FILTERS))).map(" | ".join),
        st.tuples(inner, st.sampled_from(sorted(FILTERS)), inner).map(lambda one: f"{one[0]} | {one[1]}({one[2]})"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda one: f"{one[0]}({one[1]})"),
        st.tuples(inner, st.sampled_from(["+", "~", "==", "<", "and", "in", "//"]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from([name for name in TESTS if name.isidentifier()])).map(" is ".join),
        inner.map(lambda one: f"({one}).field"),
        inner.map(lambda one: f"{one} | map(attribute='id') | first"),
        st.tuples(inner, inner, inner).map(lambda one: f"({one[0]} if {one[1]} else {one[2]})"),
    ),
    max_leaves=8,
)


def checked(text: str | bytes) -> None:
    began = time.process_time()
    for finding in check_flow(text, "a.yaml", PROJECT):
        assert finding.message
        assert finding.span.line >= 1
        assert finding.span.column >= 1
    assert time.process_time() - began < 2


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
@example(b"\xff\xfe")
@example("{{")
@example("- " * 300)
@example("a: &a [*a]")
def test_any_bytes(text):
    checked(text)


@given(st.randoms(use_true_random=False), st.sampled_from(SAMPLES))
def test_flows_with_something_knocked_out_of_them(chance: random.Random, text):
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text))
        put = chance.choice(
            ["", "", "\t", "\n", ": ", "- ", "{{", "}}", '"', "'", "[", "{", "#", " ", "|", "&a ", "*a", "%}", "\0"]
        )
        text = text[:at] + put + text[at + chance.randint(0, 6) :]
    checked(text)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), st.lists(VALUES, max_size=3))
def test_any_values_under_the_words_of_the_language(flow, actions):
    import json

    checked(json.dumps({"flow": "X", "trigger": {"manual": True}, "actions": actions, **flow}))


@given(EXPRESSIONS, st.sampled_from(["log", "when", "for_each", "if", "wait_until"]))
def test_any_template(expression, key):
    quoted = expression.replace('"', '\\"')
    checked(f'{HEAD}actions:\n  - {key}: "{{{{ {quoted} }}}}"\n    do: [{{ log: a }}]\n')
    checked(f'{HEAD}conditions:\n  - {{ value: "{{{{ {quoted} }}}}", more_than: 1 }}\nactions: [{{ log: a }}]\n')


@given(st.randoms(use_true_random=False), st.sampled_from(SAMPLES))
def test_editors_may_ask_anywhere(chance: random.Random, text):
    at = chance.randrange(len(text))
    text = text[:at] + chance.choice(["", "{{ ", "a.", ":", "\n  ", "| "]) + text[at + chance.randint(0, 3) :]
    at = min(at, len(text))
    for item in complete(text, at, "a.yaml", PROJECT):
        assert item.label
        assert item.replaces <= at
    hover(text, at, "a.yaml", PROJECT)
    definition(text, at, "a.yaml", PROJECT)


def test_the_words_that_are_fuzzed_are_there():
    assert {"log", "when", "trigger", "contains"} <= set(KEYS)
    assert all(re.fullmatch(r"[\w-]+", key) for key in KEYS)
