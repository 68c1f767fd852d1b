"""Programs with all the processes that they start, as one: what they cost, how they are stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from programs import Program, wait_until_ready

TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def session(
    port: int, command: tuple[str, ...], environment: dict[str, str], folder: Path, ready_at: str
) -> Iterator[Program]:
    """The program, begun in a folder, with all that it starts, from when it answers at `ready_at` until kill -9."""
    with (folder / "output.log").open("ab") as output:
        running = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        serving = Program(f"http://127.0.0.1:{port}", running)
        wait_until_ready(serving, ready_at, 120)
        yield serving
    finally:
        kill(serving)


def kill(serving: Program) -> None:
    """kill -9 for the program and all that it started."""
    tell(serving, signal.SIGKILL)
    serving.running.wait()


def tell(serving: Program, number: signal.Signals) -> None:
    """Send a signal to every process of the session."""
    for process in members(serving):
        with suppress(ProcessLookupError):
            os.kill(process, number)


def members(serving: Program) -> list[int]:
    """The processes of the program's session."""
    processes = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in processes if (fields := _stat(process)) and int(fields[3]) == serving.running.pid]


def cpu(serving: Program) -> float:
    """Processor seconds so far of the whole session, of children that ended, too."""
    fields = (_stat(process) for process in members(serving))
    return sum(sum(map(int, each[11:15])) for each in fields if each) / TICKS


def memory(serving: Program) -> float:
    """What the session holds now in MB; pages that processes share count once (PSS)."""
    return sum(map(_pss, members(serving)))


def _stat(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")), 0.0)
