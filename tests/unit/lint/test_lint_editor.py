"""What editors ask: completion, hover, definitions, in flows that are just being written."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from flowengine.lint.editor.complete import complete
from flowengine.lint.editor.definition import definition
from flowengine.lint.editor.help import Help, help_at
from flowengine.lint.editor.hover import hover
from flowengine.lint.linter import Project
from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.spec.load import parse_flow

MARK = "¦"
HEAD = "flow: X\ntrigger: { use: livechat.WebhookTicketCreated }\n"


@dataclass(frozen=True)
class Connected:
    connector: str


REFUND = parse_flow(
    "flow: Refund\ndescription: Gives money back.\ntrigger: { manual: true }\n"
    "inputs: { ticket: { type: number, required: true }, mail: { type: text } }\nactions: [{ log: a }]\n",
    "refund.yaml",
)[0]
PROJECT = Project(
    Catalog([shipped_connectors()]),
    {"livechat": Connected("livechat"), "chat": Connected("livechat-agent")},
    {"refund"},
    {"refund": REFUND},  # type: ignore[dict-item]
)


def labels(marked: str, head: str = HEAD) -> list[str]:
    text = head + marked
    return [one.label for one in complete(text.replace(MARK, ""), text.index(MARK), "a.yaml", PROJECT)]


@pytest.mark.parametrize(
    ("marked", "some"),
    [
        ("con¦", {"conditions", "mode"}),
        ("mode: ¦\n", {"queued", "restart"}),
        ("actions:\n  - ¦", {"use", "if", "for_each", "name"}),
        ("actions:\n  - us¦\n  - log: a", {"use", "switch"}),
        ("actions:\n  - use: livechat.ListAgents\n    ¦\n", {"with", "save_as", "paginate"}),
        ("actions:\n  - use: ¦", {"livechat", "comm100", "http"}),
        ("actions:\n  - use: livechat.Li¦", {"livechat.ListAgents"}),
        ("actions:\n  - use: livechat.CreateTicket\n    with:\n      ¦\n", {"message", "requester"}),
        ("actions:\n  - use: livechat.CreateTicket\n    with:\n      requester:\n        ¦\n", {"mail", "name"}),
        ("actions:\n  - use: livechat.CreateTicket\n    with: { message: a, requester: { ¦ } }\n", {"mail"}),
        ("actions:\n  - use: http.request\n    with:\n      method: ¦\n", {"GET", "DELETE"}),
        ("actions:\n  - use: livechat.ListAgents\n    connection: ¦\n", {"livechat"}),
        ("actions:\n  - use: livechat.ListAgents\n    on_error: ¦\n", {"continue"}),
        ("actions:\n  - use: livechat.ListAgents\n    retry:\n      ¦\n", {"times", "on_unknown"}),
        ("actions:\n  - call: ¦\n", {"refund"}),
        ("actions:\n  - call: refund\n    with:\n      ¦\n", {"ticket", "mail"}),
        ("actions:\n  - wait: ¦\n", {"10 seconds"}),
        ("actions:\n  - if: x\n    then:\n      - ¦\n    else: [{ log: a }]\n", {"use", "log"}),
        ("actions:\n  - switch: a\n    cases:\n      x:\n        - ¦\n", {"use", "log"}),
        ("actions:\n  - switch: a\n    cases:\n      x:\n        - use: http.get\n          with: { ¦ }\n", {"url"}),
        ("conditions:\n  - value: a\n    ¦\n", {"contains", "is"}),
        ("inputs:\n  days:\n    ¦\nactions: [{ log: a }]\n", {"type", "default"}),
        ('actions:\n  - log: "{{ ¦ }}"\n', {"trigger", "vars", "formatDateTime"}),
        ('actions:\n  - log: "{{ trigger.ticket.su¦\n', {"subject", "requester"}),
        ("actions:\n  - log: {{ trigger.¦\n", {"ticket"}),
        ('actions:\n  - log: "{{ trigger.ticket.subject | up¦ }}"\n', {"upper", "replace"}),
        ('actions:\n  - log: "{{ trigger.ticket.subject is ¦ }}"\n', {"defined"}),
        ("actions:\n  - name: Find\n    log: a\n  - log: \"{{ actions['F¦ }}\"\n", {"Find"}),
        (
            "actions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - log: |\n      hi\n      {{ (agents | first).¦ }}\n",
            {"login", "permission"},
        ),
        (
            ('actions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - for_each: "{{ agents }}"\n    as: one\n'
            '    do:\n      - log: "{{ one.¦ }}"\n'),
            {"login"},
        ),
    ],
)  # fmt: skip
def test_completion(marked, some):
    assert some <= set(labels(marked))


@pytest.mark.parametrize(
    "marked",
    ["actions:\n  - log: some te¦xt\n", "vars:\n  ¦\n", "inputs:\n  ¦\n", "actions:\n  - log: \"{{ 'te¦ }}\"\n", "# a com¦ment\n"],
)  # fmt: skip
def test_where_nothing_is_known_nothing_is_offered(marked):
    assert labels(marked) == []


def test_an_empty_file_begins_with_the_keys_of_a_flow():
    assert {"flow", "trigger", "actions"} <= set(labels(MARK, head=""))
    assert {"use", "schedule"} <= set(labels("flow: A\ntrigger:\n  ¦\n", head=""))
    assert "livechat.WebhookTicketCreated" in labels("flow: A\ntrigger:\n  use: livechat.¦\n", head="")
    assert {"hmac", "basic"} <= set(labels("flow: A\ntrigger:\n  webhook: { verify: { ¦ } }\n", head=""))


def test_what_is_given_is_not_offered_again_and_what_is_needed_comes_first():
    text = f"{HEAD}actions:\n  - use: livechat.CreateTicket\n    with:\n      message: a\n      "
    found = {one.label: one for one in complete(text, len(text), "a.yaml", PROJECT)}
    assert "message" not in found
    assert found["requester"].first
    assert found["requester"].insert == "requester:"
    assert found["subject"].insert == "subject: "


HOVERS = HEAD + (
    'mode: queued\nactions:\n  - use: livechat.ListAgents\n    save_as: agents\n  - log: "{{ trigger.ticket.subject | upper }}"\n'
    '  - use: http.get\n    with: { url: "{{ vars.a }}" }\n  - call: refund\n  - log: "{{ agents }} {{ nobody }}"\n'
)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("mode", "parallel"),
        ("livechat.ListAgents", "GET /agents"),
        ("save_as", "later templates"),
        ("subject", "What the ticket is about"),
        ("trigger.ticket", "event's body"),
        ("upper", "In capitals"),
        ("url", "full address"),
        ("refund", "Gives money back"),
        ("agents }}", "a list"),
    ],
)
def test_hover(word, told):
    found = hover(HOVERS, HOVERS.index(word) + 1, "a.yaml", PROJECT)
    assert found is not None
    assert told in found.markdown


@pytest.mark.parametrize("word", ["nobody", "vars.a"])
def test_hover_says_nothing_of_what_is_not_known(word):
    found = hover(HOVERS, HOVERS.index(word) + len(word), "a.yaml", PROJECT)
    assert found is None


MADE = (
    "flow: X\ntrigger: { manual: true }\nvars: { team: a }\ninputs: { days: { type: number } }\nactions:\n"
    "  - name: Find\n    use: livechat.ListAgents\n    save_as: agents\n"
    '  - for_each: "{{ agents }}"\n    as: one\n    do:\n      - log: "{{ one.name }}"\n'
    "  - log: \"{{ vars.team }} {{ inputs.days }} {{ actions['Find'].body }} {{ trigger.x }} {{ agents | length }}\"\n"
    "  - call: refund\n"
)


@pytest.mark.parametrize(
    ("at", "line"),
    [("vars.team", 3), ("inputs.days", 4), ("Find']", 6), ("one.name", 10), ("trigger.x", 2), ("agents | length", 8)],
)
def test_definitions_in_the_file(at, line):
    word = at.partition(".")[2] if at.startswith(("vars", "inputs")) else at
    found = definition(MADE, MADE.index(at) + at.index(word) + 1, "a.yaml", PROJECT)
    assert found is not None
    assert (found.span.line, found.file) == (line, None)


def test_definitions_in_other_files(tmp_path):
    (tmp_path / "refund.yaml").write_text("flow: R\n", encoding="utf-8")
    found = definition(MADE, MADE.index("refund") + 2, str(tmp_path / "a.yaml"), PROJECT)
    assert found is not None
    assert found.file == tmp_path / "refund.yaml"
    found = definition(MADE, MADE.index("ListAgents"), "a.yaml", PROJECT)
    assert found is not None
    assert found.file is not None
    assert "ListAgents" in found.file.read_text(encoding="utf-8").splitlines()[found.span.line - 1]


def test_what_cannot_be_read_has_no_hover():
    assert hover("flow: [", 3, "a.yaml", PROJECT) is None
    assert definition("flow: [", 3, "a.yaml", PROJECT) is None


ACTION = "actions:\n  - name: One\n    use: livechat.UpdateTicket\n    with:\n      ticketId: K1\n"


def helped(marked: str, head: str = HEAD) -> Help:
    text = head + marked
    return help_at(text.replace(MARK, ""), text.index(MARK), "a.yaml", PROJECT)


@pytest.mark.parametrize(
    ("marked", "use", "parameter"),
    [
        ("actions:\n  - name: O¦ne\n    use: livechat.UpdateTicket\n", "livechat.UpdateTicket", ""),
        ("actions:\n  - use: livechat.Upd¦ateTicket\n", "livechat.UpdateTicket", ""),
        ('actions:\n  - use: livechat.UpdateTicket\n    with: { ticketId: "K¦1" }\n', "livechat.UpdateTicket", "ticketId"),
        (ACTION + "      requester:\n        mail: a@¦example.com\n", "livechat.UpdateTicket", "requester.mail"),
        (ACTION + "      ¦\n", "livechat.UpdateTicket", ""),
        (ACTION + "      requester:\n        ¦\n", "livechat.UpdateTicket", "requester"),
        (ACTION + "      message: ¦\n", "livechat.UpdateTicket", "message"),
        (ACTION + "\n¦\n", "", ""),
        ('actions:\n  - if: { value: 1, is: 1 }\n    then:\n      - use: http.get\n        with: { url: "¦" }\n', "http.get", "url"),
        ("actions:\n  - log: a¦\n", "", ""),
        ("actions:\n  - use: nobody.Knows¦\n", "nobody.Knows", ""),
    ],
)  # fmt: skip
def test_help_knows_the_operation_and_the_parameter_around_the_cursor(marked, use, parameter):
    found = helped(marked)
    assert (found.use, found.parameter) == (use, parameter)


def test_help_tells_of_a_triggers_operation_and_of_a_poll():
    assert (
        helped("", "flow: X\ntrigger: { use: livechat.Webhook¦TicketCreated }\n").use == "livechat.WebhookTicketCreated"
    )
    assert (
        helped("", "flow: X\ntrigger:\n  poll: livechat.ListTickets\n  every: ¦5 minutes\n").use
        == "livechat.ListTickets"
    )


def test_help_explains_the_word_itself():
    assert helped("actions:\n  - log¦: a\n").about.startswith("**log** (")
    assert "required" in helped("actions:\n  - use: livechat.UpdateTicket\n    with: { ticketId¦: a }\n").about


@pytest.mark.parametrize("text", ["", "\t", "{", "a: [", "- ¦", "flow: 'x", ": :", "%\x07"])
def test_help_has_nothing_to_say_of_what_is_no_flow_and_never_fails(text):
    assert help_at(text, len(text), "a.yaml", PROJECT).use == ""
