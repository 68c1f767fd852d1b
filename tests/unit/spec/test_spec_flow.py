"""Flows: from the file to the records."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.errors import InvalidFile
from flowengine.findings import Finding
from flowengine.spec import actions as records
from flowengine.spec.actions import Retry
from flowengine.spec.conditions import AllOf, AnyOf, Comparison, Not, Truth
from flowengine.spec.flow import Flow, Input
from flowengine.spec.language import ACTIONS, TRIGGERS
from flowengine.spec.load import load_flow, parse_flow, read_partly
from flowengine.spec.triggers import Manual, OperationTrigger, Poll, Recurrence, Schedule, Verify, Webhook

HEAD = "flow: X\ntrigger: { manual: true }\n"


def flow_of(text: str) -> Flow:
    flow, findings = parse_flow(text, "x.yaml")
    assert [str(one) for one in findings] == []
    assert flow is not None
    return flow


def action_of(text: str) -> Any:
    """The one action whose keys these are."""
    item = textwrap.indent(textwrap.dedent(text).strip(), "    ")
    return flow_of(f"{HEAD}actions:\n  - {item[4:]}\n").actions[0]


def trigger_of(text: str) -> Any:
    body = textwrap.indent(textwrap.dedent(text).strip(), "  ")
    return flow_of(f"flow: X\ntrigger:\n{body}\nactions:\n  - log: hi\n").triggers[0]


def findings_of(text: str) -> list[Finding]:
    flow, findings = parse_flow(text, "x.yaml")
    assert flow is None
    return findings


def test_a_whole_flow():
    flow = flow_of(
        """
flow: Refund tickets
description: Refunds
enabled: false
trigger: { use: livechat.WebhookTicketCreated, with: { a: 1 }, dedupe: "{{ trigger.id }}" }
conditions:
  - { value: "{{ trigger.subject }}", contains: refund }
inputs:
  days: { type: number, required: true, default: 7, description: How many, choices: [7, 14] }
vars: { count: 0 }
mode: queued
max: 5
per: "{{ trigger.mail }}"
timeout: 2 hours
actions:
  - log: hello
on_failure:
  - log: failed
output: { n: "{{ vars.count }}" }
keep: { succeeded: 7 days, failed: 90 days }
"""
    )
    assert (flow.id, flow.name, flow.description, flow.enabled) == ("x", "Refund tickets", "Refunds", False)
    assert (flow.mode, flow.max, flow.per, flow.timeout) == ("queued", 5, "{{ trigger.mail }}", timedelta(hours=2))
    assert flow.inputs == {"days": Input("number", required=True, default=7, description="How many", choices=(7, 14))}
    assert flow.vars == {"count": 0}
    assert flow.output == {"n": "{{ vars.count }}"}
    assert flow.keep == {"succeeded": timedelta(days=7), "failed": timedelta(days=90)}
    assert [path for path, _ in flow.walk()] == [("log",), ("on_failure", "log_2")]
    trigger = flow.triggers[0]
    assert isinstance(trigger, OperationTrigger)
    assert (trigger.name, trigger.inputs, trigger.dedupe) == (
        "livechat.WebhookTicketCreated",
        {"a": 1},
        "{{ trigger.id }}",
    )


def test_the_version_is_the_texts():
    text = f"{HEAD}actions:\n  - log: a\n"
    assert flow_of(text).version == flow_of(text).version
    assert flow_of(text).version != flow_of(f"{text}\n").version
    assert len(flow_of(text).version) == 12


def test_defaults():
    flow = flow_of(f"{HEAD}actions:\n  - log: a\n")
    assert (flow.mode, flow.max, flow.timeout, flow.enabled) == ("parallel", 25, timedelta(days=30), True)
    assert flow.triggers == (Manual(key="manual", loc=("trigger",), span=flow.triggers[0].span),)


@pytest.mark.parametrize("construct", ACTIONS.values(), ids=ACTIONS)
def test_the_examples_of_actions_can_be_read(construct):
    assert action_of(construct.example).kind == construct.key


@pytest.mark.parametrize("construct", TRIGGERS.values(), ids=TRIGGERS)
def test_the_examples_of_triggers_can_be_read(construct):
    assert trigger_of(construct.example).kind == construct.key


def test_an_operation_with_every_common_key():
    action = action_of(
        """
        name: Send it
        use: http.post
        with: { url: "https://example.com" }
        paginate: { max_items: 10 }
        when: "{{ inputs.x }}"
        save_as: answer
        retry: { times: 3, wait: 10 seconds, grow: double, max_wait: 1 hour, on: [429, 5xx], on_unknown: fail }
        timeout: 1 minute
        on_error: continue
        connection: other
        secure: [inputs]
        note: a remark
        """
    )
    assert (action.key, action.name, action.use, action.inputs) == (
        "send_it",
        "Send it",
        "http.post",
        {"url": "https://example.com"},
    )
    assert action.paginate == 10
    assert action.when == Truth("{{ inputs.x }}", ("actions", 0, "when"))
    assert (action.save_as, action.connection, action.note, action.secure) == (
        "answer",
        "other",
        "a remark",
        frozenset({"inputs"}),
    )
    assert action.timeout == timedelta(minutes=1)
    assert action.on_error_continue
    assert action.retry == Retry(3, timedelta(seconds=10), "double", timedelta(hours=1), ("429", "5xx"), "fail")
    assert action.loc == ("actions", 0)
    assert (action.span.line, action.span.column) == (4, 5)


def test_a_short_retry():
    assert action_of("use: http.get\nretry: 3").retry == Retry(3)


def test_switch_cases_keep_their_types_unless_quoted():
    switch = action_of(
        'switch: "{{ x }}"\ncases:\n  1: [{ log: a }]\n  "2": [{ log: b }]\n  true: [{ log: c }]\n  open: [{ log: d }]'
    )
    assert [value for value, _ in switch.cases] == [1, "2", True, "open"]


def test_loops_and_branches():
    each = action_of('for_each: "{{ l }}"\nas: tag\nat_once: 5\noutput: "{{ tag }}"\ndo:\n  - log: a')
    assert (each.items, each.item_name, each.at_once, each.output) == ("{{ l }}", "tag", 5, "{{ tag }}")
    repeat = action_of('repeat: { until: "{{ x }}", max: 3, timeout: 1 hour, wait: 5 seconds }\ndo:\n  - log: a')
    assert (repeat.max, repeat.within, repeat.wait) == (3, timedelta(hours=1), timedelta(seconds=5))
    parallel = action_of("parallel:\n  - - log: a\n  - - log: b\n    - log: c")
    assert [len(branch) for branch in parallel.branches] == [1, 2]
    tried = action_of("try:\n  - log: a\ncatch:\n  - log: b\nfinally:\n  - log: c")
    assert [len(part) for part in (tried.actions, tried.catch, tried.finally_)] == [1, 1, 1]
    assert action_of("try:\n  - log: a").catch is None


def test_waits_and_the_rest():
    assert action_of("wait: 10 minutes").duration == "10 minutes"
    assert action_of('wait: "{{ vars.pause }}"').duration == "{{ vars.pause }}"
    assert action_of('wait_until: "2030-01-01T00:00:00Z"').moment == "2030-01-01T00:00:00Z"
    ask = action_of("ask: { to: a@example.com, question: Really?, choices: [Yes, No] }")
    assert (ask.to, ask.question, ask.choices) == ("a@example.com", "Really?", ("Yes", "No"))
    assert action_of("ask: { to: a@example.com, question: Really? }").choices == ("Approve", "Reject")
    assert action_of("set: { a: 1 }").values == {"a": 1}
    assert isinstance(action_of("wait_for: callback"), records.WaitFor)
    assert (action_of("call: other\nwith: { a: 1 }").flow, action_of("call: other\nwith: { a: 1 }").inputs) == (
        "other",
        {"a": 1},
    )
    respond = action_of("respond: { status: 201, headers: { a: b }, body: { c: 1 } }")
    assert (respond.status, respond.headers, respond.body) == (201, {"a": "b"}, {"c": 1})
    stop = action_of("stop: { status: failed, message: why }")
    assert (stop.status, stop.message) == ("failed", "why")


def test_conditions():
    action = action_of(
        """
        if:
          - { value: "{{ a }}", is: 1, match_case: true }
          - any: ["{{ b }}", { not: { value: "{{ c }}", exists: true } }]
          - all: [true]
        then: [{ log: x }]
        """
    )
    loc = ("actions", 0, "if")
    assert action.condition == AllOf(
        (
            Comparison("{{ a }}", "is", 1, match_case=True, loc=(*loc, 0)),
            AnyOf(
                (
                    Truth("{{ b }}", (*loc, 1, "any", 0)),
                    Not(
                        Comparison("{{ c }}", "exists", operand=True, match_case=False, loc=(*loc, 1, "any", 1, "not")),
                        (*loc, 1, "any", 1),
                    ),
                ),
                (*loc, 1),
            ),
            AllOf((Truth(template=True, loc=(*loc, 2, "all", 0)),), (*loc, 2)),
        ),
        loc,
    )


def test_triggers():
    poll = trigger_of(
        'poll: livechat.ListTickets\nevery: 5 minutes\nwith: { a: 1 }\nitems: "{{ body.tickets }}"\nitem_id: "{{ item.nr }}"\ncursor: "{{ item.m }}"'
    )
    assert isinstance(poll, Poll)
    assert (poll.every, poll.items, poll.item_id, poll.cursor) == (
        timedelta(minutes=5),
        "{{ body.tickets }}",
        "{{ item.nr }}",
        "{{ item.m }}",
    )
    schedule = trigger_of("schedule: every weekday at 09:00\ntimezone: W. Europe Standard Time\nif_missed: skip")
    assert isinstance(schedule, Schedule)
    assert (schedule.recurrence, schedule.timezone, schedule.if_missed) == (
        Recurrence(words="every weekday at 09:00"),
        "Europe/Berlin",
        "skip",
    )
    assert trigger_of('schedule: { cron: "0 9 * * 1-5" }').recurrence == Recurrence(cron="0 9 * * 1-5")
    assert trigger_of('schedule: "@daily"').recurrence == Recurrence(cron="@daily")
    assert trigger_of(
        "schedule: { frequency: Week, interval: 2, on: [monday, Friday], at: [09:00, 5 pm] }"
    ).recurrence == Recurrence(frequency="Week", interval=2, on=("Monday", "Friday"), at=("09:00", "17:00"))


@pytest.mark.parametrize(
    ("written", "verify"),
    [
        ("none", Verify("none")),
        ("{ hmac: { header: X-Sig, algorithm: sha1, secret: n } }", Verify("hmac", "n", "X-Sig", "sha1")),
        ("{ header: { name: X-Key, secret: n } }", Verify("header", "n", "X-Key")),
        ("{ basic: { username: u, secret: n } }", Verify("basic", "n", username="u")),
        ("{ body-secret: { path: secret_key, secret: n } }", Verify("body-secret", "n", path="secret_key")),
        ("{ standard-webhooks: { secret: n } }", Verify("standard-webhooks", "n")),
    ],
)
def test_webhooks_are_verified(written, verify):
    trigger = trigger_of(f"webhook: {{ verify: {written} }}")
    assert isinstance(trigger, Webhook)
    assert trigger.verify == verify


def test_several_triggers_have_keys_of_their_own():
    flow = flow_of(
        "flow: X\ntrigger:\n  - schedule: every hour\n  - manual: true\n  - schedule: every day\nactions:\n  - log: a\n"
    )
    assert [trigger.key for trigger in flow.triggers] == ["schedule", "manual", "schedule_2"]
    assert flow.triggers[2].loc == ("trigger", 2)


def test_names_and_keys():
    flow = flow_of(
        f"""{HEAD}actions:
  - use: livechat.ListAgents
  - use: livechat.ListAgents
  - name: Über 3 Tickets – schnell!
    log: a
  - name: über_3 tickets schnell
    log: b
  - name: "2"
    log: c
  - name: On failure
    log: d
  - log: e
  - if: true
    then: [{{ name: Same key, log: f }}]
    else: [{{ name: same-key, log: g }}]
"""
    )
    assert [(action.name, path) for path, action in flow.walk()] == [
        ("ListAgents", ("list_agents",)),
        ("ListAgents 2", ("list_agents_2",)),
        ("Über 3 Tickets – schnell!", ("über_3_tickets_schnell",)),
        ("über_3 tickets schnell", ("über_3_tickets_schnell_2",)),
        ("2", ("action_2",)),
        ("On failure", ("on_failure_2",)),
        ("log", ("log",)),
        ("if", ("if",)),
        ("Same key", ("if", "same_key")),
        ("same-key", ("if", "same_key_2")),
    ]


def test_a_made_name_never_takes_a_given_one():
    flow = flow_of(f"{HEAD}actions:\n  - log: a\n  - name: log\n    log: b\n")
    assert [action.name for action in flow.actions] == ["log 2", "log"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# only a remark\n", "the file is empty"),
        ("- log: a\n", "this file is a list"),
        ("hello\n", 'this file is the text "hello"'),
    ],
)
def test_a_file_that_is_no_flow_has_one_finding(text, words):
    (finding,) = findings_of(text)
    assert finding.rule == "not-a-flow"
    assert words in finding.message


def test_a_misspelt_key_is_told_once():
    findings = findings_of(f"{HEAD}actions:\n  - if: true\n    thn: [{{ log: a }}]\n")
    assert [str(one) for one in findings] == ['x.yaml:5:5: an action with "if" has no key "thn"; did you mean "then"?']


@pytest.mark.parametrize(
    ("word", "meant"),
    [("steps", "actions"), ("on", "trigger"), ("variables", "vars")],
)
def test_words_of_other_tools_are_understood(word, meant):
    (finding,) = [
        one for one in findings_of(f"{HEAD}actions: [{{ log: a }}]\n{word}: 1\n") if one.rule == "unknown-key"
    ]
    assert finding.hint == f'did you mean "{meant}"?'


def test_limits():
    many = "".join("  - log: a\n" for _ in range(501))
    assert [one.rule for one in findings_of(f"{HEAD}actions:\n{many}")] == ["too-many-actions"]
    deep = "".join(f"{'    ' * n}  - if: true\n{'    ' * n}    then:\n" for n in range(9)) + f"{'    ' * 9}  - log: a\n"
    assert {one.rule for one in findings_of(f"{HEAD}actions:\n{deep}")} == {"too-deep"}


def test_a_flow_with_mistakes_is_read_in_part_for_the_linter():
    flow, findings = read_partly(f"{HEAD}actions:\n  - use: nothing\n  - log: a\n  - when: true\n", "x.yaml")
    assert flow is not None
    assert [action.kind for action in flow.actions] == ["use", "log", "log"]
    assert [one.rule for one in findings] == ["bad-operation", "missing-key"]


def test_the_file_names_the_flow(tmp_path):
    path = tmp_path / "my-flow.yaml"
    path.write_text(f"{HEAD}actions: [{{ log: a }}]\n", encoding="utf-8")
    assert load_flow(path).id == "my-flow"
    wrong = tmp_path / "My Flow.yaml"
    wrong.write_text(f"{HEAD}actions: [{{ log: a }}]\n", encoding="utf-8")
    with pytest.raises(InvalidFile, match="lower-case letters"):
        load_flow(wrong)
    with pytest.raises(InvalidFile, match="cannot be opened"):
        load_flow(tmp_path / "none.yaml")
    with pytest.raises(InvalidFile, match="cannot be opened"):
        load_flow(tmp_path)


KEYS = st.sampled_from(
    [
        "flow",
        "trigger",
        "actions",
        "conditions",
        "vars",
        "inputs",
        "on_failure",
        "keep",
        "timeout",
        "schedule",
        "webhook",
        "verify",
        "manual",
        "poll",
        "every",
        "cron",
        "use",
        "with",
        "if",
        "then",
        "switch",
        "cases",
        "for_each",
        "do",
        "repeat",
        "until",
        "parallel",
        "try",
        "wait",
        "ask",
        "set",
        "call",
        "respond",
        "stop",
        "log",
        "name",
        "when",
        "save_as",
        "retry",
        "times",
        "on",
        "value",
        "is",
        "contains",
        "matches",
        "all",
        "not",
        "frequency",
        "at",
        "hmac",
        "secure",
        "output",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.sampled_from(["", "{{ x }}", "{{", "a.b", "10 seconds", "every day", "callback", "(", "none", "0 0 * * *"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


@given(VALUES)
def test_any_data_gives_a_flow_or_findings(data):
    import json

    flow, findings = parse_flow(json.dumps(data), "x.yaml")
    assert flow is not None or findings
    whole = {"flow": "X", "trigger": {"manual": True}, "actions": data if isinstance(data, list) else [data]}
    flow, findings = parse_flow(json.dumps(whole), "x.yaml")
    assert flow is not None or findings
