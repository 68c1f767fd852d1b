"""Commands beside a running engine: changes go through its API, the history is read from the store."""

import json
import signal
import socket
import urllib.request
from functools import partial

import pytest

from tests.fakes.processes import begun, ended

HELLO = """\
flow: Hello
trigger: { manual: true }
inputs: { name: { type: text, default: world } }
actions:
  - name: Greet
    log: "Hello, {{ inputs.name }}!"
"""
SLOW = "flow: Slow\ntrigger: { manual: true }\nactions:\n  - wait: 1 hour\n"
HOOKED = HELLO.replace("{ manual: true }", "{ webhook: { verify: none } }")
PICKY = HELLO.replace("actions:", 'conditions:\n  - value: "{{ trigger.name }}"\n    is: Ann\nactions:')


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "flows").mkdir()
    for name, text in (("hello", HELLO), ("slow", SLOW), ("picky", PICKY), ("hooked", HOOKED)):
        (folder / "flows" / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def served(project):
    """The project with its engine running; gives the first line that the engine printed."""
    with begun("-C", project, "serve", "--port", "0") as process:
        yield process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
        assert process.returncode == 0, told


@pytest.fixture
def flowengine(project):
    return partial(ended, "-C", project)


def test_the_engine_says_where_it_is(served, project):
    assert served.startswith(f"flowengine serves {project} at http://127.0.0.1:")


def test_a_run_goes_through_the_engine_and_is_followed(served, flowengine):
    done = flowengine("run", "hello", "-i", "name=Ann")
    assert done.returncode == 0, done.stderr
    assert '"Hello, Ann!"' in done.stdout
    assert "mistake inside" not in done.stderr


def test_a_run_that_is_not_waited_for_can_be_cancelled(served, flowengine):
    run_id = flowengine("run", "slow", "--no-wait").stdout.strip()
    assert flowengine("runs", "wait", run_id, "--timeout", "0.2").returncode == 5
    assert flowengine("runs", "cancel", run_id).returncode == 0
    assert flowengine("runs", "wait", run_id, "--timeout", "10").returncode == 1
    assert json.loads(flowengine("runs", "show", run_id, "--json").stdout)["run"]["status"] == "cancelled"


def test_an_event_that_starts_no_run_says_why(served, flowengine):
    done = flowengine("run", "picky", "-i", "name=Bob")
    assert done.returncode == 1
    assert "Bob" in done.stderr
    assert "flowengine events list" in done.stderr


def test_a_flow_is_switched_by_the_engine_at_once(served, flowengine):
    done = flowengine("flows", "disable", "hello")
    assert (done.returncode, done.stdout) == (0, "hello is off\n")
    assert "next `flowengine serve`" not in done.stderr
    assert flowengine("flows", "enable", "hello").returncode == 0


def test_a_webhooks_address_is_shown_and_works(served, flowengine):
    page = flowengine("flows", "show", "hooked").stdout
    address = next(word for word in page.split() if word.startswith("http://127.0.0.1:"))
    with urllib.request.urlopen(urllib.request.Request(address, data=b"{}", method="POST"), timeout=10) as answer:
        assert answer.status == 200
    assert json.loads(flowengine("flows", "list", "--json").stdout)["flows"][1]["id"] == "hooked"
    assert flowengine("runs", "watch", "@last").returncode == 0


def test_secrets_go_through_the_engine(served, flowengine):
    assert flowengine("secrets", "set", "a_key", stdin="v-123456").returncode == 0
    assert flowengine("secrets", "list").stdout == "a_key\n"
    assert flowengine("secrets", "remove", "a_key").returncode == 0


def test_a_second_engine_is_refused_with_the_firsts_address(served, flowengine):
    done = flowengine("serve", "--port", "0")
    assert done.returncode == 3
    assert "in use by the engine of process" in done.stderr
    assert "http://127.0.0.1:" in done.stderr


def test_the_doctor_sees_the_engine(served, flowengine):
    checks = json.loads(flowengine("doctor", "--json").stdout)["checks"]
    assert next(each for each in checks if each["part"] == "engine")["verdict"] == "ok"


def test_a_port_in_use(tmp_path):
    (tmp_path / "flows").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments in (["-C", tmp_path, "serve", "--port", port], ["sandbox", "livechat", "--port", port]):
            refused = ended(*arguments)
            assert refused.returncode == 3
            assert len(refused.stderr.splitlines()) == 1
            assert str(port) in refused.stderr


def test_a_stand_in_says_how_to_use_it_until_it_is_stopped():
    with begun("sandbox", "comm100") as process:
        assert "Comm100" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


def test_a_stand_in_that_does_not_exist():
    refused = ended("sandbox", "livechta")
    assert refused.returncode == 2
    assert 'did you mean "livechat"?' in refused.stderr
