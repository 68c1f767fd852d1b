import json

import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.request import build_request
from flowengine.errors import Blocked, InvalidInputs
from flowengine.manifests.catalog import Catalog

HTTP = Catalog([]).get("http")


def build(operation, inputs, connection=None):
    return build_request(HTTP, HTTP.operation(operation), inputs, connection)


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ({"a": [1]}, "application/json", b'{"a":[1]}'),
        ([1], "application/json", b"[1]"),
        ("text", "text/plain; charset=utf-8", b"text"),
        (5, "application/json", b"5"),
        ({"$content-type": "image/png", "$content": "aGk="}, "image/png", b"hi"),
    ],
)
def test_bodies_by_their_type(body, content_type, sent):
    request = build("post", {"url": "https://hooks.example.com/x", "body": body})
    assert (request.method, request.url, request.body) == ("POST", "https://hooks.example.com/x", sent)
    assert dict(request.headers) == {"Content-Type": content_type}


def test_a_header_decides_how_the_body_is_written():
    form = build(
        "post",
        {
            "url": "https://e.example.com",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "body": {"a": "b c"},
        },
    )
    assert (form.url, form.body) == ("https://e.example.com/", b"a=b+c")
    text = build(
        "post", {"url": "https://e.example.com", "headers": {"content-type": "application/json"}, "body": "hi"}
    )
    assert text.body == b'"hi"'


def test_the_url_is_kept_and_completed():
    request = build(
        "get", {"url": " https://e.example.com:8443/a b%20c?x=1 2&y=%41 ", "query": {"z": ["1", "2"], "e": "a&b"}}
    )
    assert request.url == "https://e.example.com:8443/a%20b%20c?x=1%202&y=%41&z=1&z=2&e=a%26b"


def test_request_needs_a_method():
    assert build("request", {"url": "https://e.example.com/", "method": "PATCH", "body": {}}).method == "PATCH"
    with pytest.raises(InvalidInputs, match="method"):
        build("request", {"url": "https://e.example.com/"})
    with pytest.raises(InvalidInputs, match="method"):
        build("request", {"url": "https://e.example.com/", "method": "TRACE"})


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"url": "example.com"},
        {"url": "ftp://example.com"},
        {"url": "https://user:pass@example.com"},
        {"url": "https://"},
        {"url": "https://[::1"},
        {"url": "https://example.com/\r\nX"},
        {"url": "https://example.com", "headers": {"X": "a\nb"}},
        {"url": "https://example.com", "headers": {"X Y": "a"}},
        {"url": "https://example.com", "headers": {"": "a"}},
        {"url": "https://example.com", "bdy": 1},
    ],
)
def test_what_cannot_be_sent(inputs):
    with pytest.raises(InvalidInputs):
        build("post", inputs)


def test_credentials_go_to_the_connections_own_host_only():
    account = Connection(
        "hooks", "http", {"header X-Key": "k", "query t": "q"}, base_url="https://hooks.example.com/v1"
    )
    request = build("get", {"url": "/a"}, account)
    assert (request.url, request.headers) == ("https://hooks.example.com/v1/a?t=q", (("X-Key", "k"),))
    with pytest.raises(Blocked, match='"hooks" go only to its own `base_url`'):
        build("get", {"url": "https://elsewhere.example.com/a"}, account)
    with pytest.raises(InvalidInputs, match="is for livechat"):
        build("get", {"url": "https://e.example.com"}, Connection("l", "livechat", {"a": "b"}))


def test_a_user_or_a_token():
    user = Connection("a", "http", {"username": "a", "password": "b"}, base_url="https://e.example.com")
    token = Connection("a", "http", {"access_token": "t"}, base_url="https://e.example.com")
    assert build("get", {"url": "/"}, user).headers == (("Authorization", "Basic YTpi"),)
    assert build("get", {"url": "/"}, token).headers == (("Authorization", "Bearer t"),)
    assert json.loads(build("post", {"url": "/", "body": {}}, token).body) == {}
