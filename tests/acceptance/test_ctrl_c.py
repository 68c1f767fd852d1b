"""Ctrl-C ends what runs in a terminal in order, with exit code 130, and says what becomes of what was going on."""

import json
import signal

import pytest

from tests.fakes.processes import begun

WAITING = "flow: Wait\ntrigger: { manual: true }\nactions:\n  - wait: 1 hour\n"


def _hear_ctrl_c():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def begin(folder, *arguments):
    """A command in a process of its own that hears Ctrl-C, whatever the shell of these tests ignores."""
    return begun("-C", folder, *arguments, preexec_fn=_hear_ctrl_c)


def interrupted(process):
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)
    return process.returncode, out, told


@pytest.fixture
def project(tmp_path):
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "wait.yaml").write_text(WAITING)
    return tmp_path


def status_of(project, run_id):
    with begin(project, "runs", "show", run_id, "--json") as process:
        return json.loads(process.communicate(timeout=30)[0])["run"]["status"]


def run_id_of(process):
    return process.stderr.readline().split()[1]


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_an_engine_ends_in_order(project, ending, code):
    with begin(project, "serve", "--port", "0") as process:
        process.stdout.readline()
        process.send_signal(ending)
        _, told = process.communicate(timeout=30)
    assert process.returncode == code
    assert "runs that were going on are resumed at the next start" in told
    assert "Traceback" not in told


def test_a_run_without_an_engine_is_kept_and_says_how_it_goes_on(project):
    with begin(project, "run", "wait") as process:
        run_id = run_id_of(process)
        code, _, told = interrupted(process)
    assert code == 130
    assert f"Run {run_id} has not ended" in told
    assert "flowengine serve" in told
    assert f"flowengine runs show {run_id}" in told
    assert "Traceback" not in told
    assert status_of(project, run_id) in ("queued", "waiting")


def test_a_run_in_an_engine_goes_on_there(project):
    with begin(project, "serve", "--port", "0") as engine:
        engine.stdout.readline()
        with begin(project, "run", "wait") as process:
            run_id = run_id_of(process)
            code, _, told = interrupted(process)
        assert code == 130
        assert f"it goes on in the engine. End it: flowengine runs cancel {run_id}" in told
        assert status_of(project, run_id) in ("running", "waiting")
        assert interrupted(engine)[0] == 130


@pytest.mark.parametrize("service", ["livechat", "livechat-agent", "comm100"])
def test_a_stand_in_ends_in_order(project, service):
    with begin(project, "sandbox", service) as process:
        process.stdout.readline()
        code, _, told = interrupted(process)
    assert code == 130
    assert "Traceback" not in told
