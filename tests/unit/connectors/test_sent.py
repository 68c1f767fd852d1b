"""What the history keeps of a request."""

import pytest

from flowengine.connectors.auth import secret_parameters
from flowengine.connectors.connection import Connection, read_connections
from flowengine.connectors.draft import Request
from flowengine.connectors.request import build_request
from flowengine.connectors.sent import LONGEST_BODY, is_computed, masked, place_of, sent
from flowengine.connectors.spelled import secret_values
from tests.fakes.definitions import connector as definition

JSON = (("Content-Type", "application/json"),)
SECRET = {"type": "securestring"}
PLAIN = definition("plain", {})


def told(request, *secrets, connector=None, connection=None):
    return sent(connector or PLAIN, connection or Connection(), request, secrets)


def test_all_of_a_plain_request_is_kept():
    kept = told(Request("POST", "https://api.example.com/v2/tickets?dry=1", JSON, b'{"message":"h\xc3\xa9"}'))
    assert kept.line == "POST https://api.example.com/v2/tickets?dry=1"
    assert kept.to_json() == {
        "method": "POST",
        "url": "https://api.example.com/v2/tickets?dry=1",
        "headers": {"Content-Type": "application/json"},
        "body": '{"message":"hé"}',
        "left_out": None,
    }


def test_nothing_is_kept_of_what_was_never_formed():
    assert told(Request("", "")) is None
    assert place_of(Request("", "")) is None


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Basic YW5uOng=", "Basic ***"),
        ("authorization", "Bearer abc", "Bearer ***"),
        ("Authorization", "abc", "***"),
        ("Proxy-Authorization", "Basic x", "Basic ***"),
        ("Cookie", "session=abc; other=1", "***"),
        ("X-Api-Key", "abc", "***"),
        ("X-Auth-Token", "abc", "***"),
        ("X-Hub-Signature-256", "sha256=00", "***"),
        ("Idempotency-Key", "run:path", "run:path"),
        ("Accept", "application/json", "application/json"),
    ],
)
def test_headers_that_sign_are_struck_out_whatever_they_hold(name, value, shown):
    assert told(Request("GET", "https://api.example.com/", ((name, value),))).headers == {name: shown}


def test_places_of_the_definition_s_keys_are_struck_out_by_name_however_short_the_key():
    connector = definition(
        "keys",
        {"/things": {"get": {"operationId": "Things", "security": [{"one": [], "two": []}]}}},
        security={
            "one": {"type": "apiKey", "in": "header", "name": "X-One"},
            "two": {"type": "apiKey", "in": "query", "name": "two"},
        },
    )
    connection = Connection(parameters={"header X-One": "ab", "query two": "cd", "query Three": "ef"})
    request = build_request(connector, connector.operation("Things"), {}, connection)
    kept = told(
        Request(request.method, f"{request.url}&Three=ef&four=gh", request.headers),
        connector=connector,
        connection=connection,
    )
    assert kept.headers["X-One"] == "***"
    assert kept.url.endswith("/things?two=***&Three=***&four=gh")


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        (b"\x89PNG\r\n\x1a\n\xff", "9 bytes of image/png"),
        (b"text with a \x00 in it", "19 bytes of image/png"),
    ],
)
def test_a_file_is_told_by_size_and_type(body, left_out):
    kept = told(Request("PUT", "https://api.example.com/", (("content-type", "image/png; q=1"),), body))
    assert (kept.body, kept.left_out) == (None, left_out)
    assert told(Request("PUT", "https://api.example.com/", (), b"\xff")).left_out == "1 bytes of data"


def test_a_long_body_is_cut_and_says_so():
    kept = told(Request("POST", "https://api.example.com/", JSON, b"a" * (LONGEST_BODY + 1_500)))
    assert (len(kept.body), kept.left_out) == (LONGEST_BODY, "1,500 more bytes")


def test_a_letter_at_the_cut_is_no_sign_of_a_file():
    kept = told(Request("POST", "https://api.example.com/", (), b"a" * (LONGEST_BODY - 1) + "é".encode() + b"b"))
    assert kept.body == "a" * (LONGEST_BODY - 1)


def test_a_secret_that_stands_across_the_cut_is_found():
    body = b"a" * (LONGEST_BODY - 3) + b"hidden-value" + b"b" * 100
    kept = told(Request("POST", "https://api.example.com/", (), body), "hidden-value")
    assert kept.body.endswith("a***")


def test_secrets_are_found_as_json_and_urls_write_them():
    connection = Connection(parameters={"password": 'pass "word" ü/'})
    secrets = secret_values(connection, frozenset({"password"}))
    request = Request(
        "POST",
        "https://user:pw@api.example.com/pass%20%22word%22%20%C3%BC%2F?q=pass+%22word%22+%C3%BC%2F",
        (("X-Said", 'pass "word" ü/'),),
        '{"a": "pass \\"word\\" ü/", "b": "pass \\"word\\" \\u00fc/"}'.encode(),
    )
    kept = told(request, *secrets)
    assert kept.url == "https://api.example.com/***?q=***"
    assert kept.headers == {"X-Said": "***"}
    assert kept.body == '{"a": "***", "b": "***"}'


def made_by(*policies):
    body = {"name": "body", "in": "body", "schema": {"type": "object"}}
    paths = {"/things": {"post": {"operationId": "Make", "parameters": [body]}}}
    return definition("made", paths, connection={"key": SECRET, "tenant": {"type": "string"}}, policies=[*policies])


def policy(template, **parameters):
    return {"template": template, **parameters}


@pytest.mark.parametrize(
    ("of", "computed"),
    [
        (policy("setheader", name="X-A", value="@connectionParameters('key')"), True),
        (policy("setheader", name="X-A", value="@connectionParameters('KEY', '')"), True),
        (policy("setheader", name="X-A", value="@headers('Authorization')"), True),
        (policy("setqueryparameter", name="a", value="x@queryParameters('token')"), True),
        (policy("setheader", name="X-A", value="@connectionParameters('tenant')"), False),
        (policy("setheader", name="X-A", value="2"), False),
        (policy("dynamichosturl", urlTemplate="https://@connectionParameters('tenant').example.com"), False),
    ],
)
def test_policies_that_read_what_is_secret_are_recognised(of, computed):
    connector = made_by(of)
    connection = Connection(parameters={"key": "k1", "tenant": "acme"})
    assert is_computed(connector, connector.operation("Make"), connection) is computed


def test_what_policies_make_of_a_secret_is_made_of_its_sign_instead():
    connector = made_by(
        policy("setheader", name="X-Made", value="v1-@connectionParameters('key')"),
        policy("setqueryparameter", name="made", value="@connectionParameters('key')"),
        policy(
            "setproperty",
            newPropertyParentPathTemplate="@body()",
            newPropertySubPathTemplate="made",
            propertyValuePathTemplate="@connectionParameters('key')",
        ),
    )
    connection = Connection(parameters={"key": "k1", "tenant": "acme"})
    plain = build_request(connector, connector.operation("Make"), {"said": "hello"}, connection)
    assert b"k1" in plain.body
    request = build_request(connector, connector.operation("Make"), {"said": "hello"}, masked(connector, connection))
    kept = told(request, *secret_values(connection, secret_parameters(connector, connection)), connector=connector)
    assert kept.headers["X-Made"] == "v1-***"
    assert kept.url.endswith("/things?made=***")
    assert kept.body == '{"said":"hello","made":"***"}'


def test_of_a_request_that_is_all_secrets_the_place_is_kept():
    kept = place_of(Request("GET", "https://ann:pw@api.example.com:8443/hidden?a=b"))
    assert (kept.line, kept.headers, kept.body) == ("GET https://api.example.com:8443", {}, None)
    assert "secrets" in kept.left_out


def test_an_address_may_hold_a_secret():
    text = "hook: { connector: http, base_url: 'https://hooks.example.com/{{ secrets.place }}' }"
    found, findings = read_connections(text, {}, {"place": "T0/B0/hidden"}.get)
    hook = found["hook"]
    assert findings == []
    assert hook.base_url == "https://hooks.example.com/T0/B0/hidden"
    assert hook.shown_url == "https://hooks.example.com/***"
    kept = told(Request("GET", hook.base_url), *secret_values(hook, frozenset()), connection=hook)
    assert kept.url == "https://hooks.example.com/***"
