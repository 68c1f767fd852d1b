import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.request import build_request
from flowengine.errors import Unauthorized
from tests.fakes.definitions import connector

SECURE = {"type": "securestring"}
PLAIN = {"type": "string"}
OAUTH = {"type": "oauthSetting", "oAuthSettings": {"identityProvider": "oauth2"}}
HEADER = {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
QUERY = {"type": "apiKey", "in": "query", "name": "key"}
BEARER = {
    "type": "oauth2",
    "flow": "accessCode",
    "authorizationUrl": "https://a.example.com",
    "tokenUrl": "https://t.example.com",
}


def request(given, *, operation=None, **definition):
    made = connector("c", {"/a": {"get": {"operationId": "Op", **(operation or {})}}}, **definition)
    return build_request(made, made.operation("Op"), {}, Connection("acct", "c", given))


def headers(given, **definition):
    found = dict(request(given, **definition).headers)
    found.pop("Accept")
    return found


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        (
            {"my_key": SECURE, "X-Api-Key": SECURE, "api_key": SECURE},
            {"my_key": "1", "X-Api-Key": "2", "api_key": "3"},
            "1",
        ),
        ({"X-Api-Key": SECURE, "api_key": SECURE}, {"X-Api-Key": "2", "api_key": "3"}, "2"),
        ({"other": SECURE, "api_key": SECURE}, {"other": "1", "api_key": "3"}, "3"),
        ({"site": PLAIN, "token": SECURE}, {"site": "s", "token": "4"}, "4"),
        ({"used": SECURE, "free": SECURE}, {"used": "5", "free": "6"}, "6"),
        ({"one": SECURE, "two": SECURE}, {"one": "1", "header X-Api-Key": "7"}, "7"),
    ],
)
def test_which_parameter_is_the_api_key(declared, given, value):
    policies = [{"template": "setqueryparameter", "name": "p", "value": "@connectionParameters('used', '')"}]
    assert headers(given, connection=declared, security={"my_key": HEADER}, policies=policies)["X-Api-Key"] == value


def test_a_key_in_the_query():
    assert request({"api_key": "a b"}, connection={"api_key": SECURE}, security={"k": QUERY}).url.endswith(
        "/a?key=a%20b"
    )


def test_basic_under_the_names_that_definitions_give():
    expected = {"Authorization": "Basic YTpi"}
    basic = {"b": {"type": "basic"}}
    assert (
        headers({"username": "a", "password": "b"}, connection={"username": PLAIN, "password": SECURE}, security=basic)
        == expected
    )
    assert (
        headers({"username": "a", "apikey": "b"}, connection={"username": PLAIN, "apikey": SECURE}, security=basic)
        == expected
    )
    assert (
        headers({"account": "a", "code": "b"}, connection={"account": PLAIN, "code": SECURE}, security=basic)
        == expected
    )


def test_a_finished_sign_in_is_a_bearer_token():
    assert headers({"access_token": "t"}, connection={"token": OAUTH}, security={"o": BEARER}) == {
        "Authorization": "Bearer t"
    }
    named = {"type": "apiKey", "in": "header", "name": "Authorization"}
    assert headers({"access_token": "t"}, connection={"token": OAUTH}, security={"k": named}) == {
        "Authorization": "Bearer t"
    }
    assert headers({"access_token": "t"}, connection={"token": OAUTH}) == {"Authorization": "Bearer t"}


def test_of_several_objects_any_one_and_within_one_all():
    security = {"a": HEADER, "b": QUERY, "o": BEARER}
    both_or_token = {"operation": {"security": [{"a": [], "b": []}, {"o": []}]}, "security": security}
    declared = {"a": SECURE, "b": SECURE, "token": OAUTH}
    made = request({"a": "1", "b": "2"}, connection=declared, **both_or_token)
    assert dict(made.headers)["X-Api-Key"] == "1"
    assert made.url.endswith("?key=2")
    assert headers({"a": "1", "access_token": "t"}, connection=declared, **both_or_token) == {
        "Authorization": "Bearer t"
    }


def test_an_operation_may_be_anonymous_and_the_root_switches_nothing_off():
    security = {"a": HEADER}
    assert headers({"a": "1"}, connection={"a": SECURE}, security=security, operation={"security": []}) == {}
    made = connector("c", {"/a": {"get": {"operationId": "Op"}}}, security=security, connection={"a": SECURE})
    made.schemas.document["security"] = []
    found = build_request(made, made.operation("Op"), {}, Connection("acct", "c", {"a": "1"}))
    assert ("X-Api-Key", "1") in found.headers


def test_a_scheme_that_is_not_defined_stands_for_those_that_are():
    operation = {"security": [{"unknown": []}]}
    assert headers({"a": "1"}, connection={"a": SECURE}, security={"a": HEADER}, operation=operation) == {
        "X-Api-Key": "1"
    }


@pytest.mark.parametrize(
    ("security", "declared", "told"),
    [
        ({"a": HEADER}, {"a": SECURE}, r'an API key \("a", or "header X-Api-Key"\)'),
        (
            {"b": {"type": "basic"}},
            {"username": PLAIN, "password": SECURE},
            r'user name and a password \("username", "password"\)',
        ),
        ({"o": BEARER}, {"token": OAUTH}, "flowengine connections login"),
    ],
)
def test_what_is_missing_is_told(security, declared, told):
    with pytest.raises(Unauthorized, match=f'the connection "acct" cannot sign in: it needs .*{told}'):
        request({}, connection=declared, security=security)


def test_defaults_of_the_definition_count():
    declared = {"api_key": {**SECURE, "uiDefinition": {"constraints": {"default": "public"}}}}
    assert headers({}, connection=declared, security={"a": HEADER}) == {"X-Api-Key": "public"}


def test_a_key_with_a_line_break_is_refused():
    from flowengine.errors import InvalidInputs

    with pytest.raises(InvalidInputs, match="line break"):
        request({"a": "k\r\nX: 1"}, connection={"a": SECURE}, security={"a": HEADER})
