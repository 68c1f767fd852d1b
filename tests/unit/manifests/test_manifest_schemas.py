"""References, `allOf`, recursion, and bodies flattened to dotted parameters."""

from flowengine.manifests.schema import Schemas, flatten, type_of

DEFINITIONS = {
    "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    "Pet": {
        "allOf": [{"$ref": "#/definitions/Named"}, {"required": ["age"], "properties": {"age": {"type": "integer"}}}],
        "description": "A pet.",
    },
    "Tree": {
        "type": "object",
        "properties": {"value": {}, "children": {"type": "array", "items": {"$ref": "#/definitions/Tree"}}},
    },
    "Loop": {"$ref": "#/definitions/Loop"},
    "a/b c": {"type": "string"},
}
SCHEMAS = Schemas({"definitions": DEFINITIONS})


def paths(schema, **given):
    return [field.path for field in flatten(SCHEMAS, schema, **given)]


def test_all_of_is_merged_with_what_stands_beside_it():
    pet = SCHEMAS.resolve({"$ref": "#/definitions/Pet"})
    assert list(pet["properties"]) == ["name", "age"]
    assert pet["required"] == ["name", "age"]
    assert pet["description"] == "A pet."


def test_what_stands_beside_a_reference_wins():
    pet = SCHEMAS.resolve({"$ref": "#/definitions/Pet", "description": "Mine.", "x-ms-visibility": "internal"})
    assert (pet["description"], pet["x-ms-visibility"]) == ("Mine.", "internal")


def test_references_that_lead_nowhere_mean_anything():
    assert SCHEMAS.resolve({"$ref": "#/definitions/Nothing"}) == {}
    assert SCHEMAS.resolve({"$ref": "#/definitions/Loop"}) == {}
    assert SCHEMAS.resolve({"$ref": "other.json#/definitions/Pet"}) == {}
    assert SCHEMAS.resolve(None) == {}


def test_escaped_reference_parts_are_understood():
    assert SCHEMAS.resolve({"$ref": "#/definitions/a~1b%20c"}) == {"type": "string"}


def test_recursive_schemas_are_listed_once_round():
    assert paths({"$ref": "#/definitions/Tree"}) == ["value", "children"]
    assert paths({"type": "object", "properties": {"tree": {"$ref": "#/definitions/Tree"}}}) == [
        "tree",
        "tree.value",
        "tree.children",
    ]


def test_arrays_are_passed_through_without_an_index():
    users = {"type": "array", "items": {"type": "array", "items": {"properties": {"id": {}}}}}
    assert paths({"properties": {"users": users}}) == ["users", "users.id"]
    assert paths(users, prefix="body") == ["body.id"]


def test_required_is_told_for_its_own_object_and_for_the_whole_way():
    schema = {
        "required": ["a"],
        "properties": {
            "a": {"required": ["x"], "properties": {"x": {}, "y": {}}},
            "b": {"required": ["z"], "properties": {"z": {}}},
        },
    }
    found = {field.path: (field.required, field.required_always) for field in flatten(SCHEMAS, schema)}
    assert found["a.x"] == (True, True)
    assert found["a.y"] == (False, False)
    assert found["b.z"] == (True, False)


def test_what_is_inside_something_internal_is_internal():
    schema = {"properties": {"a": {"x-ms-visibility": "internal", "properties": {"b": {}}}}}
    assert [field.internal for field in flatten(SCHEMAS, schema)] == [True, True]


def test_deep_bodies_are_listed_to_a_limit():
    schema = {"type": "string"}
    for _ in range(40):
        schema = {"properties": {"a": schema}}
    assert len(paths(schema)) == 13


def test_types_are_declared_or_guessed():
    assert type_of({"type": ["null", "integer"]}) == "integer"
    assert type_of({"properties": {}}) == "object"
    assert type_of({"items": {}}) == "array"
    assert type_of({"type": []}) is None
    assert type_of({}) is None
