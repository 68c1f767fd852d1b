"""How a registration is ended where only the definition's hidden operation says it."""

import pytest

from flowengine.manifests.unsubscribing import unsubscribing
from tests.fakes.definitions import connector


def made(delete_path, *parameters, subscribe="/hooks", visibility="internal", method="delete"):
    names = [part[1:].partition("}")[0] for part in delete_path.split("{")[1:] for part in ["{" + part]]
    own = [{"name": name, "in": "path", "type": "string", "required": True} for name in names]
    body = {
        "name": "b",
        "in": "body",
        "schema": {"properties": {"url": {"type": "string", "x-ms-notification-url": True}}},
    }
    found = connector(
        "c",
        {
            subscribe: {"post": {"operationId": "On", "x-ms-trigger": "single", "parameters": [body]}},
            delete_path: {
                method: {"operationId": "Forget", "x-ms-visibility": visibility, "parameters": [*own, *parameters]}
            },
        },
    )
    return lambda answer=None, location="", **inputs: unsubscribing(
        found, found.operation("On"), inputs, answer, location
    )


def test_the_location_fills_the_path_of_the_hidden_operation():
    end = made("/hooks/{id}")
    assert end(location="https://x.example/v1/hooks/a%20b") == ("Forget", {"id": "a b"})
    assert end(location="/v1/hooks/7/") == ("Forget", {"id": "7"})
    assert end({"id": 1}, location="https://x.example/other/7") is None, "that address is deleted as it is"


@pytest.mark.parametrize(
    ("answer", "id_"),
    [
        ({"id": 7, "name": "x"}, 7),
        ({"hookId": "h", "id": "other"}, "h"),
        ({"data": {"subscription_id": "s", "url": "u"}}, "s"),
        ([{"Id": 3}], 3),
        ("just-the-id", "just-the-id"),
    ],
)
def test_without_a_location_the_answer_holds_the_id(answer, id_):
    assert made("/hooks/{hookId}")(answer) == ("Forget", {"hookId": id_})


def test_what_was_registered_fills_what_else_is_needed():
    end = made("/forms/{form_id}/{hook}/unsubscribe", subscribe="/forms/{formID}/subscribe")
    assert end({"id": 1}, formID="f") == ("Forget", {"form_id": "f", "hook": 1})
    assert end({"id": 1}) is None, "two unknowns are a guess"


def test_nothing_is_guessed():
    assert made("/hooks/{id}")({"name": "no id here"}) is None
    assert made("/hooks/{id}")({"a_id": 1, "b_id": 2}) is None
    assert made("/tickets/{id}", visibility="")({"id": 1}) is None, "that deletes something else"
    assert made("/hooks/{id}", method="put")({"id": 1}) is None
    needed = {"name": "X-Key", "in": "header", "type": "string", "required": True}
    assert made("/hooks/{id}", needed)({"id": 1}) is None
    filled = {**needed, "default": "k", "x-ms-visibility": "internal"}
    assert made("/hooks/{id}", filled)({"id": 1}) == ("Forget", {"id": 1})
