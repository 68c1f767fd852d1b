"""Triggers and actions as a person would say them."""

from textwrap import dedent

import pytest

from flowengine.spec.load import parse_flow
from flowengine.spec.words import does, starts


def read(text):
    flow, findings = parse_flow(dedent(text), "flows/f.yaml", "f")
    assert flow, findings
    return flow


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        ("{manual: true}", "by hand"),
        ("{webhook: {verify: none}}", "a POST to its webhook"),
        ("{schedule: every weekday at 09:00, timezone: Europe/Warsaw}", "every weekday at 09:00 (Europe/Warsaw)"),
        ("{poll: livechat.ListTickets, every: 5 minutes}", "new items of livechat.ListTickets, every 5 minutes"),
        ("{use: livechat.WebhookTicketCreated}", "livechat.WebhookTicketCreated"),
    ],
)
def test_what_starts_a_flow(trigger, told):
    flow = read(f"flow: F\ntrigger: {trigger}\nactions: [{{log: x}}]")
    assert starts(flow.triggers[0]) == told


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("use: http.get\n    with: {url: x}", "http.get"),
        ("if: true\n    then: [{log: x}]", "if"),
        ("switch: one\n    cases: {one: [{log: x}]}", "switch one"),
        ('for_each: "{{ vars.list }}"\n    as: one\n    do: [{log: x}]', "for each one of {{ vars.list }}"),
        ("repeat: {until: true, max: 7}\n    do: [{log: x}]", "repeat, at most 7 times"),
        ("parallel: [[{log: x}], [{log: y}]]", "2 branches side by side"),
        ("try: [{log: x}]\n    catch: [{log: y}]", "try"),
        ("wait: 10 minutes", "wait 10 minutes"),
        ('wait_until: "09:00"', "wait until 09:00"),
        ("ask: {to: a@example.com, question: q}", "ask a@example.com"),
        ("wait_for: callback", "wait for a callback"),
        ("set: {list: [1], other: 2}", "set list, other"),
        ("call: another", "call another"),
        ("respond: {status: 201}", "respond 201"),
        ("stop: {status: failed}", "stop as failed"),
        ("log: x", "log"),
    ],
)
def test_what_an_action_does(action, told):
    flow = read(
        f"flow: F\ntrigger: {{manual: true}}\nvars: {{list: [], other: 1}}\nactions:\n  - name: A\n    {action}\n"
    )
    assert does(flow.actions[0]) == told
