"""Tests made from runs of every kind, and the corners of rehearsing: what they take for given and what they refuse."""

import asyncio
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from flowengine.app import Engine
from flowengine.config import Settings
from flowengine.types import Status, parse_path
from tests.fakes.beside import answered_by, send_json

FULL = """\
flow: Full
trigger:
  - manual: true
    split: "{{ trigger.items }}"
timeout: 1 hour
actions:
  - { name: Flaky, use: http.get, with: { url: "SERVICE/flaky" }, retry: { times: 2, wait: 10 ms }, save_as: flaky }
  - { name: Hidden, use: http.post, with: { url: "SERVICE/fine", body: { key: k } }, secure: [inputs, outputs] }
  - { name: Hidden too, use: http.post, with: { url: "SERVICE/refused" }, secure: [inputs], on_error: continue }
  - { name: Allowed, ask: { to: x, question: "{{ trigger.n }}?", choices: ["Go", "Stop"] }, save_as: allowed }
  - { name: Nobody, ask: { to: x, question: q }, timeout: 50 ms, on_error: continue }
  - { name: Came, wait_for: callback, save_as: came }
  - { name: Child, call: child, with: { n: "{{ trigger.n }}" }, save_as: child }
  - { name: Broken, call: broken, on_error: continue }
  - name: Refused
    use: http.post
    with: { url: "SERVICE/refused", headers: { X: "{{ event.headers | length }}" } }
    on_error: continue
  - { name: Poll, repeat: { until: "{{ loop.index == 2 }}", wait: 10 ms }, do: [{ name: Look, log: "{{ loop.index }}" }] }
output: "{{ flaky.ok }} {{ allowed.choice }} {{ came.n }} {{ child }} {{ actions['Refused'].status_code }}"
"""
CHILD = """\
flow: Child
trigger: { manual: true }
inputs: { n: { type: number } }
actions: [{ log: x }]
output: "{{ inputs.n + 1 }}"
"""
BROKEN = "flow: Broken\ntrigger: { manual: true }\nactions: [{ stop: { status: failed, message: no stock } }]\n"


@pytest.fixture
def service():
    asked = []

    class Service(BaseHTTPRequestHandler):
        def answer(self):
            asked.append(self.path)
            status = {"/refused": 409, "/flaky": 503 if asked.count("/flaky") == 1 else 200}.get(self.path, 200)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            send_json(self, {"ok": status == 200, "why": "taken"}, status)

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

    with answered_by(Service) as url:
        yield url


async def carry_out(settings: Settings) -> None:
    """One run with everything in it."""
    async with Engine.open(settings) as engine:
        run = await engine.submit("full", event={"items": [{"n": 7}]})
        answers = {
            "allowed": {"choice": "Go", "by": "ann", "comment": "", "at": "2026-01-01T00:00:00Z"},
            "came": {"n": 5},
        }
        async with asyncio.timeout(15):
            while answers:
                waiting = {
                    each.path for each in await engine.app.store.runs.actions(run.id) if not each.status.finished
                }
                for path in [path for path in answers if parse_path(path) in waiting]:
                    await engine.app.engine.answer(run.id, parse_path(path), answers.pop(path))
                await asyncio.sleep(0.02)
        assert (await engine.wait(run.id, 15)).status is Status.SUCCEEDED


@pytest.fixture
def recorded(flowengine, flow, project, service, monkeypatch):
    """The text of the test that a full run gives."""
    monkeypatch.setenv("FLOWENGINE_ALLOW_PRIVATE_NETWORK", "true")
    flow("full", FULL.replace("SERVICE", service))
    flow("child", CHILD)
    flow("broken", BROKEN)
    asyncio.run(carry_out(Settings(project=project, allow_private_network=True)))
    said = flowengine("test", "--record", flowengine("runs", "list", "--flow", "full", "--json").json["runs"][0]["id"])
    assert "secure values" in said.err
    return Path(said.out.removeprefix("made ").strip())


def test_a_run_with_everything_gives_a_test_that_holds(flowengine, recorded):
    made = yaml.safe_load(recorded.read_text(encoding="utf-8"))
    assert made["trigger"] == {"n": 7}
    assert made["answers"]["flaky"]["sequence"][0]["status_code"] == 503
    assert made["answers"]["allowed"]["body"]["choice"] == "Go"
    assert made["answers"]["nobody"] == {"error": "timed_out"}
    assert made["answers"]["broken"]["status_code"] == 500
    assert made["answers"]["refused"]["body"] == {"ok": False, "why": "taken"}
    assert [call["at"] for call in made["expect"]["calls"]] == ["flaky", "flaky", "hidden", "hidden_too", "refused"]
    assert made["expect"]["output"] == "true Go 5 8 409"
    said = flowengine("test", "full", "--json").json
    assert said["tests"][0]["differences"] == []
    assert flowengine("test", recorded).code == 0


def test_a_flow_that_has_changed_since_is_told(flowengine, flow, hello):
    flowengine("run", "hello")
    hello.write_text(hello.read_text().replace("Greet", "Salute"))
    said = flowengine("test", "--record", "@last", "--json")
    assert said.code == 1
    assert said.json["test"]["differences"][0]["where"] == "actions.greet"
    assert "the run had" in flowengine("test", "--record", "@last").err


DRY = """\
flow: Dry
trigger: { manual: true }
actions:
  - { name: Allowed, ask: { to: x, question: q, choices: ["Go", "Stop"] }, save_as: allowed }
  - { name: Ticket, use: livechat.CreateTicket, with: { message: hi, requester: { mail: a@example.com } }, save_as: ticket }
  - { name: Child, call: child, with: { n: 1 }, save_as: child }
  - { name: Told, log: "{{ allowed.choice }} {{ child }}" }
"""


def test_a_dry_run_tells_what_it_takes_for_given(flowengine, flow):
    flow("dry", DRY)
    flow("child", CHILD)
    said = flowengine("run", "dry", "--dry-run")
    assert said.code == 0, said.out + said.err
    assert 'told  "Go 2"' in said.out
    assert 'goes on as if the answer were "Go"' in said.err
    assert "no connection for livechat" in said.err


@pytest.mark.parametrize(
    ("mock", "message"),
    [
        ("- a\n", "must hold an object"),
        ("a: { error: nothing }\n", 'there is no error "nothing"'),
        ("a: { sequence: [] }\n", "sequence needs a list"),
        ("a: { body: 1, takes: long }\n", "takes:"),
        ("a: {{ b }}\n", "quotes around the template"),
    ],
)
def test_answers_that_cannot_be_used(flowengine, hello, project, mock, message):
    (project / "mock.yaml").write_text(mock)
    said = flowengine("run", "hello", "--mock", "mock.yaml")
    assert said.code == 2
    assert message in said.err


def test_answers_that_nothing_asks_for_are_told(flowengine, hello, project):
    (project / "mock.yaml").write_text("answers: { Gret: 1 }\n")
    assert 'Nothing asked for the answer "Gret"' in flowengine("run", "hello", "--mock", "mock.yaml").err


SLOW = """\
flow: Slow
trigger: { manual: true }
timeout: 1 hour
actions:
  - { name: Slow, use: http.get, with: { url: "http://x" }, timeout: 5 seconds, retry: 0, on_error: continue }
  - { name: Patient, use: http.get, with: { url: "http://x" }, retry: { times: 1, wait: 1 second }, on_error: continue }
  - { name: Ask, ask: { to: x, question: q }, timeout: 1 day }
"""


def test_time_passes_in_a_rehearsal_as_it_would(flowengine, flow, project):
    flow("slow", SLOW)
    (project / "mock.yaml").write_text(
        "Slow: { body: 1, takes: 6 seconds }\n"
        "Patient: { sequence: [{ status_code: 429, headers: { Retry-After: 30 } }, { status_code: 401 }] }\n"
    )
    run = flowengine("run", "slow", "--mock", "mock.yaml", "--json").json["run"]
    shown = {action["path"]: action for action in run["actions"]}
    assert (run["status"], run["duration_ms"]) == ("timed_out", 3_600_000)
    assert (shown["slow"]["status"], shown["slow"]["duration_ms"]) == ("timed_out", 5000)
    assert shown["patient"]["duration_ms"] == 30_000
    assert [attempt["error"]["code"] for attempt in shown["patient"]["attempts"]] == ["throttled", "unauthorized"]
    assert shown["ask"]["status"] == "cancelled"


def test_flows_that_call_each_other_for_ever_end(flowengine, flow, project):
    flow("a", 'flow: A\ntrigger: {manual: true}\nactions: [{call: b, when: "{{ true }}"}]\n')
    flow("b", "flow: B\ntrigger: {manual: true}\nactions: [{call: c}]\n")
    flow("c", "flow: C\ntrigger: {manual: true}\nactions: [{log: x}]\n")
    (project / "tests" / "flows").mkdir(parents=True)
    (project / "tests" / "flows" / "a.yaml").write_text("flow: a\nexpect: { status: succeeded }\n")
    assert flowengine("test").code == 0
    flow("c", "flow: C\ntrigger: {manual: true}\nactions: [{call: a}]\n")
    said = flowengine("test")
    assert said.code == 1
    assert "flows call each other more than 20 deep" in said.out


def test_a_split_event_makes_several_runs(flowengine, flow, project):
    flow(
        "split", 'flow: S\ntrigger: {manual: true, split: "{{ trigger.items }}"}\nactions: [{log: "{{ trigger.n }}"}]\n'
    )
    (project / "event.json").write_text('{"items": [{"n": 1}, {"n": 2}]}')
    said = flowengine("run", "split", "--event", "event.json", "--dry-run")
    assert "Run 2 of 2:" in said.out
    assert len(flowengine("run", "split", "--event", "event.json", "--dry-run", "--json").json["runs"]) == 2
