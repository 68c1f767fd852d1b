"""Choices that a service lists, and definitions that are fetched."""

from http.server import BaseHTTPRequestHandler

import pytest

from tests.fakes.beside import answered_by, send_json


@pytest.fixture
def service():
    """A service that lists colours of the room in its path, and has an OpenAPI document behind a redirect."""

    class Handler(BaseHTTPRequestHandler):
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
            send_json(self, answer, 200 if "nowhere" not in self.path else 404)

    with answered_by(Handler) as url:
        yield url


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


def test_importing_from_an_address(flowengine, service, monkeypatch):
    blocked = flowengine("connectors", "import", f"{service}/moved")
    assert blocked.code != 0, "addresses that are not public need leave"
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    said = flowengine("connectors", "import", f"{service}/moved")
    assert (said.code, "1 of 1" in said.out) == (0, True)
    assert "404" in flowengine("connectors", "import", f"{service}/nowhere/x").err
