from datetime import UTC, datetime

import pytest

from flowengine.connectors.draft import Answer
from flowengine.connectors.response import body_of, failure, retry_after, strike_out, text_of, words_of
from flowengine.errors import OperationFailed
from flowengine.types import is_deeper
from tests.fakes.definitions import connector

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(body, content_type="", schema=None, status=200):
    answers = {"200": {"description": "d", **({"schema": schema} if schema else {})}}
    made = connector("c", {"/a": {"get": {"operationId": "Op", "responses": answers}}})
    headers = {"content-type": content_type} if content_type else {}
    return body_of(made, made.operation("Op"), Answer(status, headers, body))


@pytest.mark.parametrize(
    ("body", "content_type", "schema", "value"),
    [
        (b"", "application/json", None, None),
        (b'{"a": 1}', "application/json; charset=utf-8", None, {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', "application/json", None, {"a": 1}),
        ('{"a": "é"}'.encode("latin-1"), "application/json; charset=latin-1", None, {"a": "é"}),
        (b'{"a": "\\ud800"}', "application/json", None, {"a": "\ud800"}),
        (b"[1]", "application/vnd.api+json", None, [1]),
        (b'{"a": 1}', "", None, {"a": 1}),
        (b"hello", "", None, "hello"),
        (b"\xff\xfe", "", None, {"$content-type": "application/octet-stream", "$content": "//4="}),
        ("ünï".encode("latin-1"), "text/plain; charset=iso-8859-1", None, "ünï"),
        (b"a\xff", "text/plain; charset=nonsense", None, "a\ufffd"),
        (b'{"a": 1}', "text/plain", {"type": "object"}, {"a": 1}),
        (b'{"a": 1', "text/plain", {"type": "object"}, '{"a": 1'),
        (b'{"a": 1}', "text/plain", {"type": "string"}, '{"a": 1}'),
        (b"<a/>", "application/xml", None, "<a/>"),
        (b"PDF", "application/pdf", None, {"$content-type": "application/pdf", "$content": "UERG"}),
        (
            b'{"a": 1}',
            "application/json",
            {"type": "string", "format": "binary"},
            {"$content-type": "application/json", "$content": "eyJhIjogMX0="},
        ),
        (b"x", "", {"type": "file"}, {"$content-type": "application/octet-stream", "$content": "eA=="}),
    ],
)
def test_bodies(body, content_type, schema, value):
    assert read(body, content_type, schema) == value


@pytest.mark.parametrize("body", [b"<html>", b'{"a": NaN}', b"{", b"[" * 5000])
def test_what_says_json_and_is_not(body):
    with pytest.raises(OperationFailed, match="not the JSON it says it is"):
        read(body, "application/json")


def test_deep_data_is_refused():
    assert not is_deeper([[1]], 2)
    assert is_deeper([[[1]]], 2)
    with pytest.raises(OperationFailed, match="deeper than 64"):
        read(b"[" * 65 + b"]" * 65, "application/json")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"type": "validation", "message": "Wrong format"}}, "Wrong format (validation)"),
        ({"error": {"code": "NotThere", "message": "No."}}, "No. (NotThere)"),
        ({"error": "invalid_grant", "error_description": "Code expired"}, "Code expired (invalid_grant)"),
        ({"error": "nope"}, "nope"),
        ({"message": "bad\n thing"}, "bad thing"),
        ({"errors": [{"detail": "first"}, {"detail": "second"}]}, "first"),
        ({"errors": ["one", "two"]}, "one"),
        ({"fault": {"faultstring": "x", "message": "deep"}}, "deep"),
        ({"name": ["is required"]}, "is required"),
        ("<html><b>Bad gateway</b></html>", "Bad gateway"),
        ("x" * 600, "x" * 500 + "..."),
        (None, ""),
        ({}, ""),
        (7, ""),
    ],
)
def test_the_services_own_words(body, words):
    assert words_of(body) == words


def test_an_unknown_status_needs_no_phrase():
    made = connector("c", {"/a": {"get": {"operationId": "Op"}}})
    assert failure(made.operation("Op"), 599, {}, None, NOW).message == "c.Op was answered 599"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_in_every_form(value, seconds):
    found = retry_after({"retry-after": value}, NOW)
    assert found == seconds or (found == float("inf") and seconds is None)


def test_secrets_are_struck_out_in_every_spelling():
    secret = 'pä"ss\\1'
    raw = Answer(
        200,
        {"x": f"key={secret}", "y": "fine"},
        b'{"a": "p\xc3\xa4\\"ss\\\\1", "b": "p\\u00e4\\"ss\\\\1"} ' + secret.encode(),
    )
    struck = strike_out(raw, [secret])
    assert struck.body == b'{"a": "***", "b": "***"} ***'
    assert struck.headers == {"x": "key=***", "y": "fine"}
    assert strike_out(raw, ["other-secret"]) is raw


def test_text_in_any_charset():
    assert text_of(Answer(200, {"content-type": 'text/plain; charset="utf-16"'}, "hä".encode("utf-16"))) == "hä"
