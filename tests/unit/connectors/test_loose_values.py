"""Values outside the body travel as text, so their spelling is free where nothing is lost; and what fuzzing may send."""

from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.connectors import urls
from flowengine.connectors.bodies import encode
from flowengine.connectors.connection import Connection, read_connections
from flowengine.connectors.draft import Answer, DataBody
from flowengine.connectors.policy_expressions import Context, evaluate_text
from flowengine.connectors.request import build_request
from flowengine.connectors.response import body_of
from flowengine.errors import ActionError, InvalidInputs, OperationFailed
from tests.fakes.definitions import connector


def send(kind, value, **more):
    entry = {"name": "v", "in": "query", "type": kind, **more}
    made = connector("c", {"/a": {"get": {"operationId": "Op", "parameters": [entry]}}})
    return build_request(made, made.operation("Op"), {"v": value}).url.removeprefix("https://api.example.com/a?v=")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("string", 5, "5"),
        ("string", 1.5, "1.5"),
        ("integer", "5", "5"),
        ("number", "1.5", "1.5"),
        ("number", 3, "3"),
        ("boolean", "True", "true"),
        ("array", "a,b", "a%2Cb"),
        ("array", [True, None, 1], "true%2C%2C1"),
        ("array", 7, "7"),
        ("object", '{"a":1}', "%7B%22a%22%3A1%7D"),
        ("object", {"a": 1}, "%7B%22a%22%3A%201%7D"),
    ],
)
def test_spellings_that_are_accepted(kind, value, text):
    assert send(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", True),
        ("string", ["a"]),
        ("string", {"a": 1}),
        ("integer", "five"),
        ("integer", "1.5"),
        ("integer", "nan"),
        ("number", " 1"),
        ("number", []),
        ("boolean", "yes"),
        ("boolean", 1),
        ("array", {"a": 1}),
        ("object", 5),
    ],
)
def test_spellings_that_are_not(kind, value):
    with pytest.raises(InvalidInputs, match="v must be"):
        send(kind, value)


def test_half_characters_are_refused_everywhere():
    with pytest.raises(InvalidInputs, match="half of a character"):
        send("string", "a\ud800")
    text = connector(
        "c",
        {
            "/a": {
                "post": {"operationId": "Op", "parameters": [{"name": "t", "in": "body", "schema": {"type": "string"}}]}
            }
        },
        consumes=["text/plain"],
    )
    with pytest.raises(InvalidInputs, match="half of a character"):
        build_request(text, text.operation("Op"), {"t": "a\ud800"})


def test_choices_by_their_text():
    assert send("integer", "2", enum=[1, 2]) == "2"
    with pytest.raises(InvalidInputs, match="write one of: 1, 2"):
        send("integer", "3", enum=[1, 2])


def body_with(schema, inputs):
    entry = {"name": "body", "in": "body", "schema": schema, "required": True}
    made = connector("c", {"/a": {"post": {"operationId": "Op", "parameters": [entry]}}})
    return build_request(made, made.operation("Op"), inputs).body


def test_free_objects_take_anything_and_named_extras_are_checked():
    assert body_with({"type": "object"}, {"any": [1]}) == b'{"any":[1]}'
    extras = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}}
    assert body_with(extras, {"a": "x", "n": 1}) == b'{"a":"x","n":1}'
    with pytest.raises(InvalidInputs, match="n must be a whole number"):
        body_with(extras, {"n": "x"})
    assert body_with({**extras, "additionalProperties": True}, {"n": "x"}) == b'{"n":"x"}'


def test_nothing_is_sent_where_it_is_allowed_and_missing_where_not():
    nullable = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "string", "x-nullable": True}, "b": {"type": "integer"}},
    }
    assert body_with(nullable, {"a": None, "b": None}) == b'{"a":null,"b":null}'
    with pytest.raises(InvalidInputs, match="a is missing"):
        body_with(nullable, {})


def test_a_whole_body_of_another_kind():
    numbers = {"type": "array", "items": {"type": "integer"}}
    with pytest.raises(InvalidInputs, match="body is missing: a list is required"):
        body_with(numbers, {})
    with pytest.raises(InvalidInputs, match='no parameter "boddy"; did you mean "body"'):
        body_with(numbers, {"boddy": [1]})
    with pytest.raises(InvalidInputs, match=r"^body\.0 must be a whole number"):
        body_with(numbers, {"body": ["x"]})
    assert body_with({**numbers, "default": [1], "x-ms-visibility": "internal"}, {}) == b"[1]"
    with pytest.raises(InvalidInputs, match="body must be an object"):
        body_with({"type": "object", "properties": {"a": {}}}, {"body": "text"})


def test_files_that_are_none():
    binary = {"type": "string", "format": "binary"}
    for wrong, told in [
        ({"$content": "not base64!"}, "is not base64"),
        (5, "must be text or"),
        ({"a": 1}, "must be text or"),
    ]:
        with pytest.raises(InvalidInputs, match=told):
            body_with(binary, {"body": wrong})


def test_a_visible_default_is_named_when_it_is_missing():
    with pytest.raises(InvalidInputs, match=r"a is missing: text is required, usually 'x'"):
        body_with({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}}}, {})


@given(st.text(min_size=1).filter(lambda text: not set(text) & set("\r\n\0")))
def test_a_path_value_comes_back_as_it_was_and_stays_one_segment(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    encoded = urls.encode_segment("p", text)
    assert unquote(encoded) == text
    assert not set(encoded) & set("/?#% ") - {"%"}


@given(st.text())
def test_any_text_is_a_policy_expression_or_itself(text):
    assert isinstance(evaluate_text(text, Context()), str)


@given(st.text() | st.binary())
def test_any_text_is_read_as_connections_or_refused_with_a_place(text):
    connections, findings = read_connections(
        text.decode("latin-1") if isinstance(text, bytes) else text, {}, lambda name: None
    )
    assert all(isinstance(connection, Connection) for connection in connections.values())
    assert all(finding.span.line >= 1 for finding in findings)


PLAIN = connector("c", {"/a": {"get": {"operationId": "Op"}}})


@given(
    st.binary(),
    st.sampled_from(["", "application/json", "text/plain; charset=utf-16", "image/png", "application/json; charset=x"]),
)
def test_any_answer_is_data_or_an_error_of_the_action(body, content_type):
    with suppress(OperationFailed):
        body_of(PLAIN, PLAIN.operation("Op"), Answer(200, {"content-type": content_type}, body))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_value_becomes_a_body_or_an_error_of_the_action(value):
    with suppress(ActionError):
        encode(DataBody(value, "application/json"))
