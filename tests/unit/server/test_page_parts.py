"""What pages are made of: words, pictures, charts, timelines, iterations."""

from datetime import UTC, date, datetime, timedelta
from textwrap import dedent

import pytest

from flowengine.server.pages import charts, gantt, graph, shown
from flowengine.server.pages.advice import advice
from flowengine.server.pages.excerpt import excerpt
from flowengine.server.pages.rounds import Rounds
from flowengine.server.pages.run_form import fields_of, read_fields
from flowengine.server.pages.tally import Day
from flowengine.spec.load import parse_flow
from flowengine.store.heads import ActionHead, RunHead
from flowengine.types import Status

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

EVERYTHING = """
    flow: Everything
    trigger: {manual: true}
    inputs: {names: {type: list}, day: {type: date, default: "2026-01-31"}}
    actions:
      - name: Choose
        if: {value: "{{ inputs.day }}", is: x}
        then: [{name: Yes, log: a}]
      - name: Sort out
        switch: "{{ inputs.day }}"
        cases: {one: [{name: First, log: a}], two: [{name: Second, log: b}]}
        default: [{name: Third, log: c}]
      - name: Each
        for_each: "{{ inputs.names }}"
        do: [{name: Inside, log: d}]
      - name: Side by side
        parallel: [[{name: Left, log: e}], [{name: Right, log: f}]]
      - name: Careful
        try: [{name: Risky, log: g}]
        catch: [{name: Mend, log: h}]
        finally: [{name: Tidy, log: i}]
    on_failure: [{name: Tell, log: j}]
    """


def flow(text=EVERYTHING):
    found, findings = parse_flow(dedent(text), "flows/everything.yaml", "everything")
    assert found, findings
    return found


def head(path, status=Status.SUCCEEDED, start=0.0, end=1.0, number=0, **more):
    at = NOW + timedelta(seconds=start)
    finished = None if end is None else NOW + timedelta(seconds=end)
    name = str(path[-1])
    return ActionHead(
        path=path, number=number, name=name, kind="log", status=status, started_at=at, finished_at=finished, **more
    )


# Words.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain ünïcode 漢字", "plain ünïcode 漢字"),
        ("a\x1b[31mred", "a␛[31mred"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("line\r\nbreak\ttab", "line\n\nbreak\ttab"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_nothing_in_a_text_is_hidden(text, told):
    assert shown.clean(text) == told


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [
        (0.4, "0 ms"),
        (999, "999 ms"),
        (1_500, "1.5 s"),
        (61_000, "1 min 1 s"),
        (3_700_000, "1 h 1 min"),
        (200_000_000, "2 days 7 h"),
    ],
)
def test_lengths_of_time_in_two_units_at_most(milliseconds, told):
    assert shown.lasted(milliseconds) == told


def test_how_far_off_a_moment_is():
    assert shown.away(NOW - timedelta(seconds=90), NOW) == "1 minute ago"
    assert shown.away(NOW + timedelta(days=2), NOW) == "in 2 days"
    assert shown.away(NOW, NOW) == "just now"


def test_long_values_are_cut_and_odd_ones_shown_all_the_same():
    assert shown.pretty("x" * 30, 10) == "x" * 10 + "\n… 20 characters more"
    assert shown.pretty(2**70) == str(2**70)
    assert shown.brief({"a": [1, 2]}) == '{"a":[1,2]}'


def test_words_of_a_command_are_quoted_where_they_must_be():
    assert shown.quoted("plain-word") == "plain-word"
    assert shown.quoted("it's; rm") == "'it'\\''s; rm'"


def test_every_failure_comes_with_what_to_do():
    assert "sign in" in advice({"code": "sign_in_needed"})
    assert "problem of its own" in advice({"code": "operation_failed", "status_code": 503})
    assert "nothing of that name" in advice({"code": "operation_failed", "status_code": 404})
    assert "refused" in advice({"code": "operation_failed", "status_code": 422})
    assert advice({"code": "something new"})


def test_the_lines_around_a_place():
    lines = excerpt("\n".join("abcdefghij"), 2)
    assert [(line.number, line.text, line.hit) for line in lines][:3] == [
        (1, "a", False),
        (2, "b", True),
        (3, "c", False),
    ]
    assert excerpt("one line", 7) == []


# The picture.


def overlaps(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_every_action_has_a_box_and_no_two_overlap():
    found = flow()
    picture = graph.draw(found)
    boxes = [box for box in picture.boxes if box.path]
    assert {box.path for box in boxes} == {"/".join(path) for path, _ in found.walk()}
    assert not [(a.title, b.title) for a in picture.boxes for b in picture.boxes if a is not b and overlaps(a, b)]
    assert all(box.x >= 0 and box.x + box.width <= picture.width for box in picture.boxes)
    assert all(box.y >= 0 and box.y + box.height <= picture.height for box in picture.boxes)


def test_a_run_shows_the_path_it_took():
    did = {
        ("choose",): graph.Did(Status.SUCCEEDED),
        ("choose", "yes"): graph.Did(Status.SKIPPED),
        ("each",): graph.Did(Status.FAILED),
        ("each", 2, "inside"): graph.Did(Status.FAILED, "3 ms"),
    }
    picture = graph.draw(flow(), did, lambda path: 2 if path == ("each",) else None)
    boxes = {box.path: box for box in picture.boxes}
    assert (boxes["choose"].shape, boxes["choose/yes"].shape) == ("check", "skip")
    assert (boxes["each/2/inside"].status, boxes["each/2/inside"].tone) == ("failed", "bad")
    assert "not reached" in boxes["careful"].told
    assert {line.state for line in picture.lines} == {"taken", "not"}
    assert "item 3" in [text.text for text in picture.texts]


def test_deep_and_wide_flows_are_drawn():
    inner = "{name: Leaf, log: x}"
    for depth in range(7):
        inner = f"{{name: Level {depth}, if: true, then: [{inner}], else: [{{name: Other {depth}, log: y}}]}}"
    picture = graph.draw(flow(f"flow: Deep\ntrigger: {{manual: true}}\nactions: [{inner}]"))
    assert len(picture.boxes) == 16
    assert not [1 for a in picture.boxes for b in picture.boxes if a is not b and overlaps(a, b)]


# Iterations.


def test_the_first_failed_iteration_is_shown_unless_one_is_chosen():
    actions = [head(("each",), Status.FAILED)]
    actions += [head(("each", at, "inside"), Status.FAILED if at in (3, 7) else Status.SUCCEEDED) for at in range(9)]
    rounds = Rounds(actions, ())
    (pager,) = rounds.pagers({("each",): "Each"})
    assert (pager.name, pager.chosen, pager.total, pager.failed) == ("Each", 3, 9, "each/7")
    assert rounds.is_shown(("each", 3, "inside"))
    assert not rounds.is_shown(("each", 4, "inside"))
    chosen = Rounds(actions, ("each", 8, "inside"))
    (pager,) = chosen.pagers({})
    assert (pager.chosen, pager.before, pager.after, pager.failed) == (8, "each/7", None, None)


def test_a_loop_in_a_loop_has_a_pager_for_the_outer_iteration_that_is_shown():
    paths = [("outer", a, "inner", b, "leaf") for a in range(2) for b in range(3)]
    rounds = Rounds([head(path) for path in paths], ("outer", 1, "inner", 2, "leaf"))
    assert [(pager.chosen, pager.total) for pager in rounds.pagers({})] == [(1, 2), (2, 3)]
    assert [path for path in paths if rounds.is_shown(path)] == [("outer", 1, "inner", 2, "leaf")]


# Charts and timelines.


def runs(*statuses):
    return [
        RunHead(
            id=str(at), flow="f", status=status, trigger_name="manual", created_at=NOW, started_at=NOW, finished_at=NOW
        )
        for at, status in enumerate(statuses)
    ]


def test_the_newest_run_of_a_strip_stands_at_the_right_and_failures_have_a_notch():
    newest_first = runs(Status.FAILED, Status.SUCCEEDED)
    bars = charts.strip(newest_first)
    assert [(bar.x, bar.notched) for bar in bars] == [(144, False), (152, True)]
    assert charts.strip_label(newest_first) == "last 2 runs: 1 succeeded, 1 failed"
    assert charts.strip_label([]) == "no runs yet"


def test_one_failure_among_thousands_still_shows_and_columns_stay_in_their_frame():
    counts = {("a", Status.SUCCEEDED): 100_000, ("a", Status.FAILED): 1, ("b", Status.CANCELLED): 5}
    made = charts.chart([Day(date(2026, 3, 1), None), Day(date(2026, 3, 2), counts)])
    column = made.columns[-1]
    assert column.bad_height == 4.0
    assert column.good_height + column.bad_height + column.other_height <= 100.001
    assert (made.good, made.bad, made.other, made.counted) == (100_000, 1, 5, False)
    assert charts.chart([Day(date(2026, 3, 2), counts)], "b").other == 5


def test_a_timeline_keeps_its_bars_on_the_sheet():
    actions = [head(("a",), end=4), head(("b",), Status.RUNNING, start=4, end=None), head(("c",), Status.SKIPPED)]
    made = gantt.timeline(actions, NOW, NOW + timedelta(seconds=10))
    assert [row.name for row in made.rows] == ["a", "b"]
    first, second = made.rows
    assert first.bar.x == gantt.NAMES
    assert second.bar.x + second.bar.width == pytest.approx(gantt.NAMES + gantt.BARS)
    assert [tick.text for tick in made.ticks] == ["0", "2.0 s", "4.0 s", "6.0 s", "8.0 s", "10.0 s"]


def test_a_long_run_is_cut_and_says_so():
    made = gantt.timeline([head((f"a{at}",)) for at in range(gantt.MOST + 7)], NOW, NOW + timedelta(seconds=1))
    assert (len(made.rows), made.left_out) == (gantt.MOST, 7)


# The form that starts a run.


def test_fields_are_read_as_the_flow_declares_them():
    found = flow()
    assert [(field.name, field.value) for field in fields_of(found, {})] == [("names", ""), ("day", "2026-01-31")]
    assert read_fields(found, {"names": '["a"]', "day": ""}, '{"x": 1}') == ({"names": ["a"]}, {"x": 1})
    assert read_fields(found, {}, "  ") == ({}, None)
    with pytest.raises(ValueError, match='"names" is not JSON'):
        read_fields(found, {"names": "[a"}, "")
    with pytest.raises(ValueError, match="event is not JSON"):
        read_fields(found, {}, "{")
