"""Webhooks at services: registered, renewed, removed, and what happens when a service does not play along."""

from flowengine.errors import OperationFailed, ServiceUnreachable
from flowengine.expressions.evaluate import InProcess
from flowengine.manifests.operation import CALLBACK
from flowengine.triggers.hooks import delivery_secret
from flowengine.triggers.subscriptions import Subscriptions
from tests.fakes.chat_manifest import flow_text, wanted


async def test_registering_tells_the_service_what_the_manifest_says(subscriptions, service, store, read):
    flow = read(flow_text("Ours"))
    assert await subscriptions.reconcile([wanted(flow)]) is None
    ((name, inputs),) = service.asked
    assert name == "chat.Ours"
    assert inputs[CALLBACK] == "https://engine.example/hooks/x"
    assert (inputs["action"], inputs["type"]) == ("incoming_chat", "license")
    assert inputs["auth"]["secret_key"] == delivery_secret(store.secrets.derive, "test-flow", "use")
    (record,) = await store.subscriptions.list()
    assert (record.state, record.external_id, record.error) == ("active", "hook-1", "")
    await subscriptions.reconcile([wanted(flow)])
    assert len(service.asked) == 1


async def test_a_new_address_is_registered_before_the_former_is_removed(subscriptions, service, read):
    flow = read(flow_text("Ours"))
    await subscriptions.reconcile([wanted(flow)])
    await subscriptions.reconcile([wanted(flow, "https://new.example/hooks/x")])
    assert service.told() == ["chat.Ours", "chat.Ours", "chat.Forget"]
    assert service.asked[2][1] == {"id": "hook-1", "note": "was hook-1"}


async def test_after_a_start_every_service_is_told_once_more(subscriptions, service, store, clock, read):
    flow = read(flow_text("Ours"))
    await subscriptions.reconcile([wanted(flow)])
    later = Subscriptions(store, service, InProcess(), clock, store.secrets.derive)
    await later.load()
    await later.reconcile([wanted(flow)])
    assert service.told() == ["chat.Ours", "chat.Ours", "chat.Forget"]


async def test_what_is_not_wanted_any_more_is_removed(subscriptions, service, store, read):
    await subscriptions.reconcile([wanted(read(flow_text("Ours")))])
    assert await subscriptions.reconcile([]) is None
    assert service.told()[-1] == "chat.Forget"
    assert await store.subscriptions.list() == []


async def test_without_an_operation_to_remove_the_location_is_deleted(subscriptions, service, read):
    await subscriptions.reconcile([wanted(read(flow_text("Plain")))])
    await subscriptions.reconcile([])
    assert service.asked[-1] == ("chat.Plain.delete", {"url": "https://service.example/hooks/1"})


async def test_a_service_that_fails_is_shown_and_asked_again_later(subscriptions, service, store, clock, read):
    flow = read(flow_text("Ours"))
    service.failing["Ours"] = ServiceUnreachable("nobody answers at service.example")
    again = await subscriptions.reconcile([wanted(flow)])
    (record,) = await store.subscriptions.list()
    assert (record.state, record.error) == ("failed", "nobody answers at service.example")
    assert again.total_seconds() == 5
    await subscriptions.reconcile([wanted(flow)])
    assert len(service.asked) == 1
    clock.pass_(seconds=5)
    assert (await subscriptions.reconcile([wanted(flow)])).total_seconds() == 10
    clock.pass_(seconds=10)
    service.failing.clear()
    assert await subscriptions.reconcile([wanted(flow)]) is None
    assert (await store.subscriptions.list())[0].state == "active"


async def test_a_webhook_that_the_service_forgot_counts_as_removed(subscriptions, service, store, read):
    await subscriptions.reconcile([wanted(read(flow_text("Ours")))])
    service.failing["Forget"] = OperationFailed("gone", status_code=404)
    await subscriptions.reconcile([])
    assert await store.subscriptions.list() == []


async def test_a_removal_that_keeps_failing_is_given_up_in_the_end(subscriptions, service, store, clock, read):
    await subscriptions.reconcile([wanted(read(flow_text("Ours")))])
    service.failing["Forget"] = OperationFailed("broken", status_code=500)
    await subscriptions.reconcile([])
    assert (await store.subscriptions.list())[0].state == "removing"
    for _ in range(5):
        clock.pass_(minutes=5)
        await subscriptions.reconcile([])
    assert await store.subscriptions.list() == []


async def test_where_a_service_allows_only_one_the_former_makes_room(subscriptions, service, store, read):
    flow = read(flow_text("Ours"))
    await subscriptions.reconcile([wanted(flow)])
    service.only_one = True
    await subscriptions.reconcile([wanted(flow, "https://new.example/hooks/x")])
    assert service.told() == ["chat.Ours", "chat.Ours", "chat.Forget", "chat.Ours"]
    (record,) = await store.subscriptions.list()
    assert (record.state, record.external_id) == ("active", "hook-4")


async def test_a_flow_that_turns_to_another_operation_leaves_the_former_one(subscriptions, service, read):
    await subscriptions.reconcile([wanted(read(flow_text("Plain")))])
    await subscriptions.reconcile([wanted(read(flow_text("Ours")))])
    assert service.told() == ["chat.Plain", "chat.Ours", "chat.Plain.delete"]


async def test_without_a_location_the_definition_s_hidden_operation_removes(subscriptions, service, read):
    await subscriptions.reconcile([wanted(read(flow_text("Quiet")))])
    await subscriptions.reconcile([])
    assert service.asked[-1] == ("chat.Hidden", {"hookId": "hook-1"})
