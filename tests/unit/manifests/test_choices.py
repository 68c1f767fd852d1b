"""Choices of parameters: in the file, and where the service is asked for them."""

import pytest

from flowengine.manifests.choices import Choice, choice_source, choices_in, inputs_of, listed
from flowengine.manifests.operation import Parameter


def parameter(**schema):
    return Parameter("p", "p", "query", required=False, required_always=False, type="string", schema=schema)


def test_what_stands_in_the_file():
    assert listed(parameter(enum=["a", 1])) == [Choice("a", "a"), Choice(1, "1")]
    named = parameter(enum=["a"], **{"x-ms-enum-values": [{"value": "a", "displayName": "First"}, {"value": "b"}]})
    assert listed(named) == [Choice("a", "First"), Choice("b", "b")]
    assert listed(parameter(type="array", items={"enum": ["x"]})) == [Choice("x", "x")]
    assert listed(parameter()) == []
    assert choice_source(parameter()) is None


VALUES = {"operationId": "List", "value-collection": "data", "value-path": "id", "value-title": "meta/name"}
LIST = {"operationId": "List", "itemsPath": "data", "itemValuePath": "id", "itemTitlePath": "meta/name"}
BODY = {"data": [{"id": 1, "meta": {"name": "One"}}, {"id": 2}, {"other": 3}]}
CHOICES = [Choice(1, "One"), Choice(2, "2")]


@pytest.mark.parametrize(
    "mark",
    [
        {"x-ms-dynamic-values": VALUES},
        {"x-ms-dynamic-list": LIST},
        {"x-ms-dynamic-tree": {"settings": {}, "open": LIST}},
        {"x-ms-dynamic-list": LIST, "x-ms-dynamic-values": {"operationId": "Older", "value-path": "x"}},
        {"type": "array", "items": {"x-ms-dynamic-list": LIST}},
    ],
)
def test_each_mark_names_the_operation_and_the_places(mark):
    source = choice_source(parameter(**mark))
    assert source.operation == "List"
    assert choices_in(source, BODY) == CHOICES


@pytest.mark.parametrize(
    "body",
    [BODY["data"], {"value": BODY["data"]}, {"rows": BODY["data"], "count": 3}, {"items": BODY["data"], "x": []}],
)
def test_where_the_items_are_when_nothing_says(body):
    source = choice_source(parameter(**{"x-ms-dynamic-values": {**VALUES, "value-collection": ""}}))
    assert choices_in(source, body) == CHOICES


def test_plain_items_and_answers_without_any():
    source = choice_source(parameter(**{"x-ms-dynamic-list": {"operationId": "List", "itemValuePath": "id"}}))
    assert choices_in(source, ["a", "b"]) == [Choice("a", "a"), Choice("b", "b")]
    assert choices_in(source, {"id": 7}) == [Choice(7, "7")]
    assert choices_in(source, None) == []
    assert choices_in(source, "text") == []


def test_inputs_of_the_listing_operation():
    given = {
        "fixed": "a",
        "valued": {"value": 3},
        "older": {"parameter": "room"},
        "newer": {"parameterReference": "body/place/id"},
        "optional": {"parameterReference": "missing", "required": False},
    }
    source = choice_source(parameter(**{"x-ms-dynamic-list": {**LIST, "parameters": given}}))
    inputs, missing = inputs_of(source, {"room": "r", "place": {"id": 9}})
    assert (inputs, missing) == ({"fixed": "a", "valued": 3, "older": "r", "newer": 9}, [])
    assert inputs_of(source, {"body": {"place": {"id": 1}}})[1] == ["room"]
    assert inputs_of(source, {})[1] == ["room", "body.place.id"]
