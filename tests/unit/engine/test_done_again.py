"""Which results stand when a run is done again from one of its actions."""

from __future__ import annotations

import pytest

from flowengine.engine.again import kept_before, point_of
from flowengine.errors import Conflict, NotFound
from flowengine.store.records import Mark
from flowengine.types import Status, format_path, parse_path
from tests.fakes.engines import a_flow
from tests.fakes.records import a_run, an_action

FLOW = """
actions:
  - name: Look
    use: http.get
    with: {url: /look}
  - name: Each
    for_each: "{{ [1, 2, 3] }}"
    do:
      - name: Send
        use: http.post
        with: {url: /send}
      - name: Note
        use: http.post
        with: {url: /note}
  - name: Both
    parallel:
      - - name: Left
          use: http.post
          with: {url: /left}
      - - name: Right
          use: http.post
          with: {url: /right}
        - name: Right two
          use: http.post
          with: {url: /right2}
  - name: End
    use: http.post
    with: {url: /end}
"""

PATHS = (
    "look",
    "each",
    "each/0/send",
    "each/0/note",
    "each/1/send",
    "each/1/note",
    "each/2/send",
    "each/2/note",
    "both",
    "both/left",
    "both/right",
    "both/right_two",
    "end",
)


def records(*, broken=()):
    run = a_run()
    return [
        an_action(
            run,
            path=parse_path(path),
            name=path.rsplit("/", maxsplit=1)[-1].capitalize(),
            kind="use" if path not in ("each", "both") else "for_each",
            status=Status.FAILED if path in broken else Status.SUCCEEDED,
            number=number,
        )
        for number, path in enumerate(PATHS)
    ]


def kept(wanted, flow=FLOW, **given):
    flow, actions = a_flow(flow), records(**given)
    point = point_of(flow, actions, wanted)
    return [format_path(each.path) for each in kept_before(flow, point, actions, ()).actions]


def test_what_stands_before_the_action_is_kept():
    assert kept("end") == [path for path in PATHS if path != "end"]
    assert kept("each") == ["look"]
    assert kept("look") == []


def test_inside_a_loop_the_iterations_before_are_kept_and_the_loop_itself_is_not():
    assert kept("each/1/note") == ["look", "each/0/send", "each/0/note", "each/1/send"]


def test_iterations_that_do_not_wait_for_one_another_are_all_kept():
    beside = FLOW.replace("    do:", "    at_once: 3\n    do:")
    assert kept("each/1/note", beside) == [
        "look",
        "each/0/send",
        "each/0/note",
        "each/1/send",
        "each/2/send",
        "each/2/note",
    ]


def test_other_branches_are_kept():
    assert kept("both/right") == [*PATHS[:8], "both/left"]


def test_the_iteration_that_failed_is_meant_where_none_is_named():
    flow, actions = a_flow(FLOW), records(broken=("each/1/send",))
    assert point_of(flow, actions, "Send") == ("each", 1, "send")
    assert point_of(flow, actions, "each/send") == ("each", 1, "send")
    assert point_of(flow, actions, "each/2/send") == ("each", 2, "send")


def test_an_action_that_is_not_there_is_told_with_what_is_near():
    with pytest.raises(NotFound, match=r'no action "lok"; .*look'):
        point_of(a_flow(FLOW), records(), "lok")


def test_times_that_were_read_and_answers_are_kept_with_their_action():
    flow, actions = a_flow(FLOW), records()
    marks = [
        Mark(run_id="r", path=parse_path(path), kind=kind, value=1)
        for path, kind in (("look", "now"), ("end", "now"), ("look", "answer"), ("", "cancel"), ("look", "response"))
    ]
    found = kept_before(flow, ("end",), actions, marks).marks
    assert [(format_path(mark.path), mark.kind) for mark in found] == [("look", "now"), ("look", "answer")]


def test_what_succeeded_and_is_not_in_the_flow_any_more_is_not_done_twice():
    changed = FLOW.replace("name: Look", "name: Search")
    with pytest.raises(Conflict, match="look succeeded in the run"):
        kept("end", changed)
