"""Inputs of a manual run: defaults, types, and words about what is wrong."""

import pytest

from flowengine.errors import InvalidInputs
from flowengine.findings import Span
from flowengine.spec.flow import Flow, Input
from flowengine.spec.source import Source
from flowengine.spec.triggers import Manual
from flowengine.triggers.inputs import settle_inputs


def flow(**inputs):
    trigger = Manual(key="manual", loc=(), span=Span(1, 1, 1, 1))
    return Flow(
        id="greet", name="Greet", version="v", source=Source("f", ""), triggers=(trigger,), actions=(), inputs=inputs
    )


def settled(declared, given):
    return settle_inputs(flow(it=declared), {"it": given})["it"]


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        ("text", 5, "5"),
        ("text", True, "true"),
        ("number", "5", 5),
        ("number", "-5", -5),
        ("number", "1.5", 1.5),
        ("number", 2, 2),
        ("boolean", "True", True),
        ("boolean", False, False),
        ("date", "2026-03-01", "2026-03-01"),
        ("date", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        ("list", "[1, 2]", [1, 2]),
        ("object", {"a": 1}, {"a": 1}),
    ],
)
def test_texts_of_the_command_line_become_the_declared_type(type_, given, value):
    found = settled(Input(type=type_), given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("type_", "given", "words"),
    [
        ("text", [1], "must be text"),
        ("number", "many", "must be a number"),
        ("number", "inf", "must be a number"),
        ("number", True, "must be a number"),
        ("boolean", "yes", "true or false"),
        ("date", "tomorrow", "2026-03-01"),
        ("list", '{"a": 1}', "must be a list"),
        ("object", "not json", "must be an object"),
    ],
)
def test_a_wrong_type_is_told_with_the_right_one(type_, given, words):
    with pytest.raises(InvalidInputs, match=words) as caught:
        settled(Input(type=type_), given)
    assert caught.value.parameter == "it"


def test_defaults_fill_in_and_required_inputs_are_asked_for():
    assert settle_inputs(flow(a=Input(default="x"), b=Input()), {}) == {"a": "x", "b": None}
    with pytest.raises(InvalidInputs, match=r'"login" \(text\).*missing: The address'):
        settle_inputs(flow(login=Input(required=True, description="The address.")), {})


def test_an_unknown_input_gets_the_nearest_name():
    with pytest.raises(InvalidInputs, match=r'did you mean "login"\?'):
        settle_inputs(flow(login=Input()), {"logn": "x"})
    with pytest.raises(InvalidInputs, match=r'has no input "x"$'):
        settle_inputs(flow(), {"x": 1})


def test_choices_are_listed():
    with pytest.raises(InvalidInputs, match="one of: red, blue; not 'green'"):
        settled(Input(choices=("red", "blue")), "green")
