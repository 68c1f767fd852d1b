"""SIGTERM ends the server in order, and what was going on goes on at the next start."""

import signal
import subprocess
import sys
import time

import httpx

from tests.fakes.projects import make_project

FLOW = {"wait": "flow: Wait\ntrigger: {manual: true}\nactions: [{wait: 2 seconds}, {log: done}]\n"}

PROGRAM = """
import sys
from pathlib import Path
from flowengine.config import Settings
from flowengine.server.run import run
run(Settings.load(Path(sys.argv[1]), {}, port=0), lambda server: print(server.url, flush=True))
print("stopped", flush=True)
"""


def test_sigterm_ends_it_in_order_and_the_run_goes_on_at_the_next_start(tmp_path):
    make_project(tmp_path, FLOW)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        url = first.stdout.readline().strip()
        run = httpx.post(f"{url}/api/v1/runs", json={"flow": "wait"}).json()["run"]
        asked = time.monotonic()
        first.send_signal(signal.SIGTERM)
        assert first.stdout.read() == "stopped\n"
    assert first.returncode == 0
    assert time.monotonic() - asked < 10
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as second:
        url = second.stdout.readline().strip()
        document = httpx.get(f"{url}/api/v1/runs/{run['id']}?wait=10", timeout=15).json()["run"]
        second.send_signal(signal.SIGINT)
        assert second.stdout.read() == "stopped\n"
    assert document["status"] == "succeeded"
