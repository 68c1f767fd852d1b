"""Who may call what: default-deny, tokens, foreign pages, rebinding."""

import pytest

from flowengine.config import Settings
from flowengine.errors import ConfigurationError
from flowengine.server.api import PREFIX, ROUTES
from flowengine.server.auth import Gate, check_reach, is_loopback, is_public

JSON = {"content-type": "application/json"}


async def passed(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})


async def ask(gate, method="GET", path="/api/v1/runs", **headers):
    sent = []

    async def send(message):
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await gate({"type": "http", "method": method, "path": path, "headers": raw}, None, send)
    return sent[0]["status"]


@pytest.fixture
def local():
    return Gate(passed, Settings(port=8080))


@pytest.fixture
def guarded():
    return Gate(passed, Settings(host="0.0.0.0", token="t0ken"))


async def test_on_loopback_the_local_user_is_trusted(local):
    assert await ask(local, host="127.0.0.1:8080") == 204
    assert await ask(local, host="localhost:8080") == 204
    assert await ask(local, host="[::1]:8080") == 204


async def test_another_host_name_is_refused_on_loopback(local):
    assert await ask(local, host="attacker.example") == 403
    assert await ask(local, host="127.0.0.1.attacker.example:8080") == 403
    assert await ask(local, host="") == 403
    assert await ask(local, host="[") == 403


async def test_the_public_name_is_one_of_ours():
    gate = Gate(passed, Settings(public_url="https://flows.example.com"))
    assert await ask(gate, host="flows.example.com") == 204


async def test_a_change_must_be_a_json_request_of_our_own_pages(local):
    host = {"host": "127.0.0.1:8080"}
    assert await ask(local, "POST", **host) == 415
    assert await ask(local, "POST", content_type="application/x-www-form-urlencoded", **host) == 415
    assert await ask(local, "POST", content_type="application/json; charset=utf-8", **host) == 204
    assert await ask(local, "POST", content_type="application/json", origin="http://127.0.0.1:8080", **host) == 204
    assert await ask(local, "POST", content_type="application/json", origin="https://attacker.example", **host) == 403
    assert await ask(local, "GET", origin="null", **host) == 403


async def test_with_a_token_everything_but_the_public_list_needs_it(guarded):
    assert await ask(guarded) == 401
    assert await ask(guarded, authorization="Bearer wrong") == 401
    assert await ask(guarded, authorization="Basic t0ken") == 401
    assert await ask(guarded, authorization="Bearer t0ken") == 204
    assert await ask(guarded, authorization="bearer t0ken") == 204
    assert await ask(guarded, path="/healthz") == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, PREFIX + path) for method, path, _ in ROUTES]
    + [
        ("GET", "/"),
        ("GET", "/metrics"),
        ("GET", "/api/v1"),
        ("POST", "/healthz"),
        ("GET", "/hooks/f/k"),
        ("POST", "/hooks/f"),
    ],
)
async def test_no_other_route_is_public(guarded, method, path):
    assert not is_public(method, path)
    assert await ask(guarded, method, path) == 401


@pytest.mark.parametrize(
    "path", ["/healthz/../api/v1/runs", "/healthz/", "/hooks/a/b/c", "//healthz", "/approvals/a/b/c"]
)
def test_paths_that_only_look_public_are_not(path):
    assert not is_public("GET", path)
    assert not is_public("POST", path)


def test_serving_other_machines_needs_a_token():
    check_reach(Settings(host="127.0.0.1"))
    check_reach(Settings(host="0.0.0.0", token="x"))
    with pytest.raises(ConfigurationError, match="FLOWENGINE_TOKEN"):
        check_reach(Settings(host="0.0.0.0"))


@pytest.mark.parametrize(
    ("host", "near"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("example.com", False)],
)
def test_what_is_loopback(host, near):
    assert is_loopback(host) is near
