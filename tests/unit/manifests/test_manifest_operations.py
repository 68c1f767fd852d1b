"""Operations: parameters, bodies, answers, security, triggers, and the keys that are flowengine's own."""

import pytest

from flowengine.errors import NotFound
from flowengine.manifests.definition import Connector, Operations
from flowengine.manifests.extensions import (
    Conversions,
    Idempotency,
    Limit,
    Pagination,
    Unregister,
    WebhookSecret,
    read_limits,
)
from flowengine.manifests.schema import Schemas


def connector(paths, **document) -> Connector:
    document = {"paths": paths, **document}
    places = {
        entry["operationId"]: (path, method)
        for path, item in paths.items()
        for method, entry in item.items()
        if isinstance(entry, dict) and "operationId" in entry
    }
    schemas = Schemas(document)
    return Connector(
        "shop", "Shop", "1", "", "https://shop.example.com", Operations("shop", places, schemas), schemas=schemas
    )


def operation(entry, *, path="/things", method="post", item=None, **document):
    found = connector({path: {**(item or {}), method: {"operationId": "Do", **entry}}}, **document)
    return found.operation("Do")


def body(schema, **given):
    return {"name": "payload", "in": "body", "schema": schema, **given}


def test_body_properties_stand_beside_the_other_parameters():
    schema = {
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "x-ms-summary": "Name"},
            "owner": {"properties": {"mail": {"type": "string"}}},
        },
    }
    query = {"name": "dry", "in": "query", "type": "boolean", "default": False, "x-ms-visibility": "advanced"}
    found = operation({"parameters": [query, body(schema, required=True)]})
    assert [(one.path, one.location, one.type, one.required) for one in found.parameters] == [
        ("dry", "query", "boolean", False),
        ("name", "body", "string", True),
        ("owner", "body", "object", False),
        ("owner.mail", "body", "string", False),
    ]
    assert found.parameter("dry").default is False
    assert found.parameter("dry").has_default
    assert found.parameter("name").title == "Name"
    assert found.parameter("nothing") is None
    assert (found.body.name, found.body.required) == ("payload", True)


@pytest.mark.parametrize("schema", [{"type": "string", "format": "binary"}, {"type": "object"}, {}])
def test_a_body_without_properties_goes_by_its_own_name(schema):
    found = operation({"parameters": [body(schema, required=True, description="All of it.")]})
    (one,) = found.parameters
    assert (one.path, one.required, one.description) == ("payload", True, "All of it.")


def test_a_list_as_the_body_goes_by_its_own_name_with_its_items_below():
    found = operation(
        {"parameters": [body({"type": "array", "items": {"required": ["name"], "properties": {"name": {}}}})]}
    )
    assert [(one.path, one.type, one.required) for one in found.parameters] == [
        ("payload", "array", False),
        ("payload.name", None, True),
    ]


def test_parameters_of_the_path_are_shared_and_can_be_overruled():
    shared = [{"$ref": "#/parameters/Region"}, {"name": "id", "in": "path", "type": "string"}]
    own = [{"name": "X-Region", "in": "header", "type": "string", "enum": ["fra"]}]
    found = operation(
        {"parameters": own},
        item={"parameters": shared},
        path="/things/{id}",
        parameters={"Region": {"name": "X-Region", "in": "header", "type": "string"}},
    )
    assert [(one.name, one.enum, one.required) for one in found.parameters] == [
        ("X-Region", ("fra",), False),
        ("id", (), True),
    ]


def test_a_parameter_keeps_what_requests_need():
    entry = {
        "name": "path", "in": "path", "type": "string", "x-ms-url-encoding": "double",
        "x-ms-dynamic-values": {"operationId": "List", "value-path": "id"},
    }  # fmt: skip
    one = operation({"parameters": [entry]}).parameter("path")
    assert one.double_encoded
    assert one.collection_format == "csv"
    assert one.dynamic == {"x-ms-dynamic-values": {"operationId": "List", "value-path": "id"}}
    assert not one.internal


def test_json_of_a_parameter():
    entry = {"name": "when", "in": "query", "type": "string", "format": "date-time", "enum": ["a"]}
    assert operation({"parameters": [entry]}).parameter("when").to_json() == {
        "name": "when", "path": "when", "in": "query", "required": False, "type": "string", "title": "", "description": "",
        "default": None, "enum": ["a"], "visibility": "", "format": "date-time",
    }  # fmt: skip


def test_the_answer_is_the_lowest_success_with_a_schema():
    assert operation(
        {"responses": {"202": {"schema": {"type": "string"}}, "200": {}, "default": {"schema": {}}}}
    ).returns == {"type": "string"}
    assert operation({"responses": {"default": {"schema": {"type": "array"}}}}).returns == {"type": "array"}
    assert operation({"responses": {"200": {}, "default": {"schema": {"type": "array"}}}}).returns == {}


def test_declared_answers_are_kept_with_shared_ones_followed():
    found = operation({"responses": {"400": {"$ref": "#/responses/Bad"}}}, responses={"Bad": {"description": "No."}})
    assert found.answers == {"400": {"description": "No."}}


SCHEMES = {"key": {"type": "apiKey"}, "sign_in": {"type": "oauth2"}}


@pytest.mark.parametrize(
    ("own", "root", "wanted"),
    [
        (None, None, ({"key": ()}, {"sign_in": ()})),
        (None, [], ({"key": ()}, {"sign_in": ()})),
        (None, [{"key": [], "sign_in": ["read"]}], ({"key": (), "sign_in": ("read",)},)),
        ([], [{"key": []}], ()),
        ([{"sign_in": ["write"]}], [{"key": []}], ({"sign_in": ("write",)},)),
    ],
)
def test_security_of_an_operation(own, root, wanted):
    entry = {} if own is None else {"security": own}
    document = {} if root is None else {"security": root}
    assert operation(entry, securityDefinitions=SCHEMES, **document).security == wanted


HOOK = body({"properties": {"target": {"properties": {"url": {"x-ms-notification-url": True}}}}})
CONTENT = {"x-ms-notification-content": {"schema": {"type": "object", "properties": {"id": {"type": "string"}}}}}


def test_a_webhook_trigger_gives_what_its_deliveries_hold():
    found = operation(
        {"x-ms-trigger": "single", "parameters": [HOOK], "responses": {"201": {"schema": {}}}}, item=CONTENT
    )
    assert (found.kind, found.trigger_kind, found.batch) == ("trigger", "webhook", False)
    assert found.returns == found.notification == CONTENT["x-ms-notification-content"]["schema"]
    assert found.webhook.callback == "target.url"
    assert (found.webhook.secret, found.webhook.unregister, found.webhook.status) == (None, None, 200)


def test_an_action_that_subscribes_and_waits_is_no_trigger():
    found = operation({"parameters": [HOOK]}, item=CONTENT)
    assert (found.kind, found.trigger_kind) == ("action", None)
    assert found.webhook is not None


def test_a_trigger_without_a_callback_is_polled():
    found = operation({"x-ms-trigger": "batch", "x-ms-trigger-hint": "Add a thing."}, method="get")
    assert (found.trigger_kind, found.batch, found.trigger_hint, found.webhook) == (
        "polling",
        True,
        "Add a thing.",
        None,
    )


def test_the_webhook_key_is_read_whole():
    key = {
        "secret": {"parameter": None, "path": "token", "from": "response.token"},
        "match": {"action": "made"},
        "dedupe": ["id", "thing.id"],
        "status": 202,
        "id": "data.id",
        "unregister": {"operation": "Remove", "with": {"id": "{id}"}},
        "register_with": {"kind": "all"},
    }
    hook = operation(
        {"x-ms-trigger": "single", "parameters": [HOOK], "x-flowengine-webhook": key}, item=CONTENT
    ).webhook
    assert hook.secret == WebhookSecret(None, "token", "response.token")
    assert (hook.match, hook.dedupe, hook.status, hook.id) == ({"action": "made"}, ("id", "thing.id"), 202, "data.id")
    assert hook.unregister == Unregister("Remove", {"id": "{id}"})
    assert hook.register_with == {"kind": "all"}


def test_reading_paging_idempotency_and_conversions():
    found = operation(
        {
            "x-flowengine-reads": True,
            "x-flowengine-pagination": {
                "parameter": "page",
                "next": "next",
                "items": "rows",
                "only": True,
                "with_page": ["id"],
            },
            "x-flowengine-idempotency": {"header": "Idempotency-Key"},
            "x-flowengine-response": {"root": "rows", "epoch_to_datetime": ["made"]},
            "x-ms-pageable": {"nextLinkName": "@odata.nextLink"},
        }
    )
    assert found.reads
    assert found.pagination == Pagination("page", "next", "rows", only=True, with_page=("id",))
    assert found.idempotency == Idempotency(None, "Idempotency-Key")
    assert found.response == Conversions("rows", ("made",))
    assert found.next_link == "@odata.nextLink"


def test_without_our_keys_only_get_and_head_read():
    assert operation({}, method="get").reads
    assert not operation({}).reads
    plain = operation({})
    assert (plain.pagination, plain.idempotency, plain.response, plain.next_link) == (None, None, None, None)


def test_limits_that_make_no_sense_are_left_out():
    limits = read_limits([{"calls": 100, "period_seconds": 60}, {"calls": 0, "period_seconds": 1}, {"calls": "x"}, 7])
    assert limits == (Limit(100, 60.0),)
    assert [limit.to_json() for limit in (*limits, Limit(1, 0.5))] == [
        {"calls": 100, "period_seconds": 60},
        {"calls": 1, "period_seconds": 0.5},
    ]


def test_an_unknown_operation_is_answered_with_the_nearest():
    found = connector({"/a": {"get": {"operationId": "ListThings"}}})
    with pytest.raises(NotFound, match='connector "shop" has no operation "ListThing"; did you mean "ListThings"'):
        found.operation("ListThing")


def test_operations_are_built_once_and_counted_without_building():
    found = connector({"/a": {"get": {"operationId": "A"}, "post": {"operationId": "B"}}})
    assert len(found.operations) == 2
    assert found.operations["A"] is found.operations["A"]
    assert "C" not in found.operations


def test_values_of_the_wrong_type_count_as_absent():
    found = operation(
        {"parameters": "none", "responses": [], "summary": 7, "consumes": "x", "deprecated": "true", "tags": 1}
    )
    assert (found.parameters, found.answers, found.summary, found.consumes) == ((), {}, "7", ())
    assert found.deprecated
