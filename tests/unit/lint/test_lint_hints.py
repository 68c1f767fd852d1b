"""What the linter proposes is what the author meant, and has no mistake itself."""

import pytest

from flowengine.lint.linter import Project, check_flow
from flowengine.manifests.catalog import Catalog, shipped_connectors

PROJECT = Project(Catalog([shipped_connectors()]))
MANUAL = "flow: X\ntrigger: { manual: true }\nactions:\n"
LOOP = f"{MANUAL}  - use: livechat.ListAgents\n    save_as: agents\n"


def hints(text):
    return [each.hint for each in check_flow(text.encode(), "x.yaml", PROJECT)]


def timed(schedule):
    return f"flow: X\ntrigger:\n{schedule}\nactions: [{{ log: hi }}]\n"


@pytest.mark.parametrize(
    ("wrong", "proposed"),
    [
        ("  schedule: { every: 15 minutes }", "schedule: every 15 minutes"),
        ("  schedule: { every: weekday at 09:00 }", "schedule: every weekday at 09:00"),
        ("  every: 2 hours", "schedule: every 2 hours"),
    ],
)
def test_a_schedule_in_words_stands_behind_its_key(wrong, proposed):
    (hint, *_) = hints(timed(wrong))
    assert f'"{proposed}"' in hint
    assert hints(timed(f"  {proposed}")) == []


def test_what_stands_beside_a_schedule():
    (hint,) = hints(timed('  schedule: { cron: "0 9 * * 1", timezone: Europe/Berlin }'))
    assert 'beside "schedule:"' in hint
    assert hints(timed('  schedule: { cron: "0 9 * * 1" }\n  timezone: Europe/Berlin')) == []


@pytest.mark.parametrize(
    ("key", "proposed"),
    [
        ("email", "connectors list"),
        ("slack", "connectors list"),
        ("http", "use: http.get"),
        ("python", "flows run no programs"),
        ("print", 'did you mean "log"?'),
        ("delay", 'did you mean "wait"?'),
        ("livechat.ListAgents", 'write "use: livechat.ListAgents"'),
        ("quux", "an action begins with one of: use, if"),
    ],
)
def test_an_action_that_other_tools_have(key, proposed):
    (hint,) = hints(f"{MANUAL}  - {key}: hello\n")
    assert proposed in hint


@pytest.mark.parametrize(
    ("items", "name"),
    [("agents", "agent"), ("agents | selectattr('status') | list", "agent"), ("vars.open_tickets", "ticket")],
)
def test_the_item_of_a_loop_by_the_name_it_would_have(items, name):
    head = LOOP.replace("actions:", "vars: { open_tickets: [] }\nactions:", 1)
    body = f'  - for_each: "{{{{ {items} }}}}"\n    do:\n      - log: "{{{{ {name} }}}}"\n'
    (hint,) = hints(head + body)
    assert hint == f'the item of this loop is called "item"; write that, or "as: {name}" beside the "for_each"'
    assert hints(head + body.replace("    do:", f"    as: {name}\n    do:")) == []


def test_the_item_of_a_loop_that_was_given_a_name():
    (hint,) = hints(f'{LOOP}  - for_each: "{{{{ agents }}}}"\n    as: who\n    do: [{{ log: "{{{{ item }}}}" }}]\n')
    assert hint == 'the item of this loop is called "who"'


def test_outside_a_loop_a_near_name_is_proposed():
    assert hints(f'{LOOP}  - log: "{{{{ agent }}}}"\n') == ['did you mean "agents"?']


@pytest.mark.parametrize(
    ("wrong", "proposed"),
    [
        ("{ minutes: 10 }", 'write "10 minutes"'),
        ("{ hours: 1, minutes: 30 }", 'write "1 hours 30 minutes"'),
        ('{ until: "2030-01-01T00:00:00Z" }', 'for a moment write "wait_until:" and the moment'),
        ("until tomorrow", 'for a moment write "wait_until:" and the moment'),
        ("[10]", ""),
    ],
)
def test_a_wait_in_pieces(wrong, proposed):
    assert hints(f"{MANUAL}  - wait: {wrong}\n") == [proposed]


@pytest.mark.parametrize("saved", ["log: hi", "set: { n: 1 }", "respond: { status: 200 }"])
def test_actions_that_give_something_back_may_be_saved(saved):
    trigger = "{ webhook: { verify: none } }"
    text = f"flow: X\ntrigger: {trigger}\nvars: {{ n: 0 }}\nactions:\n  - {saved}\n    save_as: it\n  - log: '{{{{ it }}}}'\n"
    assert hints(text) == []


@pytest.mark.parametrize("more", ["    catch: [{ log: a }]\n", "    finally: [{ log: a }]\n"])
def test_a_try_that_does_something(more):
    assert hints(f"{MANUAL}  - try:\n      - use: http.get\n        with: {{ url: https://example.com }}\n{more}") == []
