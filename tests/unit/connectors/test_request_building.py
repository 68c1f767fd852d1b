"""Requests worked out by hand: what Microsoft's gateway would send."""

import json

import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.request import build_request
from flowengine.errors import InvalidInputs
from tests.fakes.definitions import connector


def build(paths, operation, inputs, **more):
    account = Connection("c", "c", more.pop("parameters", {}), base_url=more.pop("base_url", ""))
    made = connector("c", paths, **more)
    return build_request(made, made.operation(operation), inputs, account)


def one(path, method="get", *parameters, **more):
    return {path: {method: {"operationId": "Op", "parameters": list(parameters), **more}}}


def parameter(name, place, kind="string", **more):
    return {"name": name, "in": place, "type": kind, **more}


def body(schema, name="body", **more):
    return {"name": name, "in": "body", "schema": schema, **more}


def url(paths, inputs, **more):
    return build(paths, "Op", inputs, **more).url


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("", "/a", "https://api.example.com/a"),
        ("/", "/a", "https://api.example.com/a"),
        ("/v1/", "/a", "https://api.example.com/v1/a"),
        ("v1", "/a/", "https://api.example.com/v1/a/"),
        ("/v1", "/", "https://api.example.com/v1/"),
        ("/v1", "/a b/c", "https://api.example.com/v1/a%20b/c"),
        ("/v1", "/a?action=go", "https://api.example.com/v1/a?action=go"),
        ("/v1", "/a#second", "https://api.example.com/v1/a"),
    ],
)
def test_base_and_path_meet_at_one_slash(base, path, expected):
    assert url(one(path), {}, base=base) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A/B", "A%2FB"),
        ("a b", "a%20b"),
        ("ü", "%C3%BC"),
        ("50%", "50%25"),
        ("a%2Fb", "a%252Fb"),
        (7, "7"),
        ("?x=1#", "%3Fx%3D1%23"),
    ],
)
def test_path_values_stay_in_their_place(value, expected):
    assert (
        url(one("/items/{id}/x", "get", parameter("id", "path")), {"id": value})
        == f"https://api.example.com/items/{expected}/x"
    )


def test_placeholders_inside_a_segment_and_double_encoding():
    paths = one(
        "/drives('{drive}')/{name}:/content",
        "get",
        parameter("drive", "path"),
        parameter("name", "path", **{"x-ms-url-encoding": "double"}),
    )
    assert url(paths, {"drive": "d 1", "name": "a/b"}) == "https://api.example.com/drives('d%201')/a%252Fb:/content"


@pytest.mark.parametrize("value", ["", ".", "..", "a\r\nb", "a\0"])
def test_path_values_that_would_leave_their_place_are_refused(value):
    with pytest.raises(InvalidInputs):
        url(one("/items/{id}", "get", parameter("id", "path")), {"id": value})


def test_query_values():
    paths = one(
        "/a",
        "get",
        parameter("$filter", "query"),
        parameter("ids", "query", "array", items={"type": "integer"}, collectionFormat="multi"),
        parameter("flag", "query", "boolean"),
        parameter("twice", "query", **{"x-ms-url-encoding": "double"}),
        parameter("none", "query"),
    )
    inputs = {"$filter": "a eq 'b c' & d", "ids": [1, 2], "flag": True, "twice": "x y", "none": None}
    assert url(paths, inputs) == (
        "https://api.example.com/a?$filter=a%20eq%20%27b%20c%27%20%26%20d&ids=1%2C2&flag=true&twice=x%2520y"
    )


def test_hidden_defaults_are_sent_when_required_and_visible_ones_never():
    hidden = {"x-ms-visibility": "internal"}
    paths = one(
        "/a",
        "get",
        parameter("api-version", "query", required=True, default="2", **hidden),
        parameter("optional", "query", default="x", **hidden),
        parameter("shown", "query", default="10"),
        parameter("X-V", "header", required=True, default="3", **hidden),
    )
    request = build(paths, "Op", {})
    assert request.url == "https://api.example.com/a?api-version=2"
    assert ("X-V", "3") in request.headers


def test_hidden_defaults_in_bodies_at_any_depth():
    hidden = {"x-ms-visibility": "internal"}
    schema = {
        "type": "object",
        "required": ["kind", "inner"],
        "properties": {
            "text": {"type": "string"},
            "kind": {"type": "string", "default": "note", **hidden},
            "inner": {
                "type": "object",
                "required": ["deep"],
                "properties": {
                    "deep": {
                        "type": "object",
                        "required": ["n"],
                        "properties": {"n": {"type": "integer", "default": 1, **hidden}},
                    }
                },
            },
            "secret_box": {
                "type": "object",
                **hidden,
                "required": ["v"],
                "properties": {"v": {"type": "string", "default": "w"}},
            },
            "list": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["t"],
                    "properties": {"a": {"type": "integer"}, "t": {"type": "string", "default": "row", **hidden}},
                },
            },
        },
    }
    request = build(one("/a", "post", body(schema)), "Op", {"text": "hi", "list": [{"a": 1}]})
    assert json.loads(request.body) == {
        "text": "hi",
        "list": [{"a": 1, "t": "row"}],
        "kind": "note",
        "inner": {"deep": {"n": 1}},
    }
    whole = {**schema, "required": ["secret_box"]}
    assert json.loads(build(one("/a", "post", body(whole)), "Op", {}).body) == {"secret_box": {"v": "w"}}


TICKET = {
    "type": "object",
    "required": ["message", "requester"],
    "properties": {
        "message": {"type": "string"},
        "priority": {"type": "string", "enum": ["low", "high"]},
        "count": {"type": "integer"},
        "score": {"type": "number"},
        "open": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "requester": {
            "type": "object",
            "required": ["mail"],
            "properties": {"mail": {"type": "string"}, "name": {"type": "string"}},
        },
        "extra": {"type": "object"},
        "anything": {},
    },
}
FINE = {"message": "m", "requester": {"mail": "a@example.com"}}


@pytest.mark.parametrize(
    ("wrong", "parameter_name", "told"),
    [
        ({"message": None}, "message", "message is missing: text is required"),
        ({"requester": {}}, "requester.mail", "requester.mail is missing"),
        ({"requester": None}, "requester.mail", "requester.mail is missing"),
        ({"requester": {"mial": "x"}}, "requester.mial", 'did you mean "requester.mail"'),
        ({"mesage": "x"}, "mesage", 'did you mean "message"'),
        ({"message": 5}, "message", 'put quotes around it: "5"'),
        ({"message": True}, "message", "must be text, not true"),
        ({"count": "many"}, "count", 'must be a whole number, not the text "many"'),
        ({"count": 1.5}, "count", "must be a whole number"),
        ({"count": True}, "count", "must be a whole number, not true"),
        ({"score": "1"}, "score", "must be a number"),
        ({"open": "yes"}, "open", "must be true or false"),
        ({"tags": "a"}, "tags", "must be a list"),
        ({"tags": ["a", 1]}, "tags.1", "must be text"),
        ({"requester": "a@example.com"}, "requester", "must be an object"),
        ({"priority": "hihg"}, "priority", 'did you mean "high"'),
        ({"priority": "zzz"}, "priority", "write one of: low, high"),
    ],
)
def test_mistakes_are_named_before_anything_is_sent(wrong, parameter_name, told):
    with pytest.raises(InvalidInputs) as caught:
        build(one("/t", "post", body(TICKET)), "Op", {**FINE, **wrong})
    assert caught.value.parameter == parameter_name
    assert told in caught.value.message


def test_what_fits_is_sent_as_it_is():
    inputs = {**FINE, "count": 2.0, "score": 1, "extra": {"free": [1]}, "anything": [None], "priority": "low"}
    assert json.loads(build(one("/t", "post", body(TICKET)), "Op", inputs).body) == {**inputs, "count": 2}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (FINE, FINE),
        ({"body": FINE}, FINE),
        ({"body": {"message": "m"}, "requester": {"mail": "a@example.com"}}, FINE),
    ],
)
def test_an_objects_properties_stand_at_the_top_or_under_the_bodys_name(inputs, expected):
    assert json.loads(build(one("/t", "post", body(TICKET)), "Op", inputs).body) == expected


def test_a_property_with_the_bodys_own_name():
    schema = {"type": "object", "properties": {"body": {"type": "string"}, "title": {"type": "string"}}}
    paths = one("/t", "post", body(schema))
    assert json.loads(build(paths, "Op", {"body": "text", "title": "t"}).body) == {"body": "text", "title": "t"}
    assert json.loads(build(paths, "Op", {"body": {"body": "text"}}).body) == {"body": "text"}


def test_a_body_property_with_the_name_of_a_path_parameter():
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    paths = one("/t/{id}", "put", parameter("id", "path", required=True), body(schema, "payload"))
    request = build(paths, "Op", {"id": "7", "payload": {"id": 8}})
    assert (request.url, request.body) == ("https://api.example.com/t/7", b'{"id":8}')
    with pytest.raises(InvalidInputs, match="under the body's own name"):
        build(paths, "Op", {"id": "7"})


def test_no_body_no_content_type():
    optional = one("/t", "post", body({"type": "object", "properties": {"a": {"type": "string"}}}))
    request = build(optional, "Op", {})
    assert request.body is None
    assert [name for name, _ in request.headers] == ["Accept"]
    assert build(one("/t", "post", body({"type": "object"}, required=True)), "Op", {}).body == b"{}"


ENVELOPE = {"$content-type": "image/png", "$content": "aGVsbG8="}


@pytest.mark.parametrize(
    ("schema", "consumes", "value", "content_type", "sent"),
    [
        ({"type": "array", "items": {"type": "integer"}}, ["application/json"], [1, 2], "application/json", b"[1,2]"),
        ({"type": "string"}, ["text/plain"], "hi", "text/plain", b"hi"),
        ({"type": "string"}, [], "hi", "text/plain", b"hi"),
        ({"type": "string"}, ["application/xml"], "<a/>", "application/xml", b"<a/>"),
        ({"type": "string"}, ["application/json"], "hi", "application/json", b'"hi"'),
        ({"type": "string"}, ["application/json"], '{"a": 1}', "application/json", b'{"a": 1}'),
        ({"type": "integer"}, ["application/json"], 5, "application/json", b"5"),
        ({"type": "string", "format": "binary"}, ["application/json"], "raw", "application/octet-stream", b"raw"),
        ({"type": "string", "format": "binary"}, ["application/pdf"], "raw", "application/pdf", b"raw"),
        ({"type": "string", "format": "binary"}, ["application/pdf"], ENVELOPE, "image/png", b"hello"),
        ({}, ["application/json"], [1], "application/json", b"[1]"),
        ({"type": "object"}, ["application/vnd.api+json"], {"a": "ü"}, "application/vnd.api+json", b'{"a":"\xc3\xbc"}'),
    ],
)
def test_bodies_of_every_root_type(schema, consumes, value, content_type, sent):
    request = build(
        one("/t", "post", body(schema, "content"), consumes=consumes), "Op", {"content": value}, consumes=[]
    )
    assert dict(request.headers)["Content-Type"] == content_type
    assert request.body == sent


def test_base64_properties_take_text_base64_or_a_file():
    schema = {"type": "object", "properties": {"file": {"type": "string", "format": "byte"}}}
    paths = one("/t", "post", body(schema))
    for value, expected in [("hello!", "aGVsbG8h"), ("aGVsbG8=", "aGVsbG8="), (ENVELOPE, "aGVsbG8=")]:
        assert json.loads(build(paths, "Op", {"file": value}).body) == {"file": expected}


def test_multipart_with_files():
    paths = one(
        "/upload",
        "post",
        parameter("file", "formData", "file", required=True),
        parameter("folder", "formData"),
        parameter("size", "formData", "integer"),
        consumes=["multipart/form-data"],
    )
    inputs = {"file": {**ENVELOPE, "$filename": 'a".png'}, "folder": "in box", "size": 3}
    request = build(paths, "Op", inputs)
    boundary = dict(request.headers)["Content-Type"].removeprefix("multipart/form-data; boundary=")
    assert request.body.decode() == (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="file"; filename="a%22.png"\r\nContent-Type: image/png\r\n\r\nhello\r\n'
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="folder"\r\n\r\nin box\r\n'
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="size"\r\n\r\n3\r\n'
        f"--{boundary}--\r\n"
    )
    assert build(paths, "Op", inputs) == request


def test_urlencoded_forms():
    paths = one(
        "/token",
        "post",
        parameter("grant type", "formData"),
        parameter("list", "formData", "array", items={"type": "string"}),
        consumes=["application/x-www-form-urlencoded"],
    )
    request = build(paths, "Op", {"grant type": "a&b c", "list": ["x", "y"]})
    assert dict(request.headers)["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"grant+type=a%26b+c&list=x%2Cy"


@pytest.mark.parametrize(
    ("consumes", "sent"),
    [
        ("application/x-www-form-urlencoded", b"a=1&o=%7B%22b%22%3A+true%7D"),
        ("multipart/form-data", b'name="o"\r\nContent-Type: application/json\r\n\r\n{"b":true}'),
    ],
)
def test_an_object_body_goes_as_a_form_when_the_definition_says_so(consumes, sent):
    paths = one("/t", "post", body({"type": "object"}), consumes=[consumes])
    request = build(paths, "Op", {"a": 1, "o": {"b": True}})
    assert sent in request.body


def test_nan_is_refused_and_large_numbers_pass():
    paths = one("/t", "post", body({"type": "object"}))
    with pytest.raises(InvalidInputs, match="cannot be written as JSON"):
        build(paths, "Op", {"a": float("nan")})
    assert build(paths, "Op", {"a": 2**70, "b": None}).body == b'{"a":1180591620717411303424,"b":null}'


def test_header_parameters_and_the_authors_own_content_type():
    paths = one(
        "/t",
        "post",
        parameter("X-Name", "header"),
        parameter("Content-Type", "header"),
        body({"type": "string"}),
        consumes=["text/plain"],
    )
    request = build(paths, "Op", {"X-Name": "ü", "Content-Type": "text/csv", "body": "a;b"})
    assert dict(request.headers) == {"X-Name": "ü", "Content-Type": "text/csv", "Accept": "application/json"}


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_headers_and_queries_cannot_hold_line_breaks(value):
    for place in ("header", "query"):
        with pytest.raises(InvalidInputs, match="X-Name"):
            build(one("/t", "get", parameter("X-Name", place)), "Op", {"X-Name": value})


def test_the_callback_url_goes_to_the_marked_place():
    hook = {"type": "string", "x-ms-notification-url": True, "x-ms-visibility": "internal"}
    schema = {
        "type": "object",
        "required": ["hooks"],
        "properties": {
            "hooks": {
                "type": "array",
                "items": {"type": "object", "required": ["url"], "properties": {"url": hook, "on": {"type": "string"}}},
            }
        },
    }
    notification = {"x-ms-notification-content": {"schema": {"type": "object"}}}
    paths = one("/hooks", "post", body(schema), **{"x-ms-trigger": "single"})
    paths["/hooks"].update(notification)
    address = "https://flows.example.com/hooks/f/k"
    for inputs, expected in [
        ({}, [{"url": address}]),
        ({"hooks": [{"on": "a"}, {"on": "b"}]}, [{"on": "a", "url": address}, {"on": "b", "url": address}]),
        ({"body": {"hooks": [{"on": "a"}]}}, [{"on": "a", "url": address}]),
    ]:
        request = build(paths, "Op", {**inputs, "$callback_url": address})
        assert json.loads(request.body) == {"hooks": expected}


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:9101", "http://127.0.0.1:9101/v1/a"),
        ("http://127.0.0.1:9101/", "http://127.0.0.1:9101/v1/a"),
        ("https://proxy.example.com/desk", "https://proxy.example.com/desk/a"),
    ],
)
def test_a_connection_may_name_another_place(base_url, expected):
    assert url(one("/a"), {}, base="/v1", base_url=base_url) == expected


def test_a_request_does_not_show_its_credentials():
    request = build(one("/a", "get", parameter("key", "query")), "Op", {"key": "canary"})
    assert "canary" not in repr(request)
    assert "canary" not in repr(Connection("c", "c", {"key": "canary"}))


def test_loading_by_path_and_by_name(tmp_path):
    from flowengine import load_connector
    from flowengine.errors import NotFound

    shipped = load_connector("livechat")
    request = shipped.operation("GetTicket").request({"ticketId": "T1"}, {"username": "a@example.com", "apikey": "k"})
    assert request.url == "https://api.livechatinc.com/tickets/T1"
    assert load_connector(shipped.record.folder).name == "livechat"
    with pytest.raises(NotFound, match="GetTicket"):
        shipped.operation("GetTickets")
    with pytest.raises(NotFound, match="livechat"):
        load_connector("livechatt")
