"""Requests worked out by hand, one definition for each feature of Microsoft's format: method, URL, headers and body as the
service would see them. The definitions are our own; each shows one thing that occurs among the public ones."""

import base64
import json

import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.request import build_request
from flowengine.errors import InvalidInputs, Unauthorized
from tests.fakes.definitions import connector

BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()
KEY = {"k": {"type": "apiKey", "in": "header", "name": "X-Key"}}
PNG = {"$content-type": "image/png", "$content": base64.b64encode(b"\x89PNG\r\n").decode()}


def path(name, **more):
    return {"name": name, "in": "path", "required": True, "type": "string", **more}


def query(name, **more):
    return {"name": name, "in": "query", "type": "string", **more}


def header(name, **more):
    return {"name": name, "in": "header", "type": "string", **more}


def form(name, type_="string", **more):
    return {"name": name, "in": "formData", "type": type_, **more}


def body(schema, name="body", **more):
    return {"name": name, "in": "body", "required": True, "schema": schema, **more}


def thing(*required, **properties):
    return {"type": "object", "required": list(required), "properties": properties}


TEXT, NUMBER, FILE = {"type": "string"}, {"type": "integer"}, {"type": "string", "format": "binary"}


def hidden(default, **more):
    return {"type": "string", "default": default, "x-ms-visibility": "internal", **more}


def sent(where, parameters, inputs, *, given=None, account=None, **more):
    """What a definition with one operation sends: (method, URL below the host, headers, body)."""
    method, at = where.split(" ", 1)
    entry = {"operationId": "Op", "parameters": parameters}
    entry |= {key: more.pop(key) for key in ("consumes", "produces", "x-ms-trigger") if key in more}
    if "operation_security" in more:
        entry["security"] = more.pop("operation_security")
    found = connector("c", {at: {method.lower(): entry}}, connection=account, **more)
    made = build_request(found, found.operation("Op"), inputs, Connection("c", "c", given or {}))
    headers = {name: value for name, value in made.headers if name != "Accept"}
    return made.method, made.url.removeprefix("https://api.example.com"), headers, made.body


def url(*arguments, **more):
    return sent(*arguments, **more)[1]


@pytest.mark.parametrize(
    ("at", "parameters", "inputs", "expected"),
    [
        ("/a/{id}", [path("id")], {"id": "x/y z?&#%"}, "/a/x%2Fy%20z%3F%26%23%25"),
        ("/a({id})/b", [path("id")], {"id": "7"}, "/a(7)/b"),
        ("/a('{x}',f='{y}')", [path("x"), path("y")], {"x": "o'n", "y": "2"}, "/a('o%27n',f='2')"),
        ("/v{v}/x", [path("v")], {"v": "2"}, "/v2/x"),
        ("/{a}-{b}.json", [path("a"), path("b")], {"a": "1", "b": "2"}, "/1-2.json"),
        ("/a/{Device ID}/b c", [path("Device ID")], {"Device ID": "d 1"}, "/a/d%201/b%20c"),
        ("/a/{ID}", [path("id")], {"id": "x"}, "/a/x"),
        ("/files/{path*}", [path("path")], {"path": "a/b"}, "/files/a%2Fb"),
        ("/a/{id}", [path("id", **{"x-ms-url-encoding": "double"})], {"id": "a/b c"}, "/a/a%252Fb%2520c"),
        ("/a/{id}", [path("id", **{"x-ms-url-encoding": "single"})], {"id": "a/b"}, "/a/a%2Fb"),
        ("/a/{id}", [path("id", type="integer")], {"id": 12}, "/a/12"),
        ("/a/{ok}", [path("ok", type="boolean")], {"ok": True}, "/a/true"),
        ("/a/{n}", [path("n", type="number")], {"n": 1.5}, "/a/1.5"),
        ("/a/{id}", [path("id", **hidden("me"))], {}, "/a/me"),
        ("/a?fixed=1#two", [], {}, "/a?fixed=1"),
        ("/a?id={id}", [path("id")], {"id": "x y"}, "/a?id=x%20y"),
        ("/a%20b/c", [], {}, "/a%20b/c"),
        ("/", [], {}, "/"),
        ("/a/", [], {}, "/a/"),
        ("/a", [query("q")], {"q": "1+1=2&"}, "/a?q=1%2B1%3D2%26"),
        ("/a", [query("$filter")], {"$filter": "x eq 'y'"}, "/a?$filter=x%20eq%20%27y%27"),
        ("/a", [query("q", **{"x-ms-url-encoding": "double"})], {"q": "a b"}, "/a?q=a%2520b"),
        ("/a", [query("ids", type="array", items=NUMBER)], {"ids": [1, 2]}, "/a?ids=1%2C2"),
        ("/a", [query("ids", type="array", collectionFormat="multi")], {"ids": ["x"]}, "/a?ids=x"),
        ("/a", [query("q"), query("p")], {"p": "1", "q": "2"}, "/a?q=2&p=1"),
        ("/a", [query("q", default="shown")], {}, "/a"),
        ("/a", [query("q", **hidden("v1"), required=True)], {}, "/a?q=v1"),
        ("/a", [query("q", **hidden("v1"))], {}, "/a"),
        ("/a", [query("q", type="boolean")], {"q": False}, "/a?q=false"),
        ("/a", [query("q")], {"q": ""}, "/a?q="),
        ("/a", [query("q")], {"q": "Grüße"}, "/a?q=Gr%C3%BC%C3%9Fe"),
        ("/a", [{**query("q"), "in": "Query"}], {"q": "1"}, "/a?q=1"),
    ],
)
def test_addresses(at, parameters, inputs, expected):
    assert url(f"GET {at}", parameters, inputs) == expected


@pytest.mark.parametrize(
    ("base", "host", "expected"),
    [
        ("", "api.example.com", "https://api.example.com/a"),
        ("/", "api.example.com", "https://api.example.com/a"),
        ("/v1/", "api.example.com/", "https://api.example.com/v1/a"),
        ("v1", "https://api.example.com", "https://api.example.com/v1/a"),
        ("/v1", "api.example.com:8443", "https://api.example.com:8443/v1/a"),
    ],
)
def test_hosts(base, host, expected):
    found = connector("c", {"/a": {"get": {"operationId": "Op"}}}, base=base, host=host)
    assert build_request(found, found.operation("Op"), {}).url == expected


DEEP = thing("kind", "inner", kind=hidden("card"), inner=thing("mode", mode=hidden("fast"), note=TEXT), name=TEXT)
LISTED = {"type": "array", "items": thing("kind", kind=hidden("row"), n=NUMBER)}


@pytest.mark.parametrize(
    ("parameter", "inputs", "consumes", "content_type", "expected"),
    [
        (body(thing(a=TEXT)), {"a": "x"}, None, "application/json", b'{"a":"x"}'),
        (body(thing(a=TEXT), "ticket"), {"ticket": {"a": "x"}}, None, "application/json", b'{"a":"x"}'),
        (body(thing(a=TEXT)), {}, None, "application/json", b"{}"),
        (body(DEEP), {"name": "n"}, None, "application/json", b'{"name":"n","kind":"card","inner":{"mode":"fast"}}'),
        (body(LISTED, "rows"), {"rows": [{"n": 1}]}, None, "application/json", b'[{"n":1,"kind":"row"}]'),
        (body({"type": "array", "items": TEXT}), {"body": ["a"]}, None, "application/json", b'["a"]'),
        (body({"type": "array", "items": TEXT}), {"body": []}, None, "application/json", b"[]"),
        (body({"type": "integer"}), {"body": 5}, None, "application/json", b"5"),
        (body({"type": "boolean"}), {"body": True}, None, "application/json", b"true"),
        (body(TEXT), {"body": "plain"}, ["text/plain"], "text/plain", b"plain"),
        (body(TEXT), {"body": "plain"}, None, "application/json", b'"plain"'),
        (body(TEXT), {"body": "<a/>"}, ["application/xml"], "application/xml", b"<a/>"),
        (body(FILE), {"body": PNG}, ["application/octet-stream"], "image/png", b"\x89PNG\r\n"),
        (body(FILE), {"body": "text"}, ["image/png"], "image/png", b"text"),
        (body(FILE), {"body": "text"}, None, "application/octet-stream", b"text"),
        (
            body(thing(f={"type": "string", "format": "byte"})),
            {"f": PNG},
            None,
            "application/json",
            b'{"f":"iVBORw0K"}',
        ),
        (body(thing(n={"type": "number"})), {"n": 1.50}, None, "application/json", b'{"n":1.5}'),
        (body(thing(a=TEXT)), {"a": None}, None, "application/json", b'{"a":null}'),
        (
            body(thing(a=TEXT)),
            {"a": "é"},
            ["application/vnd.api+json"],
            "application/vnd.api+json",
            '{"a":"é"}'.encode(),
        ),
        (body({"type": "object"}), {"any": {"thing": [1]}}, None, "application/json", b'{"any":{"thing":[1]}}'),
        (body({}), {"body": [1]}, None, "application/json", b"[1]"),
        (
            body({"type": "object", "additionalProperties": {"type": "integer"}}),
            {"x": 1},
            None,
            "application/json",
            b'{"x":1}',
        ),
        (
            body({"allOf": [thing("a", a=TEXT), thing(b=NUMBER)]}),
            {"a": "1", "b": 2},
            None,
            "application/json",
            b'{"a":"1","b":2}',
        ),
        (
            body(thing(a=TEXT, b={"type": "array", "items": TEXT})),
            {"a": "x y", "b": ["1", "2"]},
            ["application/x-www-form-urlencoded"],
            "application/x-www-form-urlencoded",
            b"a=x+y&b=1%2C2",
        ),
        (
            [form("a"), form("b", "integer"), form("c", "array", items=TEXT)],
            {"a": "1&2", "b": 3, "c": ["x", "y"]},
            ["application/x-www-form-urlencoded"],
            "application/x-www-form-urlencoded",
            b"a=1%262&b=3&c=x%2Cy",
        ),
    ],
)
def test_bodies(parameter, inputs, consumes, content_type, expected):
    more = {"consumes": consumes} if consumes else {}
    parameters = parameter if isinstance(parameter, list) else [parameter]
    method, at, headers, raw = sent("POST /a", parameters, inputs, **more)
    assert (method, at, headers, raw) == ("POST", "/a", {"Content-Type": content_type}, expected)


def parts(raw):
    boundary = raw.split(b"\r\n", 1)[0]
    return [part.strip(b"\r\n") for part in raw.split(boundary)[1:-1]]


MULTIPART = {"consumes": ["multipart/form-data"]}


@pytest.mark.parametrize(
    ("parameters", "inputs", "expected"),
    [
        (
            [form("f", "file")],
            {"f": PNG},
            [b'Content-Disposition: form-data; name="f"; filename="f"\r\nContent-Type: image/png\r\n\r\n\x89PNG'],
        ),
        (
            [form("f", "file"), form("note")],
            {"f": {**PNG, "$filename": "a.png"}, "note": "n"},
            [
                b'Content-Disposition: form-data; name="f"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG',
                b'Content-Disposition: form-data; name="note"\r\n\r\nn',
            ],
        ),
        (
            [form("f", format="binary")],
            {"f": "text"},
            [b'Content-Disposition: form-data; name="f"; filename="f"\r\nContent-Type: application/octet-stream\r\n\r\ntext'],
        ),
        (
            [form("f", "array", items=FILE)],
            {"f": ["one", "two"]},
            [
                b'Content-Disposition: form-data; name="f"; filename="f"\r\nContent-Type: application/octet-stream\r\n\r\none',
                b'Content-Disposition: form-data; name="f"; filename="f"\r\nContent-Type: application/octet-stream\r\n\r\ntwo',
            ],
        ),
        (
            [body(thing(a=TEXT, o={"type": "object"}))],
            {"a": "x", "o": {"k": 1}},
            [
                b'Content-Disposition: form-data; name="a"\r\n\r\nx',
                b'Content-Disposition: form-data; name="o"\r\nContent-Type: application/json\r\n\r\n{"k":1}',
            ],
        ),
    ],
)  # fmt: skip
def test_multipart(parameters, inputs, expected):
    _, _, headers, raw = sent("POST /a", parameters, inputs, **MULTIPART)
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert parts(raw) == expected


@pytest.mark.parametrize(
    ("scheme", "given", "headers", "tail"),
    [
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, {"api_key": "k"}, {"X-Key": "k"}, ""),
        ({"type": "apiKey", "in": "query", "name": "key"}, {"api_key": "a b"}, {}, "?key=a%20b"),
        ({"type": "apiKey", "in": "Header", "name": "X-Key"}, {"header X-Key": "k"}, {"X-Key": "k"}, ""),
        ({"type": "basic"}, {"username": "ann", "password": "s3cret"}, {"Authorization": BASIC}, ""),
        ({"type": "oauth2"}, {"access_token": "t"}, {"Authorization": "Bearer t"}, ""),
    ],
)
def test_signing_in(scheme, given, headers, tail):
    account = {name: {"type": "securestring"} for name in given if " " not in name}
    found = sent("GET /a", [], {}, given=given, account=account, security={"s": scheme})
    assert (found[1], found[2]) == (f"/a{tail}", headers)


def test_a_key_that_a_policy_writes_is_signed_in_by_the_policy():
    policies = [{"template": "setheader", "name": "X-Key", "value": "@connectionParameters('secretKey','')"}]
    account = {"secretKey": {"type": "securestring"}, "other": {"type": "string"}}
    found = sent("GET /a", [], {}, given={"secretKey": "k"}, account=account, security=KEY, policies=policies)
    assert found[2] == {"X-Key": "k"}
    with pytest.raises(Unauthorized):
        sent("GET /a", [], {}, given={"other": "k"}, account=account, security=KEY, policies=policies)


def policy(template, **parameters):
    return {"template": template, **parameters}


CREDENTIALS = {"api_key": {"type": "securestring"}, "tenant": {"type": "string"}}
GIVEN = {"api_key": "k", "tenant": "acme"}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([policy("setheader", name="A", value="1", existsAction="skip")], ("GET", "/v1/a/7", {"A": "1"})),
        ([policy("SetHeader", Name="A", VALUE="1")], ("GET", "/v1/a/7", {"A": "1"})),
        ([policy("setheader", name="H", existsAction="delete", value="-")], ("GET", "/v1/a/7", {})),
        ([policy("setheader", name="A", value='Token @connectionParameters("tenant")')], ("GET", "/v1/a/7", {"A": "Token acme"})),
        ([policy("setheader", name="A", value="@{connectionParameters('tenant')}!")], ("GET", "/v1/a/7", {"A": "acme!"})),
        ([policy("setheader", name="A", value="1", section="Failure")], ("GET", "/v1/a/7", {})),
        ([policy("setheader", name="A", value="1", operations=[""])], ("GET", "/v1/a/7", {"A": "1"})),
        ([policy("setheader", name="A", value="1", operations="Op")], ("GET", "/v1/a/7", {"A": "1"})),
        ([policy("setheader", name="A", value="1", operations=["Other"])], ("GET", "/v1/a/7", {})),
        ([policy("setqueryparameter", name="t", value="@connectionParameters('tenant')")], ("GET", "/v1/a/7?t=acme", {})),
        ([policy("routerequesttoendpoint", newPath="/b/{id}/c", httpMethod="POST")], ("POST", "/v1/b/7/c", {})),
        ([policy("routerequesttoendpoint", newPath="b", httpMethod="@Request.OriginalHTTPMethod")], ("GET", "/v1/b", {})),
        ([policy("dynamichosturl", urlTemplate="https://@connectionParameters('tenant').x.example/api")], ("GET", "https://acme.x.example/api/a/7", {})),
        (
            [policy("routerequesttoendpoint", newPath="/b"), policy("dynamichosturl", urlTemplate="https://x.example/p/")],
            ("GET", "https://x.example/p/b", {}),
        ),
        ([policy("updatenextlink", nextLinkPropertyName="next")], ("GET", "/v1/a/7", {})),
        ([policy("setconnectionstatustounauthenticated", statusCode=401)], ("GET", "/v1/a/7", {})),
    ],
)  # fmt: skip
def test_policies(policies, expected):
    parameters = [path("id"), header("H")]
    found = sent(
        "GET /a/{id}", parameters, {"id": "7"}, given=GIVEN, account=CREDENTIALS, base="/v1", policies=policies
    )
    assert found[:3] == expected


def test_a_callback_url_at_any_depth():
    schema = thing(
        "hook", hook=thing("to", to=thing("url", url={**TEXT, "x-ms-notification-url": True}), on=hidden("new"))
    )
    parameters = [body(schema, "subscription")]
    made = sent("POST /hooks", parameters, {"$callback_url": "https://me.example/h"}, **{"x-ms-trigger": "single"})
    assert json.loads(made[3])["hook"]["to"] == {"url": "https://me.example/h"}


def test_a_service_behind_microsoft_s_gateway_needs_an_address_of_its_own():
    account = {"gateway": {"type": "gatewaySetting", "uiDefinition": {"constraints": {"required": "true"}}}}
    with pytest.raises(InvalidInputs, match="on-premises gateway"):
        sent("GET /a", [], {}, account=account)
    assert sent("GET /a", [], {}, account={"gateway": {"type": "gatewaySetting"}})[1] == "/a"


def test_a_placeholder_that_is_no_parameter_is_refused():
    with pytest.raises(InvalidInputs, match=r'no parameter for "\{id\}"'):
        sent("GET /a/{id}", [], {})
