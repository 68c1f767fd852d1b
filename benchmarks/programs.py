"""What the benchmarks share: programs in processes of their own, what they answer, and what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Program:
    """A program that listens at `url`."""

    url: str
    running: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Processor seconds so far, of all its threads and of what it started; 0 where the system does not tell."""
        return cpu_of_family(self.running.pid)

    def memory(self, *, now: bool = False) -> float:
        """The most memory that it and what it started held so far, in MB, or what they hold now; 0 where the system does not tell."""
        return sum(memory_of(pid, "VmRSS:" if now else "VmHWM:") for pid in family(self.running.pid))


def cpu_of_family(pid: int) -> float:
    """Processor seconds so far of a process and of what it started."""
    return sum(cpu_of(one) for one in family(pid))


def family(pid: int) -> set[int]:
    """A process and what its threads started."""
    found = {pid}
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found.update(map(int, (thread / "children").read_text().split()))
    return found


def cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int, line: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(found.split()[1]) / 1000 for found in lines if found.startswith(line)), 0.0)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(port: int, *command: str, ready_at: str) -> Iterator[Program]:
    """Python, with these arguments, until the end of the block; it answers at `ready_at` when the block begins."""
    quiet = subprocess.DEVNULL
    running = subprocess.Popen([sys.executable, *command], stdout=quiet, stderr=quiet, env=environment())
    try:
        found = Program(f"http://127.0.0.1:{port}", running)
        wait_until_ready(found, ready_at)
        yield found
    finally:
        running.terminate()
        running.wait(60)


@contextmanager
def target(seconds: float = 0) -> Iterator[str]:
    """The service that flows call; gives its address. It answers after so many seconds."""
    port = free_port()
    with program(port, str(HERE / "target.py"), str(port), str(seconds), ready_at="/") as found:
        yield found.url + "/"


@contextmanager
def engine(folder: Path) -> Iterator[Program]:
    """`flowengine serve` on the project in a folder."""
    port = free_port()
    with program(port, *serve_command(folder, port), ready_at="/readyz") as found:
        yield found


def serve_command(folder: Path, port: int) -> tuple[str, ...]:
    return ("-m", "flowengine", "-C", str(folder), "serve", "--port", str(port))


def project(folder: Path, flow_id: str, text: str) -> Path:
    """A project with one flow that may call this machine."""
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / f"{flow_id}.yaml").write_text(text)
    (folder / "flowengine.toml").write_text("allow_private_network = true\n")
    return folder


def hook_of(engine: Program, flow_id: str) -> str:
    """The address of a flow's first webhook."""
    document = json.loads(read(f"{engine.url}/api/v1/flows/{flow_id}"))
    return str(document["flow"]["triggers"][0]["address"])


def finished(engine: Program) -> int:
    """How many runs the process has finished."""
    return counted(engine, "flowengine_runs_finished_total")


def counted(engine: Program, name: str) -> int:
    """The sum of a counter over its labels."""
    lines = read(f"{engine.url}/metrics").decode().splitlines()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name))


def wait_for(engine: Program, runs: int) -> None:
    while finished(engine) < runs:
        time.sleep(0.01)


def read(url: str, body: bytes | None = None) -> bytes:
    """What comes back for a GET, or for a POST of a body in JSON; an `OSError` when it is refused."""
    asked = urllib.request.Request(url, body, {"content-type": "application/json"} if body else {})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return bytes(answer.read())


def environment() -> dict[str, str]:
    """This program's, with files compiled once: else each start compiles pages anew beside what is measured."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def wait_until_ready(found: Program, path: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and found.running.poll() is None:
        try:
            read(found.url + path)
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"nothing answers at {found.url}{path}")
