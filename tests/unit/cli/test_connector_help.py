"""Help for authors: reference pages, choices, snippets to copy, several ways to sign in, importing."""

import json

import pytest

from flowengine.connectors.snippet import snippet
from flowengine.manifests.definition import load_connector


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
