"""`flows`, `new`, `secrets`, `connections`, `db`: setting a project up and keeping it."""

import stat
from http.server import BaseHTTPRequestHandler

import pytest

from tests.fakes.beside import answered_by, send_json

SCHEDULED = """\
flow: Report
trigger:
  - schedule: every weekday at 09:00
    timezone: Europe/Warsaw
  - manual: true
actions:
  - log: x
"""


def test_flows_are_listed_with_what_starts_them(flowengine, flow, hello):
    flow("report", SCHEDULED)
    flow("broken", "flow: Broken\n")
    rows = {row.split("\t")[0]: row.split("\t") for row in flowengine("flows", "list").out.splitlines()}
    assert rows["hello"][2:] == ["yes", "by hand", "-"]
    assert rows["report"][3] == "every weekday at 09:00 (Europe/Warsaw), by hand"
    assert rows["broken"][2] == "has mistakes"
    flowengine("run", "hello")
    listed = {each["id"]: each for each in flowengine("flows", "list", "--json").json["flows"]}
    assert listed["hello"]["last_run"]["status"] == "succeeded"
    assert listed["broken"]["valid"] is False


def test_no_flows(flowengine):
    assert "flowengine new --list" in flowengine("flows", "list").err


def test_one_flow(flowengine, hello):
    page = flowengine("flows", "show", "hello").out
    assert page.startswith("Hello (hello), on\n")
    assert "  Greet  (log)" in page
    assert flowengine("flows", "show", "hello", "--json").json["flow"]["actions"][0]["path"] == "greet"


def test_a_broken_flow_shows_its_mistakes(flowengine, flow):
    flow("broken", "flow: Broken\n")
    said = flowengine("flows", "show", "broken")
    assert said.code == 2
    assert "flows/broken.yaml:1:1" in said.err


def test_the_coming_times_are_in_the_flows_own_zone(flowengine, flow, hello):
    flow("report", SCHEDULED)
    said = flowengine("flows", "next", "-n", "3")
    times = [row.split("\t")[0] for row in said.out.splitlines()[1:]]
    assert len(times) == 3
    assert all("T09:00:00+0" in each for each in times)
    assert len(flowengine("flows", "next", "report", "--json").json["next"]) == 5
    assert "has no schedule" in flowengine("flows", "next", "hello").err


def test_a_flow_is_switched_off_and_on(flowengine, hello):
    assert flowengine("flows", "disable", "hello").out == "hello is off\n"
    assert flowengine("flows", "list", "--json").json["flows"][0]["enabled"] is False
    assert flowengine("flows", "enable", "hello", "--json").json == {"v": 1, "flow": {"id": "hello", "enabled": True}}
    assert flowengine("flows", "enable", "helo").code == 2


def test_a_file_that_says_disabled_wins(flowengine, flow):
    flow("off", "flow: Off\nenabled: false\ntrigger: { manual: true }\nactions: [{ log: x }]\n")
    said = flowengine("flows", "enable", "off")
    assert "which still holds" in said.err


def test_a_new_project_runs_at_once(flowengine, tmp_path):
    assert flowengine("new", "mine").code == 0
    said = flowengine("-C", "mine", "run", "hello", "-i", "name=Ann")
    assert said.code == 0
    assert "Hello, Ann!" in said.out
    assert flowengine("new", "mine").code == 2


def test_a_flow_from_a_template(flowengine, project):
    assert "contact-form\t" in flowengine("new", "--list").out
    assert flowengine("new", "contact-form", "form").code == 0
    assert (project / "flows" / "form.yaml").is_file()
    assert flowengine("new", "contact-form", "form").code == 2
    assert flowengine("new", "contact-form", "My Form").code == 2


def test_a_misspelt_template(flowengine):
    assert 'did you mean "contact-form"?' in flowengine("new", "contact-from").err
    assert 'did you mean "contact-form"?' in flowengine("new", "contact-from", "x").err
    assert flowengine("new", "--list", "--json").json["templates"][0]["name"] == "project"


def test_secrets_go_in_and_never_come_out(flowengine, project):
    said = flowengine("secrets", "set", "livechat_key", stdin="hush-hush-123\n")
    assert said.code == 0
    assert flowengine("secrets", "list").out == "livechat_key\n"
    assert flowengine("secrets", "list", "--json").json["secrets"] == [{"name": "livechat_key"}]
    state = project / ".flowengine"
    assert all(b"hush-hush-123" not in path.read_bytes() for path in state.iterdir())
    assert stat.S_IMODE((state / "key").stat().st_mode) == 0o600
    assert flowengine("secrets", "remove", "livechat_key").code == 0
    assert flowengine("secrets", "list").out == ""


@pytest.mark.parametrize(("name", "value", "word"), [("a-b", "x", "name"), ("ab", "", "no value")])
def test_a_secret_that_cannot_be(flowengine, name, value, word):
    said = flowengine("secrets", "set", name, stdin=value)
    assert said.code == 2
    assert word in said.err


def test_a_secret_that_is_not_there(flowengine):
    said = flowengine("secrets", "remove", "nothing")
    assert said.code == 2
    assert 'there is no secret "nothing"' in said.err


def test_a_connection_is_asked_for_and_its_secret_kept_apart(flowengine, project):
    before = "# my own words\n"
    (project / "connections.yaml").write_text(before)
    said = flowengine("connections", "add", "livechat", stdin="ann@example.com\nk-very-secret\n")
    assert said.code == 0
    text = (project / "connections.yaml").read_text()
    assert text.startswith(before)
    assert 'apikey: "{{ secrets.livechat_apikey }}"' in text
    assert "k-very-secret" not in text
    listed = flowengine("connections", "list", "--json").json["connections"][0]
    assert (listed["name"], listed["parameters"]) == ("livechat", ["apikey", "username"])
    assert flowengine("connections", "add", "livechat", stdin="").code == 2


def test_a_connection_is_taken_out_and_the_rest_stays(flowengine, project):
    text = "# first\na:\n  connector: http\n\n# second\nb:\n  connector: http\n  parameters: { key: '{{ secrets.b_key }}' }\n# third\nc:\n  connector: http\n"
    (project / "connections.yaml").write_text(text)
    said = flowengine("connections", "remove", "b")
    assert said.code == 0
    assert "flowengine secrets remove b_key" in said.err
    assert (
        project / "connections.yaml"
    ).read_text() == "# first\na:\n  connector: http\n\n# second\n# third\nc:\n  connector: http\n"
    assert flowengine("connections", "remove", "b").code == 2


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [(["livechat"], "ann@example.com\n"), (["bad name", "--connector", "livechat"], ""), (["nowhere"], "")],
)
def test_a_connection_that_cannot_be_added(flowengine, project, arguments, stdin):
    assert flowengine("connections", "add", *arguments, stdin=stdin).code == 2
    assert not (project / "connections.yaml").exists()


@pytest.fixture
def desk():
    """A service that knows one user."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            good = self.headers["Authorization"] == "Basic YW5uQGV4YW1wbGUuY29tOmdvb2Qta2V5"
            send_json(self, [], 200 if good else 401)

    with answered_by(Handler) as url:
        yield url


@pytest.mark.parametrize(("key", "code", "word"), [("good-key", 0, "answered 200"), ("wrong-key", 4, "401")])
def test_connections_are_tried_by_a_harmless_call(flowengine, desk, key, code, word):
    flowengine("connections", "add", "livechat", "--base-url", desk, stdin=f"ann@example.com\n{key}\n")
    said = flowengine("connections", "test")
    assert said.code == code
    assert "livechat.ListAgents" in said.out
    assert word in said.out
    assert flowengine("connections", "test", "livechat", "--json").json["connections"][0]["works"] is (code == 0)


def test_no_connections(flowengine):
    assert flowengine("connections", "test").code == 3
    assert "flowengine connections add" in flowengine("connections", "list").err


def test_the_database_is_made_and_looked_over(flowengine, hello):
    assert flowengine("db", "check").code == 3
    assert flowengine("db", "upgrade").code == 0
    assert "unfinished runs: 0" in flowengine("db", "check").out
    assert flowengine("db", "check", "--json").json["database"]["engine"] is None


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite:////proc/nowhere/x.db"])
@pytest.mark.parametrize("command", [["runs", "list"], ["run", "hello"], ["db", "upgrade"], ["secrets", "set", "a"]])
def test_a_wrong_database(flowengine, hello, monkeypatch, url, command):
    monkeypatch.setenv("FLOWENGINE_DATABASE_URL", url)
    said = flowengine(*command, stdin="x")
    assert said.code == (3 if url.startswith("sqlite") else 2)
    assert said.err.startswith("flowengine: ")
    assert len(said.err.splitlines()) <= 2


def test_completion_knows_every_command(flowengine):
    script = flowengine("completion", "bash").out
    assert "runs/show)" in script
    assert "--event" in script
    assert "complete -c flowengine" in flowengine("completion", "fish").out
    assert flowengine("completion", "zsh").out.startswith("autoload")
