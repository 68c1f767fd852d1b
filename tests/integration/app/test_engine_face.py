"""The face for Python programs, and what the composition root decides: connections, secrets, versions."""

from textwrap import dedent

import pytest

from flowengine import Engine, Settings
from flowengine.app import NotStarted
from flowengine.errors import Conflict, InvalidFile, InvalidInputs, NotFound
from flowengine.types import Status
from tests.fakes.projects import make_project

GREET = """
    flow: Greet
    trigger: {webhook: {verify: none}, split: "{{ trigger.people }}"}
    conditions: [{value: "{{ trigger.age }}", at_least: 18}]
    actions: [{log: "Hello {{ trigger.name }}"}]
    output: "{{ trigger.name }}"
    """
ADD = """
    flow: Add
    trigger: {manual: true}
    inputs: {a: {type: number, required: true}}
    actions: [{log: x}]
    output: {sum: "{{ inputs.a + 1 }}", same: "{{ trigger.a }}"}
    """
CALLER = """
    flow: Caller
    trigger: {manual: true}
    actions:
      - call: add
        with: {a: 4}
        save_as: added
    output: "{{ added.sum }}"
    """
TICKETS = """
    flow: Tickets
    trigger: {manual: true}
    actions: [{use: livechat.ListTickets}]
    """
SLEEPY = """
    flow: Sleepy
    trigger: {manual: true}
    actions: [{wait: 1 hour}]
    """
FLOWS = {"greet": GREET, "add": ADD, "caller": CALLER, "sleepy": SLEEPY}
ACCOUNT = """
    {name}:
      connector: livechat
      parameters: {{ username: "{{{{ env.LOGIN }}}}", apikey: "{{{{ secrets.key }}}}" }}
    """


async def test_a_run_from_submit_to_its_output(tmp_path):
    async with Engine.open(make_project(tmp_path, FLOWS)) as engine:
        run = await engine.submit("add", inputs={"a": "2"})
        run = await engine.wait(run.id, 20)
        assert (run.status, run.output) == (Status.SUCCEEDED, {"sum": 3, "same": 2})
        called = await engine.wait((await engine.submit("caller")).id, 20)
        assert called.output == 5


async def test_a_manual_event_is_split_and_weighed_like_a_real_one(tmp_path):
    async with Engine.open(make_project(tmp_path, FLOWS)) as engine:
        run = await engine.submit("greet", event={"people": [{"name": "Kim", "age": 9}, {"name": "Ann", "age": 20}]})
        assert (await engine.wait(run.id, 20)).output == "Ann"
        with pytest.raises(NotStarted, match="9 at least 18 does not hold") as caught:
            await engine.submit("greet", event={"people": [{"name": "Kim", "age": 9}]})
        assert caught.value.event.disposition == "filtered"


async def test_mistakes_of_the_caller_have_their_own_words(tmp_path):
    async with Engine.open(make_project(tmp_path, FLOWS)) as engine:
        with pytest.raises(NotFound, match="did you mean"):
            await engine.submit("ad")
        with pytest.raises(InvalidInputs, match='"a" must be a number'):
            await engine.submit("add", inputs={"a": "x"})
        with pytest.raises(TimeoutError):
            await engine.wait((await engine.submit("sleepy")).id, 0)


async def test_two_engines_do_not_share_a_project(tmp_path):
    settings = make_project(tmp_path, FLOWS)
    async with Engine.open(settings):
        with pytest.raises(Conflict, match="in use"):
            async with Engine.open(settings):
                pass


async def test_a_run_keeps_the_version_it_began_with(tmp_path):
    settings = make_project(tmp_path, FLOWS)
    async with Engine.open(settings) as engine:
        flow = engine.app.library.get("add")
        (settings.flows / "add.yaml").write_text(dedent(ADD).replace("+ 1", "+ 100"))
        assert await engine.app.triggers.refresh() == ["add"]
        assert (await engine.app.flow_version("add", flow.version)).source.text == flow.source.text
        assert (await engine.app.flow_version("add", engine.app.library.get("add").version)) is engine.app.library.get(
            "add"
        )
        with pytest.raises(NotFound):
            await engine.app.flow_version("add", "never")


@pytest.mark.parametrize(
    ("connections", "words"),
    [
        ([], "no connection for livechat"),
        (["one", "two"], "several connections: write connection: and one of one, two"),
    ],
)
async def test_a_missing_or_doubtful_connection_says_what_to_write(tmp_path, monkeypatch, connections, words):
    monkeypatch.setenv("LOGIN", "me@example.com")
    text = "".join(ACCOUNT.format(name=name) for name in connections)
    settings = make_project(tmp_path, {}, text)
    settings.flows.mkdir(exist_ok=True)
    async with Engine.open(settings) as engine:
        with pytest.raises(Exception, match=words):
            engine.app.calls.connection("livechat", None)
        with pytest.raises(Exception, match='no connection "on"'):
            engine.app.calls.connection("livechat", "on")
        assert engine.app.calls.connection("http", None) is None
        assert engine.app.calls.address("livechat", None) == ""


async def test_the_only_connection_is_the_one(tmp_path):
    async with Engine.open(make_project(tmp_path, {}, ACCOUNT.format(name="one"))) as engine:
        assert engine.app.calls.connection("livechat", None).name == "one"
        assert engine.app.calls.operation("livechat", "Nothing") is None
        assert engine.app.calls.operation("nothing", "Nothing") is None


async def test_a_broken_connections_file_is_told_at_its_line(tmp_path):
    settings = make_project(tmp_path, FLOWS, "livechat: [1]\n")
    with pytest.raises(InvalidFile, match=r"connections.yaml:1:"):
        async with Engine.open(settings):
            pass


async def test_secrets_come_from_the_store_or_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("FLOWENGINE_SECRET_TEAM_HOOK", "from outside")
    async with Engine.open(make_project(tmp_path, {})) as engine:
        assert engine.app.secrets.get("team-hook") == "from outside"
        await engine.app.set_secret("team-hook", "from the store")
        assert engine.app.secrets.get("team-hook") == "from the store"
        assert engine.app.secrets.get("unknown") is None
    async with Engine.open(Settings(project=tmp_path)) as engine:
        assert engine.app.secrets.get("team-hook") == "from the store"


async def test_what_may_be_called_twice(tmp_path):
    flows = {
        "t": """
        flow: T
        trigger: {manual: true}
        actions:
          - {name: a, use: livechat.ListTickets}
          - {name: b, use: livechat.CreateTicket, with: {message: x, requester: {mail: a@example.com}}}
          - {name: c, use: http.request, with: {method: PUT, url: "https://example.com"}}
        """
    }
    async with Engine.open(make_project(tmp_path, flows, ACCOUNT.format(name="one"))) as engine:
        a, b, c = engine.app.library.get("t").actions
        assert engine.app.calls.repeatable(a, {})
        assert not engine.app.calls.repeatable(b, {})
        assert engine.app.calls.repeatable(c, {"method": "PUT"})
        assert not engine.app.calls.repeatable(c, {"method": "POST"})
