"""What people write first, and whether the finding's hint says what to write instead."""

import pytest

from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors

FLOW = "flow: A\ntrigger: { manual: true }\nactions:\n"


@pytest.fixture(scope="module")
def project():
    return Project(Catalog([shipped_connectors()]))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "flow: A\ntrigger: livechat.WebhookTicketCreated\nactions: [{ log: a }]",
            'write "use: livechat.WebhookTicketCreated"',
        ),
        ("flow: A\ntrigger: { when: livechat.WebhookTicketCreated }\nactions: [{ log: a }]", 'did you mean "use"?'),
        ("flow: A\ntrigger: { manual: true }\ndo: [{ log: a }]", 'did you mean "actions"?'),
        (
            "flow: A\ntrigger: { schedule: { frequency: Day, interval: 1, at: '9:00' } }\nactions: [{ log: a }]",
            'write it as a list: ["9:00"]',
        ),
        (
            FLOW + "  - { for_each: trigger.tickets, do: [{ log: a }] }",
            'write it as a template: "{{ trigger.tickets }}"',
        ),
        (FLOW + '  - if: trigger.name == "Ann"\n    then: [{ log: a }]', "'{{ trigger.name == \"Ann\" }}'"),
        (
            FLOW + "  - use: livechat.CreateTicket\n    with: { message: a, requester: ann@example.com }",
            "write it as keys with values: { mail: ... }",
        ),
    ],
)
def test_the_hint_says_what_to_write(project, text, hint):
    assert hint in " ".join(each.hint for each in check_flow(text, "a.yaml", project))


def test_one_equals_sign_is_told_as_such(project):
    found = check_flow(FLOW + "  - { if: \"{{ trigger.name = 'Ann' }}\", then: [{ log: a }] }", "a.yaml", project)
    assert [each.message for each in found] == ['a single "=" does not compare; write "=="']
