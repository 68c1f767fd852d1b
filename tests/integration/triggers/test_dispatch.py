"""From an event to runs: conditions, keys, split, and the record that every event leaves."""

import orjson
import pytest

from flowengine.triggers.dispatch import Arrival
from flowengine.types import Disposition, Status

ACTIONS = "actions: [{log: hello}]"


@pytest.fixture
def send(dispatcher, read):
    """Send a value to a flow whose trigger is a webhook; gives what was judged."""

    async def send(text, value, **more):
        flow = read(f"flow: Test\n{text}\n{ACTIONS}\n")
        arrival = Arrival(value=value, body=orjson.dumps(value), source="192.0.2.1")
        return await dispatcher.dispatch(flow, flow.triggers[0], arrival, **more)

    return send


HOOK = "trigger: {webhook: {verify: none}}"


async def test_an_event_starts_a_run_that_is_stored_before_the_engine_hears_of_it(send, store, engine):
    judged = await send(HOOK, {"n": 1})
    assert judged.event.disposition is Disposition.STARTED
    (woken,) = engine.runs
    stored = await store.runs.get(woken.id)
    assert (stored.status, stored.trigger, stored.event_id) == (Status.QUEUED, {"n": 1}, judged.event.id)
    assert (await store.events.get(judged.event.id)).body == b'{"n":1}'


async def test_a_filtered_event_tells_both_sides_of_each_condition(send, store, engine):
    text = (
        HOOK
        + """
conditions:
  - value: "{{ trigger.subject }}"
    contains: refund
"""
    )
    judged = await send(text, {"subject": "invoice"})
    assert judged.event.disposition is Disposition.FILTERED
    (reason,) = judged.event.reason["conditions"]
    assert (reason["operator"], reason["left"], reason["right"], reason["held"]) == (
        "contains",
        "invoice",
        "refund",
        False,
    )
    assert (await store.events.get(judged.event.id)).reason == judged.event.reason
    assert engine.runs == []


async def test_conditions_of_the_trigger_count_beside_those_of_the_flow(send):
    text = """
trigger:
  webhook: {verify: none}
  conditions: [{value: "{{ trigger.a }}", is: 1}]
conditions: ["{{ trigger.b }}"]
"""
    assert (await send(text, {"a": 1, "b": True})).event.disposition is Disposition.STARTED
    assert (await send(text, {"a": 2, "b": True})).event.disposition is Disposition.FILTERED
    assert (await send(text, {"a": 1, "b": False})).event.disposition is Disposition.FILTERED


async def test_nested_conditions_that_do_not_hold_filter_as_well(send):
    text = HOOK + '\nconditions: [{not: {value: "{{ trigger.a }}", is: 1}}]'
    assert (await send(text, {"a": 1})).event.disposition is Disposition.FILTERED
    assert (await send(text, {"a": 2})).event.disposition is Disposition.STARTED


async def test_a_condition_that_cannot_be_computed_is_a_failed_event_not_a_silent_false(send, engine):
    judged = await send(HOOK + '\nconditions: ["{{ trigger.missing.field }}"]', {"a": 1})
    assert judged.event.disposition is Disposition.FAILED
    assert "missing" in judged.event.reason["message"]
    assert engine.runs == []


async def test_the_same_key_never_starts_a_second_run(send, store, engine):
    text = 'trigger: {webhook: {verify: none}, dedupe: "{{ trigger.id }}"}'
    first, second = await send(text, {"id": 7}), await send(text, {"id": 7})
    assert first.event.disposition is Disposition.STARTED
    assert (second.event.disposition, second.runs) == (Disposition.DUPLICATE, ())
    assert len(engine.runs) == 1
    assert (await store.events.get(second.event.id)).disposition is Disposition.DUPLICATE
    assert (await send(text, {"id": None})).event.disposition is Disposition.STARTED


async def test_split_starts_a_run_an_item_and_weighs_each(send, store):
    text = """
trigger: {webhook: {verify: none}, split: "{{ trigger.rows }}"}
conditions: [{value: "{{ trigger.n }}", more_than: 1}]
"""
    judged = await send(text, {"rows": [{"n": 1}, {"n": 2}, {"n": 3}]})
    assert [run.trigger for run in judged.runs] == [{"n": 2}, {"n": 3}]
    runs = await store.events.run_ids([judged.event.id])
    assert runs[judged.event.id] == [run.id for run in judged.runs]


async def test_a_split_of_nothing_or_of_no_list_says_so(send):
    text = 'trigger: {webhook: {verify: none}, split: "{{ trigger.rows }}"}'
    empty, wrong = await send(text, {"rows": []}), await send(text, {"rows": "x"})
    assert (empty.event.disposition, "empty" in empty.event.reason["message"]) == (Disposition.FILTERED, True)
    assert (wrong.event.disposition, "must give a list" in wrong.event.reason["message"]) == (Disposition.FAILED, True)


async def test_an_event_of_a_flow_that_is_off_is_on_record(send, engine):
    judged = await send(HOOK, {"a": 1}, enabled=False)
    assert judged.event.disposition is Disposition.DISABLED
    assert engine.runs == []


async def test_per_gives_the_run_its_key(send):
    judged = await send(HOOK + '\nmode: queued\nper: "{{ trigger.mail }}"', {"mail": "a@example.com"})
    assert judged.runs[0].key == "a@example.com"


async def test_conditions_may_read_the_event_and_the_flow(send):
    text = (
        HOOK
        + """
conditions:
  - "{{ event.source == '192.0.2.1' }}"
  - "{{ flow.id == 'test-flow' }}"
"""
    )
    assert (await send(text, {})).event.disposition is Disposition.STARTED
