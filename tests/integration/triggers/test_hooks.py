"""Behind a hook's address: recognised, matched, told apart, answered."""

from flowengine.triggers.deliveries import Delivery
from flowengine.triggers.hooks import delivery_secret, secret_digest
from flowengine.types import Disposition
from tests.fakes.chat_manifest import flow_text, wanted


async def test_a_plain_webhook_takes_json_and_text(open_hook, engine):
    deliver = open_hook("flow: W\ntrigger: {webhook: {verify: none}}\nactions: [{log: x}]\n")
    assert (await deliver({"a": 1})).event.disposition is Disposition.STARTED
    assert (await deliver(b"plain words")).event.disposition is Disposition.STARTED
    assert (await deliver(b"")).event.disposition is Disposition.STARTED
    assert [run.trigger for run in engine.runs] == [{"a": 1}, "plain words", None]


async def test_a_wrong_address_leaves_no_record_but_is_counted(open_hook, hooks, store):
    deliver = open_hook("flow: W\ntrigger: {webhook: {verify: none}}\nactions: [{log: x}]\n")
    assert (await deliver({}, key="wrong")).status == 404
    assert (await hooks.receive("no-such-flow", "x", Delivery(b"{}"))).status == 404
    assert hooks.counts["unknown_address"] == 2
    assert await store.events.list() == []
    hooks.close("test-flow")
    assert (await deliver({})).status == 404


async def test_a_wrong_signature_is_on_record_without_the_body(open_hook, store, engine):
    deliver = open_hook(
        "flow: W\ntrigger: {webhook: {verify: {header: {name: X-T, secret: team}}}}\nactions: [{log: x}]\n"
    )
    refused = await deliver({"private": 1}, **{"x-t": "wrong"})
    assert (refused.status, refused.message) == (403, "the sender was not recognised")
    stored = await store.events.get(refused.event.id)
    assert (stored.disposition, stored.body, "x-t" in stored.headers) == (Disposition.REJECTED, b"", False)
    assert "agreed" in stored.reason["message"]
    assert (await deliver({}, **{"x-t": "team-secret"})).status == 200
    assert len(engine.runs) == 1


async def test_too_large_and_too_deep_are_on_record(open_hook, hooks):
    deliver = open_hook("flow: W\ntrigger: {webhook: {verify: none}}\nactions: [{log: x}]\n")
    deep = await deliver(b"[" * 100 + b"]" * 100)
    assert (deep.status, deep.event.disposition) == (400, Disposition.REJECTED)
    key = hooks.address("test-flow", "webhook").rpartition("/")[2]
    large = await hooks.too_large("test-flow", key, Delivery(b"", {}, ""), 1_000_000)
    assert (large.status, large.event.disposition) == (413, Disposition.REJECTED)
    assert (await hooks.too_large("test-flow", "wrong", Delivery(b"", {}, ""), 1)).status == 404


async def test_a_flow_that_is_off_records_what_comes(open_hook):
    deliver = open_hook("flow: W\nenabled: false\ntrigger: {webhook: {verify: none}}\nactions: [{log: x}]\n")
    receipt = await deliver({})
    assert (receipt.status, receipt.event.disposition) == (200, Disposition.DISABLED)


async def test_only_flows_with_respond_keep_the_caller_waiting(open_hook):
    text = "flow: W\ntrigger: {webhook: {verify: none}}\nactions: [{log: x}, {respond: {status: 201}}]\n"
    receipt = await open_hook(text)({})
    assert receipt.run_id is not None


def envelope(secret, action="incoming_chat", chat="C1"):
    return {"secret_key": secret, "action": action, "organization_id": "O1", "payload": {"chat": {"id": chat}}}


async def test_a_delivery_with_the_engine_s_own_secret(open_hook, store, engine):
    deliver = open_hook(flow_text("Ours"))
    secret = delivery_secret(store.secrets.derive, "test-flow", "use")
    assert (await deliver(envelope("wrong"))).status == 403
    first, again = await deliver(envelope(secret)), await deliver(envelope(secret))
    assert first.event.dedupe_key == "O1:C1"
    assert again.event.disposition is Disposition.DUPLICATE
    other = await deliver(envelope(secret, action="chat_deactivated"))
    assert (other.status, other.event.disposition) == (200, Disposition.REJECTED)
    assert "incoming_chat" in other.event.reason["message"]
    assert len(engine.runs) == 1
    assert secret.encode() not in (await store.events.get(first.event.id)).body
    assert engine.runs[0].trigger["secret_key"] == "***"


async def test_no_key_is_made_of_parts_that_are_missing(open_hook, store):
    deliver = open_hook(flow_text("Ours"))
    body = envelope(delivery_secret(store.secrets.derive, "test-flow", "use")) | {"payload": {}}
    assert (await deliver(body)).event.dedupe_key is None
    assert (await deliver(body)).event.disposition is Disposition.STARTED


async def test_a_secret_that_the_service_chose_is_recognised_but_not_kept(
    subscriptions, hooks, open_hook, store, read, tmp_path
):
    deliver = open_hook(flow_text("Theirs"))
    hooks.subscriptions = subscriptions.records
    assert (await deliver({"token": "token-1"})).status == 403
    await subscriptions.reconcile([wanted(deliver.flow)])
    assert (await deliver({"token": "token-1"})).status == 200
    await subscriptions.reconcile([wanted(deliver.flow, "https://new.example/x")])
    renewed = subscriptions.records["test-flow", "use"]
    assert secret_digest(store.secrets.derive, "token-2") in renewed.secret_digest
    assert (await deliver({"token": "token-1"})).status == 200
    assert (await deliver({"token": "token-2"})).status == 200
    assert (await deliver({"token": "token-3"})).status == 403
    assert b"token-1" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


async def test_a_flow_sees_a_delivery_as_the_manifest_promises_it(open_hook, store, engine):
    deliver = open_hook(flow_text("Ours"))
    sent = envelope(delivery_secret(store.secrets.derive, "test-flow", "use"))
    sent["payload"]["chat"]["started"] = 1700000000
    event = (await deliver(sent)).event
    assert engine.runs[0].trigger["payload"]["chat"]["started"] == "2023-11-14T22:13:20Z"
    assert b"1700000000" in (await store.events.get(event.id)).body, "what was sent stays on record as it was sent"
