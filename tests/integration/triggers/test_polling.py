"""Polls: overlapping pages, cursors, pages that fail, and manifests' polling triggers."""

import pytest

from flowengine.connectors.announcing import Announcement, Position, announced, following
from flowengine.errors import ExpressionError, ServiceUnreachable
from flowengine.triggers.polling import Polls
from flowengine.types import Disposition, Outputs
from tests.fakes.definitions import connector
from tests.fakes.polls import WATCH, Pages

rows = connector(
    "other",
    {
        "/rows": {"get": {"operationId": "OnNewRow", "x-ms-trigger": "batch"}},
        "/row": {"get": {"operationId": "OnRow", "x-ms-trigger": "single"}},
        "/trigger/posts": {"get": {"operationId": "OnNewPost", "x-ms-trigger": "batch"}},
    },
    policies=[
        {
            "template": "pollingtrigger",
            "triggerConfig": {"since": "@{triggerBody().data[0].at}", "size": "5"},
            "triggerDataPath": "@triggerBody().data",
            "operations": ["OnNewPost"],
        }
    ],
)


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
def poll(store, dispatcher, pages, read):
    async def announce(trigger, inputs, position):
        operation = rows.operation(trigger.operation)
        outputs = await pages(trigger.connector, trigger.operation, position, inputs)
        wait = float(outputs.headers["retry-after"]) if "retry-after" in outputs.headers else None
        return Announcement(announced(rows, operation, outputs), following(rows, operation, outputs, position), wait)

    polls = Polls(store, dispatcher, pages, announce)

    async def poll(page, text=WATCH):
        flow = read(text)
        pages.page = page
        return (await polls.poll(flow, flow.triggers[0])).fresh

    return poll


def tickets(*ids):
    return [{"id": one, "at": f"2026-03-0{one}"} for one in ids]


async def test_each_item_starts_one_run_however_often_it_is_shown(poll, engine, pages):
    assert await poll(tickets(1, 2)) == 2
    assert await poll(tickets(2, 1, 3, 3)) == 1
    assert await poll(tickets(3)) == 0
    assert [run.trigger["id"] for run in engine.runs] == [1, 2, 3]
    assert pages.asked[0] == ("livechat", "ListTickets", {"since": ""})
    assert pages.since == ["", "2026-03-02", "2026-03-03"]


@pytest.mark.parametrize(
    ("cursors", "asked"),
    [
        ([1, 1.5, 2, 1.75], ["", 1, 1.5, 2]),
        ([0.5, 1, True, 2], ["", 0.5, 1, 1]),
        (["a", 5, None, "b"], ["", "a", "a", "a"]),
    ],
)
async def test_the_cursor_is_the_greatest_of_its_sort(poll, pages, cursors, asked):
    for number, cursor in enumerate(cursors):
        await poll([{"id": number, "at": cursor}])
    assert pages.since == asked


async def test_a_page_that_fails_changes_nothing(poll, engine, store, pages):
    await poll(tickets(1))
    before = await store.polls.get("test-flow", "poll")
    with pytest.raises(ServiceUnreachable):
        await poll(ServiceUnreachable())
    with pytest.raises(ExpressionError):
        await poll([{"id": 2, "at": "x"}, {"no": "id"}])
    with pytest.raises(ExpressionError, match="must give a list"):
        await poll({"tickets": []})
    assert await store.polls.get("test-flow", "poll") == before
    assert len(engine.runs) == 1
    assert await poll(tickets(1, 2)) == 1
    assert pages.since == ["", *["2026-03-01"] * 4]


async def test_an_item_that_is_filtered_is_seen_all_the_same(poll, engine, store):
    text = WATCH + 'conditions: [{value: "{{ trigger.id }}", more_than: 1}]\n'
    await poll(tickets(1, 2), text)
    await poll(tickets(1, 2), text)
    assert [run.trigger["id"] for run in engine.runs] == [2]
    assert len(await store.events.list(dispositions=[Disposition.FILTERED])) == 1


MANIFEST = """
    flow: Watch
    trigger: {use: other.OnNewRow, every: 1 minute}
    actions: [{log: hello}]
    """


async def test_a_manifest_s_polling_trigger_announces_lists_values_and_single_events(poll, engine):
    assert await poll({"value": [{"id": "a"}, {"id": "b"}]}, MANIFEST) == 2
    assert await poll([{"Id": "c"}, {"id": "a"}], MANIFEST) == 1
    assert await poll({"name": "without id"}, MANIFEST) == 1
    assert await poll({"name": "without id"}, MANIFEST) == 0
    assert await poll(Outputs(202, {}, {"value": [{"id": "z"}]}), MANIFEST) == 0
    assert await poll(Outputs(200, {}, None), MANIFEST) == 0
    assert len(engine.runs) == 4


async def test_a_single_event_is_one_event_even_when_it_is_a_list(poll, engine):
    text = MANIFEST.replace("OnNewRow", "OnRow")
    assert await poll([{"id": 1}, {"id": 2}], text) == 1
    assert engine.runs[0].trigger == [{"id": 1}, {"id": 2}]


async def test_a_policy_says_where_the_items_are_and_from_where_to_go_on(poll, engine, pages):
    text = MANIFEST.replace("OnNewRow", "OnNewPost")
    assert await poll({"data": [{"id": "b", "at": "T2"}, {"id": "a", "at": "T1"}], "more": []}, text) == 2
    assert pages.position == Position()
    assert await poll({"data": []}, text) == 0
    assert pages.position == Position({"since": "T2", "size": "5"})
    assert await poll({"data": [{"id": "a", "at": "T3"}]}, text) == 1, "the same post has changed since"
    assert await poll(Outputs(202, {}, None), text) == 0
    assert pages.position == Position({"since": "T3", "size": "5"})


async def test_a_service_says_itself_where_and_when_to_go_on(poll, pages):
    assert await poll(Outputs(202, {"location": "/rows?from=7", "retry-after": "15"}, None), MANIFEST) == 0
    assert await poll(Outputs(200, {}, [{"id": 1}]), MANIFEST) == 1
    assert pages.position == Position({}, "/rows?from=7")


async def test_a_trigger_that_asks_for_something_else_begins_anew(poll, pages):
    await poll(Outputs(202, {"location": "/rows?from=7"}, None), MANIFEST)
    await poll([], MANIFEST.replace("every: 1 minute", "every: 1 minute, with: {folder: new}"))
    assert pages.position == Position()
