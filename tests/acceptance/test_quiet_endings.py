"""However the program is ended, and whatever it was at, nobody is shown a traceback."""

import contextlib
import signal
import socket
import time

import httpx
import pytest

from tests.fakes.processes import begun

POLL = """
flow: Watch
trigger: { poll: http.get, every: 1 minute, with: { url: "%s" }, connection: near, items: "{{ body }}", item_id: "{{ item }}" }
actions: [{ log: hello }]
"""
RENDERS = """
flow: Renders
trigger: { manual: true }
actions:
  - for_each: "{{ range(500) }}"
    as: one
    do: [{ log: "{% for i in range(50000) %}{% endfor %}{{ one }}" }]
"""


@pytest.fixture
def silent_service():
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


@contextlib.contextmanager
def serving(folder, flow, connections=""):
    (folder / "flows").mkdir()
    (folder / "flows" / "it.yaml").write_text(flow)
    (folder / "connections.yaml").write_text(connections)
    with begun("-C", folder, "serve", "--port", "0") as process:
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def test_sigterm_during_a_poll(tmp_path, silent_service):
    url = f"http://127.0.0.1:{silent_service.getsockname()[1]}"
    near = f"near: {{connector: http, base_url: '{url}', allow_private_network: true}}"
    with serving(tmp_path, POLL % f"{url}/items", near) as (process, _):
        asked, _ = silent_service.accept()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
        asked.close()
    assert process.returncode == 0
    assert "Traceback" not in told
    assert "Cancelled" not in told


def test_kill_9_while_templates_are_rendered_in_other_processes(tmp_path):
    with serving(tmp_path, RENDERS) as (process, url):
        for _ in range(4):
            httpx.post(f"{url}/api/v1/runs", json={"flow": "it"}).raise_for_status()
        time.sleep(1)
        process.kill()
        # Until its children have ended too, who have its stderr open.
        _, told = process.communicate(timeout=30)
    assert "Traceback" not in told
