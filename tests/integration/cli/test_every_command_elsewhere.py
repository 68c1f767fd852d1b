"""`--server URL`: every command of the contract either works against a server, or says plainly why it cannot and exits 2."""

from __future__ import annotations

import json
import threading
from contextlib import asynccontextmanager
from importlib import import_module

import pytest
from typer.main import get_command

from flowengine.cli.root import GROUPS, HERE_ONLY
from flowengine.server.run import serving
from tests.fakes.authorization_server import authorization_server
from tests.fakes.beside import beside
from tests.fakes.desk_project import desk_project
from tests.fakes.projects import make_project

FLOWS = {
    "greet": """
        flow: Greet
        trigger: {manual: true}
        inputs: {name: {type: text, required: true}}
        actions: [{name: Say it, log: "Hello {{ inputs.name }}"}]
        output: "{{ inputs.name }}"
        """,
    "asks": """
        flow: Asks
        trigger: {manual: true}
        actions: [{name: Well, ask: {to: lead@example.com, question: Well?, choices: ["yes please", "no"]}}]
        """,
    "patient": """
        flow: Patient
        trigger: {manual: true}
        actions: [{wait: 1 hour}]
        """,
    "posts": """
        flow: Posts
        trigger: {manual: true}
        actions: [{name: Send, use: http.post, with: {url: "https://api.example.com/x", body: {said: hello}}}]
        """,
}


DESK = """
    desk:
      connector: desk
      allow_private_network: true
      parameters: {client_id: app, client_secret: "{{ secrets.desk_client_secret }}"}
    """


@pytest.fixture(scope="module")
def far_away(tmp_path_factory):
    """A server with a project of its own: flows, a connector, an application that signs people in."""

    @asynccontextmanager
    async def opened():
        async with authorization_server() as accounts:
            folder = desk_project(tmp_path_factory.mktemp("far"), accounts.url)
            settings = make_project(folder, FLOWS, DESK, sign_in="always")
            async with serving(settings) as server:
                await server.app.set_secret("desk_client_secret", accounts.client_secret)
                token = (await server.app.store.access.add_token("all", "admin"))[1]
                yield {"url": server.url, "folder": folder, "accounts": accounts, "token": token}

    with beside(opened) as found:
        yield found


@pytest.fixture
def far(far_away, elsewhere):
    """Runs a command against the server."""

    def run(*arguments, stdin=""):
        return elsewhere(far_away["url"], far_away["token"], *arguments, stdin=stdin)

    run.folder, run.accounts = far_away["folder"], far_away["accounts"]
    return run


# What each command says against a server. `None` for the words: anything.
WORKS = {
    "run greet -i name=Ann --json": '"status": "succeeded"',
    "run greet -i name=Ann --dry-run --json": '"dry_run": true',
    "run posts --dry-run": "POST https://api.example.com/x",
    "run posts --mock mock.yaml": "succeeded",
    "check": None,
    "check mine.yaml": "livechat",
    "explain unknown-key": "unknown-key",
    "eval 6*7": "42",
    "eval inputs.name --run @last": "Ann",
    "graph greet": "Say it",
    "graph greet --format mermaid": "flowchart",
    "graph --run @last": "Say it",
    "schema": "livechat",
    "test --record @last": "made",
    "doctor": "at http",
    "doctor --json": '"checks"',
    "flows list": "greet",
    "flows show greet": "Greet",
    "flows disable greet": None,
    "flows enable greet": None,
    "flows next": None,
    "flows versions greet": None,
    "flows diff greet": None,
    "events list": "greet",
    "events show @last": "greet",
    "runs list": "greet",
    "runs list --search Ann --json": '"total"',
    "runs show @last": "say_it",
    "runs show @last --action say_it": "Say it",
    "runs show @last --action say_it --raw": None,
    "runs show @last --json": '"actions"',
    "runs watch @last": None,
    "runs wait @last": "succeeded",
    "runs logs @last": "Hello Ann",
    "runs diff @last @last": None,
    "runs export": '"actions"',
    "runs export --format csv": "id,flow",
    "runs resubmit @last": "succeeded",
    "runs resubmit --flow greet --status succeeded": "greet",
    "runs prune --older-than 1d --dry-run": "would go",
    "run asks --no-wait": None,
    "runs answer @last no": "no",
    "run patient --no-wait": None,
    "runs cancel @last": None,
    "runs cancel --flow patient": None,
    "runs cancel --flow patient --yes": None,
    "connectors list": "livechat",
    "connectors show livechat": "ListAgents",
    "connectors show desk": "desk.WhoAmI",
    "connectors docs livechat": "Throttling",
    "connectors check": "desk",
    'connectors request desk.WhoAmI --connection-parameters {"access_token":"t"}': "Bearer t",
    "connectors values livechat-agent ListChats sort_order": "asc",
    "connections list": "desk",
    "connections list --json": '"state"',
    "connections add livechat": "connections.yaml",
    "connections test livechat": None,
    "connections remove livechat": "removed",
    "secrets set spare": "spare",
    "secrets list": "spare",
    "secrets remove spare": "forgotten",
    "secrets rotate-key": "new key",
    "tokens add ann": "fe_",
    "tokens list": "ann",
    "tokens revoke ann": None,
    "audit list": "revoke_token",
    "completion bash": None,
}
CANNOT = {
    "demo": "this machine",
    "new": "this machine",
    "serve": "this machine",
    "sandbox livechat": "this machine",
    "lsp": "this machine",
    "db check": "this machine",
    "db upgrade": "this machine",
    "db backup": "this machine",
    "test": "this machine",
    "connectors import x.json": "this machine",
    "connectors request livechat.ListAgents --connection livechat": "never leave",
}
BEFORE = {
    "runs answer": "run asks --no-wait",
    "runs cancel": "run patient --no-wait",
    "runs": "run greet -i name=Ann",
    "events": "run greet -i name=Ann",
    "eval inputs.name": "run greet -i name=Ann",
    "graph --run": "run greet -i name=Ann",
    "test --record": "run greet -i name=Ann",
    "connections test livechat": "connections add livechat",
    "connections remove livechat": "connections add livechat",
    "secrets list": "secrets set spare",
    "secrets remove": "secrets set spare",
    "tokens list": "tokens add ann",
    "tokens revoke": "tokens add ann",
    "audit": "tokens revoke ann",
}
"""What must have been done for a command that begins like this, so that each can be tried by itself. The first that fits."""
STDIN = {
    "connections add livechat": '{"username": "ann@example.com", "apikey": "hidden-value"}',
    "secrets set spare": "hidden value",
}
NO_GOOD_NEWS = {"connections test livechat": (1, 4), "flows diff greet": (2,), "check mine.yaml": (1,)}
"""Where another exit code is right: nobody answers for that account, a flow with one version, a flow with a mistake."""


def test_the_tables_know_every_command():
    told = {tuple(line.split()[:2]) for line in (*WORKS, *CANNOT)}
    known = set()
    for name in GROUPS:
        command = get_command(import_module(f"flowengine.cli.{GROUPS[name].module}").app)
        inner = getattr(command, "commands", None)
        known |= {(name, one) for one in inner} if inner else {(name,)}
    missing = {one for one in known if not any(one == line[: len(one)] for line in told)}
    assert {one for one in missing if one[0] not in HERE_ONLY} == {("connections", "login")}


@pytest.mark.parametrize("line", WORKS)
def test_it_works(far, tmp_path, line):
    (tmp_path / "mine.yaml").write_text("flow: Mine\ntrigger: {manual: true}\nactions: [{use: livechat.LstAgents}]\n")
    (tmp_path / "mock.yaml").write_text("http.post: {status_code: 201, body: {}}\n")
    for before in (does for begins, does in BEFORE.items() if line.startswith(begins)):
        far(*before.split(), stdin=STDIN.get(before, ""))
        break
    code, out, err = far(*line.split(), stdin=STDIN.get(line, ""))
    assert code in NO_GOOD_NEWS.get(line, (0,)), out + err
    assert WORKS[line] is None or WORKS[line] in out + err
    assert "hidden" not in out + err


@pytest.mark.parametrize("line", CANNOT)
def test_it_says_why_it_cannot(far, line):
    code, _, err = far(*line.split())
    assert (code, CANNOT[line] in err) == (2, True), err


def test_a_test_is_recorded_on_this_machine(far, tmp_path):
    far("run", "greet", "-i", "name=Bob")
    code, out, _ = far("test", "--record", "@last", "--json")
    assert code == 0
    file = tmp_path / "tests" / "flows" / "greet-succeeded.yaml"
    assert json.loads(out)["test"]["file"] == str(file)
    assert "Bob" in file.read_text()


def test_a_person_signs_in_at_a_server_s_connection(far, monkeypatch):
    """The browser comes back to this machine; the code goes to the server, which keeps the tokens."""
    import urllib.request

    def browse(url):
        threading.Thread(target=lambda: urllib.request.urlopen(url, timeout=10).read()).start()

    monkeypatch.setattr("webbrowser.open", browse)
    code, out, err = far("connections", "login", "desk", "--port", "0", "--timeout", "10")
    assert code == 0, err
    assert "signed in" in out
    assert "authorization_code" in far.accounts.granted
    listed = {one["name"]: one for one in json.loads(far("connections", "list", "--json")[1])["connections"]}
    assert listed["desk"]["state"] == "ready"


def test_a_connection_s_values_are_values_and_no_templates(far):
    given = json.dumps({"username": "{{ env.HOME }}", "apikey": "hidden"})
    code, _, err = far("connections", "add", "sly", "--connector", "livechat", stdin=given)
    assert (code, "not a template" in err) == (2, True)
    assert "sly" not in (far.folder / "connections.yaml").read_text()


def test_what_is_added_is_written_without_its_secrets(far):
    given = json.dumps({"username": "ann@example.com", "apikey": "hidden-value"})
    assert far("connections", "add", "team", "--connector", "livechat", stdin=given)[0] == 0
    written = (far.folder / "connections.yaml").read_text()
    assert "{{ secrets.team_apikey }}" in written
    assert "hidden-value" not in written
    assert far("connections", "add", "team", "--connector", "livechat", stdin=given)[0] == 2
