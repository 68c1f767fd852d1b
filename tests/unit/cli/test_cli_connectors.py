"""`connectors`: what services can do, and the exact requests."""

import json

import pytest

ACCOUNT = json.dumps({"username": "ann@example.com", "apikey": "k-1234567"})
TICKET = {"message": "Hi", "requester": {"mail": "bo@example.com"}}

SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "Lamps", "version": "1.0"},
    "host": "lamps.example.com",
    "basePath": "/v1",
    "schemes": ["https"],
    "paths": {
        "/lamps/{id}": {
            "put": {
                "operationId": "SetLamp",
                "summary": "Set a lamp",
                "parameters": [
                    {"name": "id", "in": "path", "type": "integer", "required": True},
                    {
                        "name": "body",
                        "in": "body",
                        "required": True,
                        "schema": {
                            "type": "object",
                            "required": ["colour", "steps"],
                            "properties": {
                                "colour": {"type": "string", "enum": ["red", "blue"]},
                                "steps": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["at"],
                                        "properties": {"at": {"type": "string", "format": "date-time"}},
                                    },
                                },
                                "note": {"type": "string"},
                            },
                        },
                    },
                ],
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


@pytest.fixture
def lamps(project):
    folder = project / "connectors" / "lamps"
    folder.mkdir(parents=True)
    (folder / "apiDefinition.swagger.json").write_text(json.dumps(SWAGGER))
    return folder


def test_the_shipped_connectors_are_listed(flowengine):
    rows = {each["name"]: each for each in flowengine("connectors", "list", "--json").json["connectors"]}
    assert {"livechat", "livechat-agent", "comm100", "http"} <= set(rows)
    assert (rows["livechat"]["actions"], rows["livechat"]["triggers"]) == (7, 3)


def test_a_connector_of_the_project_is_listed(flowengine, lamps):
    assert "lamps\tLamps\t1\t0\tproject" in flowengine("connectors", "list").out


def test_a_connector_as_a_page_and_as_a_document(flowengine):
    page = flowengine("connectors", "show", "livechat").out
    assert "Limit: 100 calls in 60 seconds" in page
    assert "livechat.CreateTicket" in page
    document = flowengine("connectors", "show", "livechat", "--json").json["connector"]
    assert {"name", "title", "base_url", "connection", "limits", "operations", "definitions"} <= set(document)


def test_an_operation_comes_with_a_snippet(flowengine):
    said = flowengine("connectors", "show", "livechat", "--operation", "UpdateTicket")
    assert "use: livechat.UpdateTicket" in said.out
    assert '      ticketId: "..."\n      requester:\n        mail: "..."' in said.out
    same = flowengine("connectors", "show", "livechat.UpdateTicket", "--json").json["operation"]
    assert same["id"] == "UpdateTicket"


def test_a_trigger_comes_with_a_snippet(flowengine):
    said = flowengine("connectors", "show", "livechat.WebhookTicketCreated")
    assert "trigger:\n  use: livechat.WebhookTicketCreated" in said.out
    assert "Delivers: " in said.out


def test_a_misspelt_connector_or_operation(flowengine):
    assert 'did you mean "livechat"?' in flowengine("connectors", "show", "livechta").err
    said = flowengine("connectors", "show", "livechat.CreateTickt")
    assert said.code == 2
    assert "CreateTicket" in said.err


def test_the_request_without_sending_it(flowengine):
    said = flowengine(
        "connectors", "request", "livechat.CreateTicket", "--with", json.dumps(TICKET), "--connection-parameters", ACCOUNT, "--json"
    )  # fmt: skip
    request = said.json["request"]
    assert (said.code, request["method"], request["url"]) == (0, "POST", "https://api.livechatinc.com/tickets")
    assert json.loads(request["body"]) == TICKET
    assert request["headers"]["X-API-Version"] == "2"
    assert request["body_base64"] is None


def test_the_request_as_text(flowengine):
    said = flowengine("connectors", "request", "http.get", "--with", '{"url": "https://example.com/a?b=c"}')
    assert said.out.startswith("GET https://example.com/a?b=c\n")


def test_the_request_of_a_folder(flowengine, lamps):
    inputs = {"id": 3, "colour": "red", "steps": [{"at": "2026-01-31T09:00:00Z"}]}
    said = flowengine("connectors", "request", f"{lamps}.SetLamp", "--with", json.dumps(inputs), "--json")
    assert said.json["request"]["url"] == "https://lamps.example.com/v1/lamps/3"


def test_the_request_with_a_connection_of_the_project(flowengine, project):
    (project / "connections.yaml").write_text(
        "desk: { connector: livechat, base_url: 'http://127.0.0.1:9', parameters: { username: a@example.com, apikey: '{{ env.NO_SUCH_KEY }}' } }\n"
    )
    said = flowengine("connectors", "request", "livechat.ListAgents", "--connection", "dsk")
    assert said.code == 2
    assert 'there is no connection "dsk"' in said.err


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"mesage": "x"}, 'did you mean "message"?'),
        ({"requester": {"mail": "a@example.com"}}, "message"),
        ({**TICKET, "subject": 3.5}, "subject"),
    ],
)
def test_a_mistake_in_the_inputs_is_named(flowengine, inputs, word):
    said = flowengine(
        "connectors", "request", "livechat.CreateTicket", "--with", json.dumps(inputs), "--connection-parameters", ACCOUNT
    )  # fmt: skip
    assert said.code == 1
    assert word in said.err


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_inputs_that_are_no_object(flowengine, text):
    said = flowengine("connectors", "request", "livechat.CreateTicket", "--with", text)
    assert said.code == 2
    assert "--with" in said.err


def test_a_request_of_nothing(flowengine):
    assert "name an operation" in flowengine("connectors", "request", "livechat").err


def test_every_operation_is_tried_with_sample_inputs(flowengine, lamps):
    said = flowengine("connectors", "check", "--json")
    assert said.code == 0
    assert said.json["summary"] == {"connectors": 1, "loaded": 1, "operations": 1, "callable": 1}


def test_an_operation_that_cannot_be_called_is_named(flowengine, lamps):
    broken = {**SWAGGER, "paths": {"/a/{nowhere}": {"get": {"operationId": "GetA", "responses": {}}}}}
    (lamps / "apiDefinition.swagger.json").write_text(json.dumps(broken))
    said = flowengine("connectors", "check", "connectors")
    assert said.code == 1
    assert "lamps.GetA: " in said.out


def test_a_connector_that_cannot_be_read(flowengine, lamps):
    (lamps / "apiDefinition.swagger.json").write_text('{"swagger": "2.0", "paths": {')
    report = flowengine("connectors", "check", lamps, "--json").json
    assert report["connectors"][0]["loaded"] is False
    assert report["connectors"][0]["problems"][0]["line"] == 1
    said = flowengine("connectors", "show", str(lamps))
    assert said.code == 2


def test_a_folder_to_check_that_is_not_there(flowengine):
    assert flowengine("connectors", "check", "nowhere").code == 2
