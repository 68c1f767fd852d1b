"""Bodies as they come: JSON, text, nothing; dotted paths."""

import pytest

from flowengine.triggers.deliveries import Delivery, at_path, read_body, strike_out


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b"", None),
        (b"  \n", None),
        (b"12", 12),
        (b"plain words", "plain words"),
        (b"a=1&b=2", "a=1&b=2"),
        (b'{"broken": ', '{"broken": '),
        (b'{"n": NaN}', '{"n": NaN}'),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_a_body_is_json_or_text(raw, value):
    assert read_body(raw) == value


def test_dotted_paths_walk_objects_and_lists():
    value = {"payload": {"chat": {"id": "C1"}, "users": [{"id": "U1"}]}}
    assert at_path(value, "payload.chat.id") == "C1"
    assert at_path(value, "payload.users.0.id") == "U1"
    assert at_path(value, "payload.users.7.id") is None
    assert at_path(value, "payload.chat.id.deeper") is None
    assert at_path("text", "a") is None


def test_striking_out_leaves_other_bytes_as_they_came():
    raw = b'{ "a" : "hidden-one" ,\n "b": 1.50 }'
    taken = strike_out(Delivery(raw, {"x-echo": "hidden-one"}), secret="hidden-one")
    assert taken.body == b'{ "a" : "***" ,\n "b": 1.50 }'
    assert taken.headers == {"x-echo": "***"}
