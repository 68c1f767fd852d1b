"""Any OpenAPI document as a connector: what is taken along, under which names, and what is told as left out."""

import json

import pytest

from flowengine.connectors.connection import Connection
from flowengine.connectors.request import build_request
from flowengine.manifests.definition import load_connector
from flowengine.manifests.importing import folder_name, import_document

PET = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "kind": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
        "friend": {"$ref": "#/components/schemas/Pet"},
        "size": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        "born": {"type": ["string", "null"], "format": "date"},
        "photo": {"type": "string", "contentEncoding": "base64"},
    },
}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
FILE = {"type": "object", "required": ["file"]}
FILE["properties"] = {"file": {"type": "string", "format": "binary"}, "title": {"type": "string", "nullable": True}}


def content(kind, schema):
    return {"content": {kind: {"schema": schema}}}


def document(**more):
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pet Store!", "version": "1"},
        "servers": [
            {"url": "https://{region}.example.com/v3/", "variables": {"region": {"default": "eu"}}},
            {"url": "https://other.example.com"},
        ],
        "security": [{"token": []}],
        "paths": {
            "/pets": {
                "parameters": [{"$ref": "#/components/parameters/Trace"}],
                "get": {
                    "operationId": "list pets",
                    "parameters": [
                        {"name": "kinds", "in": "query", "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Kind"}}},
                        {"name": "filter", "in": "query", "content": {"application/json": {"schema": PET}}},
                        {"name": "sid", "in": "cookie", "schema": {"type": "string"}},
                    ],
                    "responses": {"200": {"description": "", **content("application/json", {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}})}},
                },
                "post": {
                    "requestBody": {"required": True, "content": {"application/xml": {}, "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                    "responses": {"201": {"$ref": "#/components/responses/Made"}},
                },
            },
            "/pets/{id}/photo": {
                "put": {"operationId": "setPhoto", "parameters": [ID], "requestBody": content("multipart/form-data", FILE), "responses": {}},
                "post": {"operationId": "setPhoto", "parameters": [ID], "requestBody": content("image/png", {}), "responses": {}},
                "patch": {"operationId": "rename", "parameters": [ID], "requestBody": content("application/x-www-form-urlencoded", {"$ref": "#/components/schemas/Pet"}), "responses": {}},
                "get": {"operationId": "photo", "parameters": [ID], "responses": {"200": {"description": "", "content": {"image/png": {}}}}},
            },
        },
        "components": {
            "schemas": {"Pet": PET, "Kind": {"type": "string", "enum": ["cat", "dog"]}},
            "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"const": "pets"}}},
            "responses": {"Made": {"description": "made", **content("application/json", {"$ref": "#/components/schemas/Pet"})}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}, "sid": {"type": "apiKey", "in": "cookie", "name": "s"}},
        },
        **more,
    }  # fmt: skip


@pytest.fixture
def written(tmp_path):
    """Import a document and read it back as a connector; gives it with what was told."""

    def written(source, url=""):
        imported = import_document(source, url)
        folder = tmp_path / imported.name
        folder.mkdir(exist_ok=True)
        (folder / "apiDefinition.swagger.json").write_text(json.dumps(imported.definition))
        (folder / "apiProperties.json").write_text(json.dumps(imported.properties))
        return load_connector(folder), imported

    return written


def sent(connector, operation, inputs, **account):
    return build_request(connector, connector.operation(operation), inputs, Connection("c", connector.name, account))


def test_an_openapi_3_document_becomes_a_connector_that_can_be_called(written):
    pets, imported = written(document())
    assert (imported.name, pets.base_url) == ("pet-store", "https://eu.example.com/v3")
    assert list(pets.operations) == ["list_pets", "PostPets", "setPhoto", "setPhoto_2", "rename", "photo"]
    listing = sent(pets, "list_pets", {"kinds": ["cat", "dog"]}, api_key="t-1")
    assert listing.url == "https://eu.example.com/v3/pets?kinds=cat%2Cdog"
    assert dict(listing.headers)["Authorization"] == "Bearer t-1"
    made = sent(pets, "PostPets", {"name": "Rex", "friend": {"name": "Bo"}, "size": "big", "born": None}, api_key="t")
    assert json.loads(made.body) == {"name": "Rex", "friend": {"name": "Bo"}, "size": "big", "born": None}
    assert dict(made.headers)["Content-Type"] == "application/json"


def test_forms_and_files(written):
    pets, _ = written(document())
    form = sent(pets, "setPhoto", {"id": 1, "file": "PNG"}, api_key="t")
    assert b'name="file"; filename="file"' in form.body
    assert sent(pets, "setPhoto_2", {"id": 1, "body": "PNG"}, api_key="t").body == b"PNG"
    assert sent(pets, "rename", {"id": 1, "name": "B o"}, api_key="t").body == b"name=B+o"
    assert pets.operation("photo").returns == {"type": "string", "format": "binary"}
    assert pets.operation("PostPets").parameter("photo").format == "byte"


def test_what_cannot_be_taken_along_is_told(written):
    _, imported = written(document())
    told = " ".join(imported.remarks)
    for word in ("2 servers", "cookie", "several content types", "several shapes", '"sid"'):
        assert word in told
    for parameter in imported.definition["paths"]["/pets"]["get"]["parameters"]:
        assert "$ref" not in json.dumps(parameter)


def test_ways_to_sign_in(written):
    schemes = {
        "token": {"type": "http", "scheme": "bearer"},
        "user": {"type": "http", "scheme": "basic"},
        "key": {"type": "apiKey", "in": "query", "name": "k"},
        "web": {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "https://id.example.com/a",
                    "tokenUrl": "https://id.example.com/t",
                    "scopes": {"pets": "all"},
                }
            },
        },
    }
    source = document(security=[{"web": ["pets"]}, {"user": []}, {"key": []}])
    source["components"]["securitySchemes"] = schemes
    pets, imported = written(source)
    assert {one.name for one in pets.connection.parameters} == {"username", "password", "api_key", "token"}
    oauth = pets.connection.parameter("token").oauth
    assert (oauth.provider, oauth.scopes) == ("oauth2", ("pets",))
    assert oauth.custom["refreshUrl"] == "https://id.example.com/t"
    assert "policyTemplateInstances" not in imported.properties["properties"], "signing in gives the bearer token"
    basic = sent(pets, "photo", {"id": 1}, username="a", password="b")
    assert dict(basic.headers)["Authorization"] == "Basic YTpi"
    assert sent(pets, "photo", {"id": 1}, api_key="q").url.endswith("/photo?k=q")


def test_a_relative_server_belongs_to_where_the_document_came_from(written):
    pets, _ = written(document(servers=[{"url": "/api"}]), "https://pets.example.com/docs/openapi.json")
    assert pets.base_url == "https://pets.example.com/api"
    _, imported = written(document(servers=[]))
    assert "base_url" in " ".join(imported.remarks)


def test_version_2_is_taken_as_it_is_with_names_for_what_has_none(written):
    source = {
        "swagger": "2.0",
        "info": {"title": "Old"},
        "host": "old.example.com",
        "paths": {"/things/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "type": "string", "required": True}], "responses": {200: {"description": "fine"}}}}},
        "securityDefinitions": {"k": {"type": "apiKey", "in": "header", "name": "X-K"}},
        "security": [{"k": []}],
    }  # fmt: skip
    old, _ = written(source)
    assert dict(sent(old, "GetThingsId", {"id": "7"}, api_key="s").headers)["X-K"] == "s"
    assert old.operation("GetThingsId").summary == "Get things id"


@pytest.mark.parametrize(
    "other", [None, [], "text", {"paths": {}}, {"openapi": "3.0.0"}, {"swagger": "1.2", "paths": {}}]
)
def test_what_is_no_openapi_document_is_refused(other):
    assert import_document(other) is None


def test_a_document_that_refers_round_in_circles_or_elsewhere_still_ends():
    source = document()
    source["components"]["schemas"]["Pet"] = {"$ref": "#/components/schemas/Pet"}
    source["components"]["parameters"]["Trace"] = {"$ref": "other.yaml#/Trace"}
    assert "other.yaml" in " ".join(import_document(source).remarks)


def test_a_folder_s_name_is_what_flows_write_before_the_dot():
    assert folder_name("My API (v2)") == "my-api-v2"
    assert import_document(document(info={})).name == "imported"
