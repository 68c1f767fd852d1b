"""Help for authors: reference pages, choices, snippets to copy, several ways to sign in, importing."""

import http.server
import json
import threading

import pytest

from flowengine.cli.connector_pages import snippet
from flowengine.manifests.definition import load_connector

TEXT = {"type": "string"}
COLOURS = {"operationId": "ListColours", "itemsPath": "found", "itemValuePath": "id", "itemTitlePath": "name/en"}
LAMPS = {
    "swagger": "2.0",
    "info": {"title": "Lamps | <Home>", "version": "1.0", "description": "Lamps at *home*."},
    "host": "lamps.example.com",
    "basePath": "/v1",
    "x-flowengine-limits": [{"calls": 10, "period_seconds": 60}],
    "paths": {
        "/rooms/{room}/colours": {
            "get": {
                "operationId": "ListColours",
                "x-ms-visibility": "internal",
                "parameters": [{"name": "room", "in": "path", "type": "string", "required": True}],
                "responses": {"200": {"description": "ok", "schema": {"type": "object"}}},
            }
        },
        "/lamps": {
            "post": {
                "operationId": "SetLamp",
                "summary": "Set: a lamp",
                "description": "Turns a lamp on.",
                "parameters": [
                    {
                        "name": "body",
                        "in": "body",
                        "required": True,
                        "schema": {
                            "type": "object",
                            "required": ["colour", "lamp type"],
                            "properties": {
                                "room": TEXT,
                                "colour": {
                                    **TEXT,
                                    "x-ms-summary": "Colour",
                                    "x-ms-dynamic-list": {
                                        **COLOURS,
                                        "parameters": {"room": {"parameterReference": "body/room"}},
                                    },
                                },
                                "lamp type": {
                                    **TEXT,
                                    "enum": ["a", "b"],
                                    "x-ms-enum-values": [{"value": "a", "displayName": "Round"}],
                                },
                                "note": {"type": "object", "required": ["text"], "properties": {"text": TEXT}},
                                "secret": {**TEXT, "x-ms-visibility": "internal", "default": "x"},
                            },
                        },
                    }
                ],
                "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/Lamp"}}},
            }
        },
        "/hooks": {
            "x-ms-notification-content": {"schema": {"$ref": "#/definitions/Lamp"}},
            "post": {
                "operationId": "OnLamp",
                "summary": "When a lamp changes",
                "x-ms-trigger": "single",
                "x-ms-trigger-hint": "Turn a lamp on.",
                "parameters": [
                    {
                        "name": "body",
                        "in": "body",
                        "schema": {
                            "type": "object",
                            "required": ["url", "room"],
                            "properties": {"url": {**TEXT, "x-ms-notification-url": True}, "room": TEXT},
                        },
                    }
                ],
                "responses": {"200": {"description": "ok"}},
            },
        },
    },
    "definitions": {"Lamp": {"type": "object", "properties": {"id": TEXT, "again": {"$ref": "#/definitions/Lamp"}}}},
}
PROPERTIES = {
    "properties": {
        "connectionParameterSets": {
            "values": [
                {
                    "name": "key",
                    "uiDefinition": {"displayName": "With a key", "description": "For programs."},
                    "parameters": {"api_key": {"type": "securestring"}},
                },
                {
                    "name": "user",
                    "uiDefinition": {"displayName": "With a password"},
                    "parameters": {"username": {"type": "string"}, "password": {"type": "securestring"}},
                },
            ]
        }
    }
}


@pytest.fixture
def lamps(project):
    folder = project / "connectors" / "lamps"
    folder.mkdir(parents=True)
    (folder / "apiDefinition.swagger.json").write_text(json.dumps(LAMPS))
    (folder / "apiProperties.json").write_text(json.dumps(PROPERTIES))
    return folder


@pytest.fixture
def service():
    """A service that lists colours of the room in its path, and has an OpenAPI document behind a redirect."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/openapi.json")
                self.end_headers()
                return
            if self.path == "/openapi.json":
                answer = {
                    "openapi": "3.0.3",
                    "info": {"title": "Small"},
                    "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}},
                }
            else:
                room = self.path.split("/")[-2]
                answer = {"found": [{"id": f"{room}-1", "name": {"en": "Red"}}, {"id": 2}]}
            raw = json.dumps(answer).encode()
            self.send_response(200 if "nowhere" not in self.path else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_several_ways_to_sign_in_are_shown_one_by_one(flowengine, lamps):
    said = flowengine("connectors", "show", "lamps").out
    assert "one of 2 ways" in said
    assert said.index("With a key (key): For programs.") < said.index("api_key") < said.index("With a password (user)")
    document = flowengine("connectors", "show", "lamps", "--json").json["connector"]["connection"]
    assert [one["name"] for one in document["sets"]] == ["key", "user"]


def test_a_reference_page_in_markdown(flowengine, lamps):
    page = flowengine("connectors", "docs", "lamps").out
    for line in (
        "# Lamps \\| \\<Home\\>",
        "Lamps at \\*home\\*.",
        "### With a key",
        "| 10 calls | 60 seconds |",
        "### Set: a lamp",
        "| Colour | `colour` | yes | string | Choices come from ListColours. |",
        "| text | `note.text` | yes | string |  |",
        "Lamp, see the definitions below.",
        "Turn a lamp on.",
        "### Lamp",
        "| id | `id` | string |  |",
    ):
        assert line in page, line
    assert "secret" not in page.partition("### Set: a lamp")[2].partition("```")[0], "internal parameters are not shown"


def test_a_reference_page_in_html(flowengine, lamps, project):
    assert flowengine("connectors", "docs", "lamps", "-o", "lamps.html").code == 0
    page = (project / "lamps.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<h1" in page
    assert "Lamps | &lt;Home&gt;" in page
    assert "<Home>" not in page
    assert "<code>note.text</code>" in page


def test_snippets_pass_check(flowengine, lamps, flow):
    connector = load_connector(lamps)
    action, trigger = (snippet(connector, connector.operation(name)) for name in ("SetLamp", "OnLamp"))
    assert '- name: "Set: a lamp"' in action
    assert "url" not in trigger, "the engine knows its own address"
    flow("lamp", f"flow: Lamp\n{trigger}\nactions:\n{action}\n")
    said = flowengine("check", "--json")
    assert [finding for finding in said.json["findings"] if finding["severity"] == "error"] == []


def test_choices_from_the_definition(flowengine, lamps):
    said = flowengine("connectors", "values", "lamps", "SetLamp", "lamp type", "--json")
    assert said.json["values"] == [{"value": "a", "title": "Round"}]
    said = flowengine("connectors", "values", "lamps", "SetLamp", "note.text")
    assert (said.code, "lists no choices" in said.err) == (2, True)
    assert 'did you mean "colour"' in flowengine("connectors", "values", "lamps", "SetLamp", "color").err


def test_choices_from_the_service(flowengine, lamps, service, project):
    connection = (
        f"home:\n  connector: lamps\n  base_url: {service}\n  allow_private_network: true\n  parameters: {{}}\n"
    )
    (project / "connections.yaml").write_text(connection)
    asked = ("connectors", "values", "lamps", "SetLamp", "colour")
    assert 'depend on room: add --with \'{"room": "..."}\'' in flowengine(*asked).err
    said = flowengine(*asked, "--with", '{"room": "hall"}', "--connection", "home", "--json")
    assert said.json["values"] == [{"value": "hall-1", "title": "Red"}, {"value": 2, "title": "2"}]
    assert "hall-1" in flowengine(*asked, "--with", '{"room": "hall"}').out
    assert "no connection" in flowengine(*asked, "--with", '{"room": "hall"}', "-c", "hom").err


def test_importing_a_file(flowengine, project):
    document = {
        "openapi": "3.0.0",
        "info": {"title": "Pets"},
        "servers": [{"url": "https://pets.example.com"}],
        "paths": {"/pets": {"get": {"operationId": "list", "responses": {"200": {"description": "ok"}}}}},
    }
    (project / "pets.json").write_text(json.dumps(document))
    said = flowengine("connectors", "import", "pets.json", "--json")
    assert (said.code, said.json["connector"]["callable"]) == (0, 1)
    assert flowengine("connectors", "request", "pets.list").out.startswith("GET https://pets.example.com/pets")
    assert "--force" in flowengine("connectors", "import", "pets.json").err
    assert flowengine("connectors", "import", "pets.json", "--force", "--name", "My Pets").code == 0
    assert (project / "connectors" / "my-pets" / "apiProperties.json").is_file()


@pytest.mark.parametrize(
    ("text", "told"), [("{", "line"), ("[]", "not an OpenAPI"), ("swagger: '1.2'\npaths: {}", "not an OpenAPI")]
)
def test_importing_what_is_none(flowengine, project, text, told):
    (project / "x.yaml").write_text(text)
    said = flowengine("connectors", "import", "x.yaml")
    assert said.code in (1, 2)
    assert told in said.err or told == "line"
    assert "no file" in flowengine("connectors", "import", "gone.json").err


def test_importing_from_an_address(flowengine, service, monkeypatch):
    blocked = flowengine("connectors", "import", f"{service}/moved")
    assert blocked.code != 0, "addresses that are not public need leave"
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    said = flowengine("connectors", "import", f"{service}/moved")
    assert (said.code, "1 of 1" in said.out) == (0, True)
    assert "404" in flowengine("connectors", "import", f"{service}/nowhere/x").err


def test_check_of_a_pattern_leaves_files_beside_folders_out(flowengine, lamps):
    (lamps.parent / "LICENSE").write_text("free")
    said = flowengine("connectors", "check", lamps, lamps.parent / "LICENSE", "--json")
    assert said.json["summary"]["connectors"] == 1
    assert "LICENSE" in said.err


def definition(security, parameters, operation=None, policies=()):
    """A connector's two files with one operation."""
    entry = {"operationId": "Op", "responses": {"200": {"description": "ok"}}, **(operation or {})}
    return (
        {
            "swagger": "2.0",
            "info": {"title": "One"},
            "host": "one.example.com",
            "paths": {"/a": {"post": entry}},
            "securityDefinitions": security,
        },
        {"properties": {"connectionParameters": parameters, "policyTemplateInstances": list(policies)}},
    )


def policy(template, **parameters):
    named = {f"x-ms-apimTemplateParameter.{name}": value for name, value in parameters.items()}
    return {"templateId": template, "title": "", "parameters": named}


SECRET = {"type": "securestring"}
HOST = policy("dynamichosturl", urlTemplate="https://@queryParameters('where')/x")
FIRST = policy(
    "setvaluefromurl",
    parameterTemplate="@headers('T')",
    parameterValueUrl="/t",
    parameterValuePathTemplate="@body().t",
)
IN_HEADER = {"k": {"type": "apiKey", "in": "header", "name": "X-Key"}}


@pytest.mark.parametrize(
    ("files", "callable_", "told"),
    [
        (definition(IN_HEADER, {"a": SECRET, "b": SECRET}), 1, 'names it "header X-Key"'),
        (definition({"b": {"type": "basic"}}, {}), 0, "cannot sign in"),
        (definition({}, {}, policies=[HOST]), 0, 'needs the query parameter "where"'),
        (
            definition({}, {}, {"parameters": [{"name": "where", "in": "query", "type": "string"}]}, [HOST]),
            1,
            "",
        ),
        (definition({}, {}, policies=[FIRST]), 1, ""),
        (definition({}, {"g": {"type": "gatewaySetting", "uiDefinition": {"constraints": {"required": "true"}}}}), 0, "gateway"),
    ],
)  # fmt: skip
def test_what_can_be_called_and_why_not(flowengine, project, files, callable_, told):
    folder = project / "connectors" / "one"
    folder.mkdir(parents=True)
    (folder / "apiDefinition.swagger.json").write_text(json.dumps(files[0]))
    (folder / "apiProperties.json").write_text(json.dumps(files[1]))
    said = flowengine("connectors", "check", folder, "--json")
    (report,) = said.json["connectors"]
    assert report["callable"] == callable_, report
    assert said.code == (0 if callable_ else 1)
    assert any(told in problem["message"] for problem in report["problems"]) if told else report["problems"] == []
