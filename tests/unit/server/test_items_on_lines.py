"""How many items the picture of a run says went where: of flows that the interpreter walked."""

from textwrap import dedent

import pytest

from flowengine.expressions.evaluate import InProcess
from flowengine.interpreter.effects import Start
from flowengine.interpreter.run import run_flow
from flowengine.server.pages import graph
from flowengine.server.pages.passing import passed
from flowengine.spec.load import parse_flow
from flowengine.types import Status, parse_path
from tests.fakes.scripted_effects import START, ScriptedEffects

FLOW = """
    flow: Sorting
    trigger: {manual: true}
    inputs: {orders: {type: list, default: []}, go: {type: boolean, default: true}}
    actions:
      - name: Once
        if: "{{ inputs.go }}"
        then: [{name: Going, log: a}]
      - name: Each
        when: "{{ inputs.go }}"
        for_each: "{{ inputs.orders }}"
        do:
          - name: Dear
            if: {value: "{{ item.price }}", more_than: 10}
            then:
              - {name: Greet, when: "{{ item.price == 99 }}", log: hello}
              - name: Refuse
                stop: {status: failed, message: too dear}
                when: "{{ item.price > 1000 }}"
          - name: Kind
            switch: "{{ item.kind }}"
            cases: {lamp: [{name: Lamp, log: a}], chair: [{name: Chair, log: b}]}
          - name: Careful
            try: [{name: Risky, log: "{{ item.parts[0] }}"}]
            catch: [{name: Mend, log: c}]
          - name: Parts
            for_each: "{{ item.parts }}"
            do: [{name: Ship, log: d}]
      - name: Until
        repeat: {until: "{{ loop.index == 3 }}", max: 5}
        do: [{name: Look, log: e}]
    """
ORDERS = [
    {"price": 5, "kind": "lamp", "parts": ["a", "b", "c"]},
    {"price": 99, "kind": "sofa", "parts": ["a"]},
    {"price": 50, "kind": "lamp", "parts": []},
]


async def ran(**inputs):
    """The flow and the records of a run of it."""
    flow, findings = parse_flow(dedent(FLOW), "flows/sorting.yaml", "sorting")
    assert flow, findings
    effects = ScriptedEffects()
    given = {"go": True, "orders": ORDERS, **inputs}
    start = Start(run_id="run1", started_at=START, trigger={}, event={}, inputs=given, link="")
    await run_flow(flow, start, effects, InProcess())
    journal = effects.journal
    records = [
        (parse_path(path), status, journal.events[path].skipped_because if path in journal.events else None)
        for path, status in journal.statuses.items()
    ]
    return flow, records


async def test_items_are_counted_at_each_branch_and_loop():
    assert passed(*await ran()) == {
        (("each",), 0): "3 items",
        (("each", "dear"), 0): "2 items",  # one of them though its first action's own condition did not hold
        (("each", "dear"), 1): "1 item",  # there is nothing on that branch, and so nothing on record of it
        (("each", "kind"), 0): "2 items",
        (("each", "kind"), 1): "0 items",
        (("each", "kind"), 2): "1 item",
        (("each", "careful"), 0): "3 items",
        (("each", "careful"), 1): "1 item",
        (("each", "parts"), 0): "4 items",
        (("until",), 0): "3 turns",
    }


async def test_a_run_that_failed_counts_how_far_it_came():
    found = passed(*await ran(orders=[ORDERS[0], {"price": 5000, "kind": "lamp", "parts": []}, ORDERS[1]]))
    assert (found[("each",), 0], found[("each", "dear"), 0], found[("each", "kind"), 0]) == (
        "2 items",
        "1 item",
        "1 item",
    )
    assert (("until",), 0) not in found


async def test_loops_over_nothing_and_loops_not_reached():
    assert passed(*await ran(orders=[])) == {(("each",), 0): "0 items", (("until",), 0): "3 turns"}
    assert passed(*await ran(go=False)) == {(("until",), 0): "3 turns"}


async def test_what_is_cut_off_is_told():
    flow, _ = await ran()
    loop = [(("each",), Status.RUNNING, None)]
    loop += [(("each", at, "dear"), Status.SUCCEEDED, None) for at in range(1_500)]
    assert passed(flow, loop, cut=True)[("each",), 0] == "1,500+ items"
    assert passed(flow, loop[:2], cut=True)[("each",), 0] == "1+ items"
    assert passed(flow, [(("each", 0, "parts"), Status.SKIPPED, None), (("gone", 0, "x"), Status.SUCCEEDED, None)]) == {
        (("each",), 0): "1 item"
    }


async def test_the_picture_has_the_numbers_on_its_lines_and_tells_them():
    flow, records = await ran()
    did = {path: graph.Did(status) for path, status, _ in records if 0 in path or len(path) == 1}
    picture = graph.draw(flow, did, lambda _: 0, passed(flow, records))
    texts = [text.text for text in picture.texts]
    assert {"3 items", "yes · 2 items", "no · 1 item", "lamp · 2 items", "on failure · 1 item", "3 turns"} <= set(texts)
    assert {"yes", "no"} <= set(texts)  # outside of a loop a branch says no more than before
    told = {box.path: box.told for box in picture.boxes}
    assert told["each/0/dear"].endswith("yes 2 items, no 1 item")
    assert told["until"].endswith("3 turns")
    assert all(text.x + 6.5 * len(text.text) <= picture.width for text in picture.texts)


@pytest.mark.parametrize("did", [None, {}])
async def test_a_flow_without_a_run_has_no_numbers(did):
    flow, _ = await ran()
    assert not [text for text in graph.draw(flow, did).texts if "item" in text.text]
