"""`--server URL`: the same commands over a server's API, and tokens and the audit record from the command line."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from flowengine.cli.root import answer
from flowengine.server.run import serving
from tests.fakes.beside import beside
from tests.fakes.projects import make_project

GREET = """
    flow: Greet
    trigger: [{manual: true}, {schedule: every day at 09:00}]
    inputs: {name: {type: text, required: true}}
    conditions: [{value: "{{ inputs.name }}", is_not: nobody}]
    actions:
      - name: Say it
        log: "Hello {{ inputs.name }}"
      - name: Fail it
        when: "{{ inputs.name == 'fail' }}"
        stop: {status: failed, message: as asked}
    """


@pytest.fixture(scope="module")
def far_away(tmp_path_factory):
    """A server in a thread, with a token for an operator and one for an administrator."""
    settings = make_project(tmp_path_factory.mktemp("far"), {"greet": GREET}, sign_in="always")

    @asynccontextmanager
    async def opened():
        async with serving(settings) as server:
            access = server.app.store.access
            tokens = {role: (await access.add_token(role, role))[1] for role in ("viewer", "operator", "admin")}
            yield {"url": server.url, **tokens}

    with beside(opened) as found:
        yield found


@pytest.fixture
def far(far_away, elsewhere):
    """Runs a command against the server, as a caller of this role."""
    return lambda *arguments, role="operator": elsewhere(far_away["url"], far_away[role], *arguments)


def test_a_run_is_started_found_and_shown(far):
    code, out, _ = far("run", "greet", "-i", "name=Ann", "--json")
    run = json.loads(out)["run"]
    assert (code, run["status"], [one["path"] for one in run["actions"]]) == (0, "succeeded", ["say_it", "fail_it"])
    code, out, _ = far("runs", "show", run["id"][:18])
    assert (code, "say_it" in out) == (0, True)
    assert json.loads(far("runs", "list", "--json")[1])["runs"][0]["id"] == run["id"]
    assert run["id"] in far("runs", "list", "--search", "Ann")[1]
    assert run["id"] in far("runs", "list", "--search", "Hello", "--everywhere")[1]
    assert run["id"] in far("runs", "list", "--flow-version", run["flow_version"][:9])[1]
    for narrowed in (["--flow-version", "fff0fff"], ["--status", "timed_out"], ["--flow", "nothing"]):
        found = json.loads(far("runs", "list", "--search", "Ann", *narrowed, "--json")[1])
        assert (found["runs"], found["total"]) == ([], 0)
    assert "Hello Ann" in far("runs", "logs", "@last")[1]


def test_a_failure_is_told_with_its_line(far):
    code, _, _ = far("run", "greet", "-i", "name=fail")
    assert code == 1
    shown = far("runs", "show", "@last-failed")[1]
    assert "as asked" in shown
    assert "flows/greet.yaml:" in shown


def test_events_tell_why_nothing_ran(far):
    code, _, err = far("run", "greet", "-i", "name=nobody")
    assert (code, "does not hold" in err) == (1, True)
    events = json.loads(far("events", "list", "--disposition", "filtered", "--json")[1])["events"]
    assert "nobody" in far("events", "show", events[0]["id"])[1]


def test_flows_are_listed_and_switched(far):
    assert json.loads(far("flows", "list", "--json")[1])["flows"][0]["file"] == "flows/greet.yaml"
    assert far("flows", "disable", "greet")[0] == 0
    assert json.loads(far("flows", "list", "--json")[1])["flows"][0]["enabled"] is False
    assert far("flows", "enable", "greet")[0] == 0
    assert "greet" in far("flows", "next", "-n", "2")[1]
    assert json.loads(far("flows", "versions", "greet", "--json")[1])["versions"]


def test_connectors_and_secrets(far, monkeypatch):
    assert "livechat" in far("connectors", "list")[1]
    assert "ListAgents" in far("connectors", "show", "livechat")[1]
    monkeypatch.setattr("flowengine.cli.secrets.ask", lambda question: "hidden value")
    assert far("secrets", "set", "team", role="admin")[0] == 0
    assert far("secrets", "list")[1].split() == ["team"]
    code, _, err = far("secrets", "set", "team", role="operator")
    assert (code, "needs admin" in err) == (3, True)


def test_tokens_and_the_record_of_changes(far):
    text = json.loads(far("tokens", "add", "ci", "--role", "operator", "--days", "30", "--json", role="admin")[1])
    assert text["token"]["text"].startswith("fe_")
    assert "ci" in far("tokens", "list", role="admin")[1]
    assert far("tokens", "revoke", "ci", role="admin")[0] == 0
    assert "ci" not in far("tokens", "list", role="admin")[1]
    assert "revoked" in far("tokens", "list", "--all", role="admin")[1]
    audit = far("audit", "list", "--action", "revoke_token", role="admin")[1]
    assert "token:admin" in audit
    assert far("audit", "list", role="viewer")[0] == 3


def test_wrong_addresses_and_tokens_are_told(far, monkeypatch, capsys):
    monkeypatch.setenv("FLOWENGINE_TOKEN", "wrong")
    for address, code, words in (
        ("http://127.0.0.1:1", 3, "does not answer"),
        ("ftp://example.com", 2, "takes an address"),
        ("http://[", 2, "takes an address"),
    ):
        assert answer(["runs", "list", "--server", address]) == code
        assert words in capsys.readouterr().err
    assert answer(["runs", "list", "--server"]) == 2


@pytest.mark.parametrize("command", [("serve",), ("db", "check"), ("demo",)])
def test_what_is_about_this_machine_is_not_asked_elsewhere(far, command):
    code, _, err = far(*command)
    assert (code, "this machine" in err) == (2, True)


def test_what_runs_did_is_compared_taken_out_and_done_again(far):
    far("run", "greet", "-i", "name=Ann")
    far("run", "greet", "-i", "name=Bob")
    runs = [one["id"] for one in json.loads(far("runs", "list", "-L", "2", "--json")[1])["runs"]]
    assert far("runs", "diff", *runs)[0] == 0
    assert len(far("runs", "export", *runs)[1].splitlines()) == 2
    assert far("runs", "resubmit", runs[0])[0] == 0
    assert "hi" in far("eval", "'hi'", "--run", runs[0])[1]
    assert "Say it" in far("graph", "--run", runs[0])[1]


def test_tokens_without_a_server(tmp_path, monkeypatch, capsys):
    make_project(tmp_path, {"greet": GREET})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWENGINE_SERVER", "")
    assert answer(["tokens", "list"]) == 0
    assert answer(["tokens", "add", "ann", "--role", "boss"]) == 2
    assert answer(["tokens", "add", "ann"]) == 0
    token = capsys.readouterr().out.strip()
    assert token.startswith("fe_")
    assert answer(["tokens", "add", "ann"]) == 2
    assert answer(["tokens", "revoke", "ann"]) == 0
    assert answer(["audit", "list"]) == 0
    told = capsys.readouterr()
    assert "add_token" in told.out
    assert "cli:" in told.out
    assert token not in told.out + told.err
