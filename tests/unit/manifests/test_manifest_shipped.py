"""The three connectors that come with the package: complete, and consistent with themselves."""

import json
import re

import pytest

from flowengine.manifests.catalog import Catalog, shipped_connectors
from flowengine.manifests.extensions import Limit, Pagination
from flowengine.manifests.schema import flatten

NAMES = ("comm100", "livechat", "livechat-agent")
CATALOG = Catalog([shipped_connectors()])
OPERATIONS = [operation for name in NAMES for operation in CATALOG.get(name).operations.values()]
TRIGGERS = [operation for operation in OPERATIONS if operation.kind == "trigger"]


def fields(connector, schema):
    return {field.path for field in flatten(connector.schemas, schema)}


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_sound(name):
    connector, findings = CATALOG.read(name)
    assert findings == []
    assert connector.title
    assert (shipped_connectors() / name / "README.md").is_file()
    assert connector.test_operation in connector.operations


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_somewhere(name):
    document = CATALOG.get(name).schemas.document
    for reference in set(re.findall(r'"\$ref": "#/(\w+)/(\w+)"', json.dumps(document))):
        assert reference[1] in document[reference[0]], reference


@pytest.mark.parametrize("name", NAMES)
def test_every_definition_is_used(name):
    document = CATALOG.get(name).schemas.document
    used = set(re.findall(r'"#/definitions/(\w+)"', json.dumps(document)))
    assert set(document["definitions"]) == used


@pytest.mark.parametrize("name", NAMES)
def test_policies_name_operations_that_exist(name):
    connector = CATALOG.get(name)
    for policy in connector.policies:
        assert policy.operations <= set(connector.operations)


def test_every_operation_and_parameter_is_told_to_authors():
    for operation in OPERATIONS:
        assert operation.summary, operation.id
        assert operation.description.endswith("."), operation.id
        for parameter in operation.parameters:
            if not parameter.internal and parameter.path.count(".") < 2 and parameter.type != "object":
                assert parameter.title or parameter.description, (operation.id, parameter.path)


def test_livechat_has_what_microsofts_connector_has():
    connector = CATALOG.get("livechat")
    kinds = {id_: one.kind for id_, one in connector.operations.items() if one.visibility != "internal"}
    assert sorted(kinds.values()) == ["action"] * 7 + ["trigger"] * 3
    assert len(connector.definitions) == 7
    assert connector.limits == (Limit(100, 60.0),)
    assert [(one.name, one.type, one.required) for one in connector.connection.parameters] == [
        ("username", "string", True),
        ("apikey", "securestring", True),
    ]
    assert connector.operation("ListTickets").response.root == "tickets"
    assert "chat.started_timestamp" in connector.operation("WebhookChatStarted").webhook.conversions.epoch_to_datetime
    assert connector.operation("CreateTicket").parameter("requester.mail").required_always


def test_livechat_agent_has_every_method_webhook_and_error():
    connector = CATALOG.get("livechat-agent")
    methods = [one for one in connector.operations.values() if one.path.startswith("/agent/action/")]
    triggers = [one for one in connector.operations.values() if one.kind == "trigger"]
    assert (len(methods), len(triggers)) == (35, 38)
    error = connector.definitions["Error"]["properties"]["error"]["properties"]["type"]
    assert len(error["enum"]) == len(error["x-ms-enum-values"]) == 18
    for one in connector.operations.values():
        assert one.parameter("X-Region").enum == ("dal", "fra")
        assert connector.resolve(one.answers["default"]["schema"])["properties"]["error"]
    assert connector.operation("ListThreads").pagination == Pagination(
        "page_id", "next_page_id", "threads", only=True, with_page=("chat_id",)
    )
    assert connector.operation("SendEvent").idempotency.parameter == "event.custom_id"
    assert {"oauth": ("customers.ban:rw",)} in connector.operation("BanCustomer").security
    assert connector.operation("ListChats").reads
    assert not connector.operation("StartChat").reads
    upload = connector.operation("UploadFile")
    assert (upload.consumes, upload.parameter("file").location) == (("multipart/form-data",), "formData")


def test_either_way_to_sign_in_to_livechat_agent_is_enough():
    spec = CATALOG.get("livechat-agent").connection
    assert spec.missing({"access_token"}) == ()
    assert spec.missing({"username", "password", "owner_client_id"}) == ()
    assert spec.missing({"username"}) == ("password",)


def test_comm100_has_its_operations_and_events():
    connector = CATALOG.get("comm100")
    triggers = {one.parameter("event").default for one in connector.operations.values() if one.kind == "trigger"}
    assert triggers == set(connector.definitions["WebhookEvent"]["enum"])
    assert len(triggers) == 7
    assert connector.limits == (Limit(300, 300.0),)
    assert connector.operation("ListVisitors").returns["type"] == "array"
    body = connector.operation("UpdateVisitorCustomVariables").parameter("customVariables.name")
    assert body.required


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda one: f"{one.connector}.{one.id}")
def test_a_trigger_can_be_registered_recognised_and_removed(trigger):
    connector = CATALOG.get(trigger.connector)
    hook, held = trigger.webhook, fields(connector, trigger.notification)
    assert trigger.trigger_kind == "webhook"
    assert trigger.parameter(hook.callback).internal
    assert set(hook.dedupe) <= held
    assert set(hook.match) <= held
    answer = next(connector.resolve(one["schema"]) for status, one in trigger.answers.items() if status[0] == "2")
    assert hook.id in answer["properties"]
    remove = connector.operation(hook.unregister.operation)
    assert set(hook.unregister.inputs) == {one.path for one in remove.parameters if one.required and not one.internal}
    if hook.secret and hook.secret.parameter:
        assert trigger.parameter(hook.secret.parameter).internal
    visible = [one.path for one in trigger.parameters if one.required_always and not one.internal]
    assert visible == [], "an author can enable it without parameters"
