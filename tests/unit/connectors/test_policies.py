import json

import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.policies import apply_to_answer, told_type
from flowengine.connectors.request import build_request
from flowengine.errors import InvalidInputs, Unauthorized
from tests.fakes.definitions import connector

KEY = {"api_key": {"type": "securestring"}, "tenant": {"type": "string"}}
SECURITY = {"k": {"type": "apiKey", "in": "header", "name": "Authorization"}}
PATHS = {
    "/items/{id}": {
        "post": {
            "operationId": "Op",
            "parameters": [
                {"name": "id", "in": "path", "type": "string", "required": True},
                {"name": "kind", "in": "query", "type": "string"},
                {"name": "Host-Name", "in": "header", "type": "string"},
                {"name": "body", "in": "body", "schema": {"type": "object"}},
            ],
        }
    }
}


def request(policies, inputs=None, given=None, **more):
    made = connector("c", PATHS, security=SECURITY, connection=KEY, policies=policies, base="/v1")
    account = Connection("acct", "c", {"api_key": "k-1", "tenant": "acme"} if given is None else given, **more)
    return build_request(made, made.operation("Op"), {"id": "a/b", **(inputs or {})}, account)


def header(name, value, **more):
    return {"template": "setheader", "name": name, "value": value, **more}


def test_policies_apply_after_the_sign_in_and_in_order():
    made = request(
        [header("Authorization", "Bearer @headers('Authorization')"), header("X-A", "[@headers('authorization')]")]
    )
    assert dict(made.headers)["Authorization"] == "Bearer k-1"
    assert dict(made.headers)["X-A"] == "[Bearer k-1]"


@pytest.mark.parametrize(
    ("action", "value"), [("override", "new"), ("skip", "k-1"), ("append", "k-1, new"), ("", "new")]
)
def test_what_happens_to_a_header_that_exists(action, value):
    assert dict(request([header("Authorization", "new", existsAction=action)]).headers)["Authorization"] == value


def test_an_optional_parameter_that_is_not_given_sets_no_header():
    names = [
        name for name, _ in request([header("X-T", "@connectionParameters('tenant')")], given={"api_key": "k"}).headers
    ]
    assert "X-T" not in names


def test_a_policy_for_other_operations_or_for_answers_changes_nothing():
    made = request(
        [
            header("X-A", "1", operations=["Other"]),
            header("X-B", "1", section="Response"),
            header("X-C", "1", operations=["Op"]),
        ]
    )
    assert {"X-A", "X-B", "X-C"} & {name for name, _ in made.headers} == {"X-C"}


@pytest.mark.parametrize(
    ("action", "query"), [("override", "kind=new"), ("skip", "kind=old"), ("append", "kind=old&kind=new")]
)
def test_query_parameters(action, query):
    made = request(
        [{"template": "setqueryparameter", "name": "kind", "value": "new", "existsAction": action}], {"kind": "old"}
    )
    assert made.url == f"https://api.example.com/v1/items/a%2Fb?{query}"


@pytest.mark.parametrize(
    ("template", "base"),
    [
        ("https://@connectionParameters('tenant').example.org", "https://acme.example.org"),
        ("https://@connectionParameters('tenant').example.org/api/", "https://acme.example.org/api"),
        ("@connectionParameters('tenant').example.org", "https://acme.example.org"),
        ("https://@header('Host-Name')", "https://given.example.org"),
        ("https://@connectionParameters('region', 'eu.example.org')", "https://eu.example.org"),
        ("https://@headers('Host-Name')", "https://given.example.org"),
    ],
)
def test_another_host(template, base):
    made = request([{"template": "dynamichosturl", "urlTemplate": template}], {"Host-Name": "given.example.org"})
    assert made.url == f"{base}/items/a%2Fb"


def test_a_connection_can_keep_the_base_path_and_have_the_last_word():
    policy = [{"template": "dynamichosturl", "urlTemplate": "https://@connectionParameters('tenant').example.org"}]
    assert request(policy, keep_base_path=True).url == "https://acme.example.org/v1/items/a%2Fb"
    assert (
        request(policy, given={"api_key": "k"}, base_url="http://127.0.0.1:9").url
        == "http://127.0.0.1:9/v1/items/a%2Fb"
    )


def test_a_host_that_nobody_named_is_told():
    policy = [{"template": "dynamichosturl", "urlTemplate": "https://@connectionParameters('tenant').example.org"}]
    with pytest.raises(Unauthorized, match='needs the connection parameter "tenant"'):
        request(policy, given={"api_key": "k"})
    with pytest.raises(InvalidInputs, match='needs the header parameter "Host-Name"'):
        request([{"template": "dynamichosturl", "urlTemplate": "https://@headers('Host-Name')"}])


def test_a_subdomain():
    policy = {"template": "dynamicsubdomain", "subdomain": "@connectionParameters('tenant')"}
    assert request([policy]).url == "https://acme.api.example.com/v1/items/a%2Fb"
    with pytest.raises(InvalidInputs, match="subdomain"):
        request([policy], given={"api_key": "k", "tenant": "evil.example/"})


def test_another_path_below_the_base_and_another_method():
    route = {"template": "routerequesttoendpoint", "newPath": "/x/{id}?@queryParameters('kind')=1", "httpMethod": "PUT"}
    made = request([route], {"kind": "a"})
    assert (made.method, made.url) == ("PUT", "https://api.example.com/v1/x/a%2Fb?kind=a&a=1")
    made = request(
        [{"template": "routerequesttoendpoint", "newPath": "/y", "httpMethod": "@Request.OriginalHTTPMethod"}]
    )
    assert (made.method, made.url) == ("POST", "https://api.example.com/v1/y")


def test_a_value_in_a_new_path_stays_one_segment():
    route = {"template": "routerequesttoendpoint", "newPath": "/t/@headers('Host-Name')/x"}
    assert request([route], {"Host-Name": "../admin?x"}).url.endswith("/t/..%2Fadmin%3Fx/x")


def test_a_polled_path_loses_the_mark_of_the_gateway():
    polled = connector(
        "c",
        {"/trigger/feed": {"get": {"operationId": "Feed", "x-ms-trigger": "batch"}}},
        policies=[{"template": "pollingtrigger", "triggerConfig": {"since": "@{triggerBody().a}"}}],
    )
    assert build_request(polled, polled.operation("Feed"), {}).url == "https://api.example.com/feed"


def test_a_value_from_another_call_is_not_supported_and_says_so():
    with pytest.raises(InvalidInputs, match="setvaluefromurl"):
        request([{"template": "setvaluefromurl", "parameterTemplate": "@headers('T')"}])


def property_(parent, name, value):
    return {
        "template": "setproperty",
        "newPropertyParentPathTemplate": parent,
        "newPropertySubPathTemplate": name,
        "propertyValuePathTemplate": value,
    }


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        (property_("body()", "type", "card"), {"a": 1}, {"a": 1, "type": "card"}),
        (property_("@body()", "n", "30"), {}, {"n": "30"}),
        (property_("@body()", "gifts", "[{@body().gifts}]"), {"gifts": {"n": 1}}, {"gifts": [{"n": 1}]}),
        (property_("@body()", "topics", '["a", "b"]'), {}, {"topics": ["a", "b"]}),
        (
            property_("@body()", "name", "{@body().first} {@body().last}"),
            {"first": "A", "last": "B"},
            {"first": "A", "last": "B", "name": "A B"},
        ),
        (
            property_("@body().rows", "copy", "@item().n"),
            {"rows": [{"n": 1}, {"n": 2}]},
            {"rows": [{"n": 1, "copy": 1}, {"n": 2, "copy": 2}]},
        ),
        (property_("@body()", "a/b", "x"), {}, {"a": {"b": "x"}}),
        (
            {
                "template": "convertarraytoobject",
                "propertyParentPath": "@body()",
                "propertySubPath": "people",
                "keyProperty": "Name",
                "retainKey": "false",
                "newPropertyPath": "@body().byName",
            },
            {"people": [{"Name": "X", "Age": 1}]},
            {"people": [{"Name": "X", "Age": 1}], "byName": {"X": {"Age": 1}}},
        ),
        (
            {
                "template": "convertobjecttoarray",
                "propertyParentPath": "@body()",
                "propertySubPath": "people",
                "newPropertyPath": "@body().list",
                "keyName": "Name",
                "valueName": "Details",
            },
            {"people": {"X": {"Age": 1}}},
            {"people": {"X": {"Age": 1}}, "list": [{"Name": "X", "Details": {"Age": 1}}]},
        ),
        (
            {
                "template": "convertobjecttoarray",
                "propertyParentPath": "@body().sets",
                "propertySubPath": "people",
                "keyName": "Name",
            },
            {"sets": [{"people": {"X": {"Age": 1}}}]},
            {"sets": [{"people": [{"Name": "X", "Age": 1}]}]},
        ),
        (
            {
                "template": "convertarraytoobject",
                "propertyParentPath": "@body()",
                "propertySubPath": "people",
                "keyWithinCollectionPath": "Name",
                "newPropertyPath": "byName",
                "retainKey": "true",
            },
            {"people": [{"Name": "X", "Age": 1}]},
            {"people": [{"Name": "X", "Age": 1}], "byName": {"X": {"Name": "X", "Age": 1}}},
        ),
        (
            {
                "template": "convertarraytoobject",
                "propertyParentPath": "@body().sets",
                "propertySubPath": "people",
                "keyWithinCollectionPath": "@item().Name",
                "newPropertyPath": "people",
            },
            {"sets": [{"people": [{"Name": "X"}]}, {"people": [{"Name": "Y"}]}]},
            {"sets": [{"people": {"X": {"Name": "X"}}}, {"people": {"Y": {"Name": "Y"}}}]},
        ),
        (
            {"template": "stringtoarray", "propertyParentPath": "@body()", "propertySubPath": "tags", "delimiter": ";"},
            {"tags": "a; b"},
            {"tags": ["a", "b"]},
        ),
        (
            {
                "template": "stringtoarray",
                "propertyParentPath": "@body()",
                "propertySubPath": "who.X.Age",
                "delimiterList": ";",
                "childPropertyName": "Age",
                "newPropertyPath": "@body.who.X.Age",
            },
            {"who": {"X": {"Age": "3;0"}, "Y": {"Age": "1;2"}}},
            {"who": {"X": {"Age": [{"Age": "3"}, {"Age": "0"}]}, "Y": {"Age": "1;2"}}},
        ),
        (property_("@body()", "gifts", "[{@body().gifts}]"), {}, {"gifts": []}),
        (
            {
                "template": "stringreplace",
                "propertyParentPath": "@body()",
                "propertySubPath": "t",
                "oldValue": "x",
                "newValue": "y",
            },
            {"t": "axa", "u": "x"},
            {"t": "aya", "u": "x"},
        ),
        (
            {
                "template": "encodepropertyvalue",
                "propertyParentPath": "@body()",
                "propertySubPath": "u",
                "encoding": "url",
            },
            {"u": "a b"},
            {"u": "a%20b"},
        ),
        (
            {
                "template": "moveproperties",
                "propertyParentPath": "@body()",
                "propertySubPath": "inner",
                "newPropertyParentPath": "@body()",
            },
            {"inner": {"a": 1}, "b": 2},
            {"b": 2, "a": 1},
        ),
        ({"template": "updatenextlink", "nextLinkPropertyName": "nextLink"}, {"a": 1}, {"a": 1}),
    ],
)
def test_reshaping_of_requests_and_answers(policy, before, after):
    kept = json.dumps(before)
    assert json.loads(request([policy], {"body": before}).body or b"{}") == after
    answering = connector("c", PATHS, policies=[{**policy, "section": "Response"}])
    assert apply_to_answer(answering, answering.operation("Op"), Connection(), {}, before) == after
    assert json.dumps(before) == kept, "inputs belong to the caller"


def test_a_property_is_set_where_the_author_gave_no_body():
    assert request([property_("@body()", "topics", '["a"]')]).body == b'{"topics":["a"]}'


def test_an_answer_is_read_as_the_type_that_a_policy_gives_it():
    typed = [header("Content-Type", "application/json", section="Response", existsAction="override")]
    answering = connector("c", PATHS, policies=typed)
    told = told_type(answering, answering.operation("Op"), {"content-type": "text/plain", "x-a": "1"})
    assert told == {"content-type": "application/json", "x-a": "1"}


@pytest.mark.parametrize(
    ("action", "after"),
    [("override", {"x-a": "n"}), ("skip", {"x-a": "1"}), ("append", {"x-a": "1, n"}), ("delete", {})],
)
def test_what_happens_to_an_answer_s_header_that_exists(action, after):
    answering = connector("c", PATHS, policies=[header("X-A", "n", section="Response", existsAction=action)])
    headers = {"x-a": "1"}
    apply_to_answer(answering, answering.operation("Op"), Connection(), headers, None)
    assert headers == after


def test_answer_headers():
    answering = connector("c", PATHS, policies=[header("X-Count", "@body().n", section="Response")])
    headers = {"x-old": "1"}
    apply_to_answer(answering, answering.operation("Op"), Connection(), headers, {"n": 3})
    assert headers == {"x-old": "1", "x-count": "3"}
