"""`connections add` and `login`: what is asked, what is written, what a wrong answer is told."""

import json
import threading
import urllib.request

import pytest

from flowengine.cli import connection_login
from flowengine.cli.connection_login import ask_for_code
from flowengine.connectors.connection import Connection
from flowengine.connectors.sign_in import sign_in_of
from flowengine.errors import SignInNeeded, Unauthorized
from tests.fakes.definitions import connector
from tests.fakes.desk_project import desk_project

REQUIRED = {"constraints": {"required": "true"}}


@pytest.fixture
def desk(project):
    (project / "flows").rmdir()
    return desk_project(project, "http://127.0.0.1:1")


def ways(project, *values):
    """Give the connector "desk" several ways to sign in."""
    document = {"properties": {"connectionParameterSets": {"values": list(values)}}}
    (project / "connectors" / "desk" / "apiProperties.json").write_text(json.dumps(document))


KEY = {"name": "key", "parameters": {"api_key": {"type": "securestring", "uiDefinition": REQUIRED}}}
BASIC = {
    "name": "basic",
    "parameters": {
        "user": {"type": "string", "uiDefinition": REQUIRED},
        "region": {
            "type": "string",
            "uiDefinition": {"constraints": {"required": "true", "allowedValues": [{"value": "eu"}, {"value": "us"}]}},
        },
        "site": {
            "type": "string",
            "uiDefinition": {"constraints": {"required": "true", "allowedValues": [{"value": "x"}]}},
        },
    },
}


def test_what_the_author_wrote_stays_as_it_is(flowengine, project):
    file = project / "connections.yaml"
    before = "# mine\r\nother:   # of the team\r\n    connector:   'http'"
    file.write_bytes(before.encode())
    assert flowengine("connections", "add", "livechat", stdin="ann@example.com\nhush-hush\n").code == 0
    assert file.read_bytes().startswith(before.encode())
    assert flowengine("connections", "list", "--json").json["connections"][1]["state"] == "ready"


@pytest.mark.parametrize("before", ["{}\n", "other: {connector: http}\n...\n", "  indented:\n    connector: http\n"])
def test_a_file_that_nothing_can_be_added_to(flowengine, project, before):
    file = project / "connections.yaml"
    file.write_text(before)
    said = flowengine("connections", "add", "livechat", stdin="ann@example.com\nhush-hush\n")
    assert said.code == 2
    assert "put this into it yourself" in said.err
    assert "livechat:\n  connector: livechat" in said.err
    assert file.read_text() == before
    assert "hush-hush" not in said.err
    assert flowengine("secrets", "list").out == ""


def test_an_application_is_asked_for_where_people_sign_in(flowengine, desk):
    said = flowengine("connections", "add", "desk", stdin="my-app\nhush-hush\n")
    assert said.code == 0, said.err
    assert "flowengine connections login desk" in said.err
    text = (desk / "connections.yaml").read_text()
    assert text == (
        "desk:\n  connector: desk\n  parameters:\n"
        '    client_id: "my-app"\n    client_secret: "{{ secrets.desk_client_secret }}"\n'
    )


def test_values_by_name(flowengine, desk):
    given = {"client_secret": "hush-hush", "client_id": "my-app"}
    assert flowengine("connections", "add", "mine", "--connector", "desk", stdin=json.dumps(given)).code == 0
    said = flowengine("connections", "add", "another", "--connector", "desk", stdin='{"client": "x"}')
    assert said.code == 2
    assert 'there is no parameter "client"; did you mean "client_id"?' in said.err
    assert "not a JSON object" in flowengine("connections", "add", "third", "--connector", "desk", stdin="{").err


def test_one_of_several_ways_is_chosen(flowengine, desk):
    ways(desk, KEY, BASIC)
    said = flowengine("connections", "add", "desk", stdin="k\n")
    assert said.code == 2
    assert "--authentication key or basic" in said.err
    assert (
        'called "kee"; did you mean "key"?'
        in flowengine("connections", "add", "desk", "--authentication", "kee", stdin="").err
    )
    said = flowengine("connections", "add", "desk", "--authentication", "basic", stdin="ann\nmars\n")
    assert (said.code, "region must be one of: eu, us" in said.err) == (2, True)
    assert flowengine("connections", "add", "desk", "--authentication", "basic", stdin="ann\neu\n").code == 0
    assert (desk / "connections.yaml").read_text() == (
        'desk:\n  connector: desk\n  authentication: basic\n  parameters:\n    user: "ann"\n    region: "eu"\n    site: "x"\n'
    )


def test_login_needs_an_application_and_oauth(flowengine, desk):
    (desk / "connections.yaml").write_text("desk: { connector: desk }\nplain: { connector: http }\n")
    said = flowengine("connections", "login", "desk")
    assert (said.code, "register one at the service" in said.err) == (2, True)
    said = flowengine("connections", "login", "plain")
    assert (said.code, "does not sign in by OAuth" in said.err) == (2, True)
    said = flowengine("connections", "login", "dask")
    assert (said.code, 'did you mean "desk"?' in said.err) == (2, True)


# The listener.


@pytest.fixture
def way():
    urls = {"authorizationUrl": "https://id.example.com/go", "tokenUrl": "https://id.example.com/token"}
    token = {
        "type": "oauthSetting",
        "oAuthSettings": {
            "identityProvider": "oauth2",
            "customParameters": {name: {"value": value} for name, value in urls.items()},
        },
    }
    made = connector("c", {"/a": {"get": {"operationId": "Op"}}}, connection={"token": token})
    return sign_in_of(made, Connection("acct", "c", {"client_id": "app"}))


def query_of(url):
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(url).query))


def test_an_address_of_ones_own_is_pasted(way, monkeypatch, capsys):
    monkeypatch.setattr(connection_login, "new_state", lambda: "the-state")
    back = "https://flows.example.com/oauth"
    for pasted, problem in (
        (f"{back}?code=the-code&state=the-state", None),
        (f"{back}?code=the-code&state=another", "does not belong to this sign-in"),
        (f"{back}?state=the-state", "holds no code"),
        (f"{back}?error=access_denied&state=the-state", "did not let you in: access_denied"),
    ):
        monkeypatch.setattr(connection_login, "pasted", lambda pasted=pasted: pasted)
        if problem is None:
            code = ask_for_code(way, port=1, redirect_url=back, browser=False, seconds=1)
            assert (code.code, code.redirect_url) == ("the-code", back)
            assert "the-code" not in repr(code)
        else:
            with pytest.raises(Unauthorized, match=problem):
                ask_for_code(way, port=1, redirect_url=back, browser=False, seconds=1)
    assert query_of(capsys.readouterr().out.splitlines()[0])["redirect_uri"] == back


def test_the_browser_is_opened_and_comes_back(way, monkeypatch):
    def browse(url):
        asked = query_of(url)
        back = f"{asked['redirect_uri']}?code=the-code&state={asked['state']}"
        threading.Thread(target=lambda: urllib.request.urlopen(back, timeout=5).read()).start()
        return True

    monkeypatch.setattr(connection_login.webbrowser, "open", browse)
    code = ask_for_code(way, port=0, redirect_url="http://localhost:0/done", browser=True, seconds=5)
    assert code.code == "the-code"
    assert code.redirect_url.startswith("http://localhost:")
    assert code.redirect_url.endswith("/done")


def test_nobody_comes_back(way):
    with pytest.raises(SignInNeeded, match=r"within 0.01 seconds"):
        ask_for_code(way, port=0, redirect_url=None, browser=False, seconds=0.01)


def test_a_port_in_use_is_told(way):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        from flowengine.cli.errors import WrongUsage

        with pytest.raises(WrongUsage, match="--port"):
            ask_for_code(way, port=taken.getsockname()[1], redirect_url=None, browser=False, seconds=1)


def test_a_list_of_connections_with_a_mistake_in_it_exits_with_findings(flowengine, project):
    (project / "connections.yaml").write_text("- livechat\n")
    assert flowengine("connections", "list").code == 1
    assert flowengine("connections", "list", "--json").code == 1
