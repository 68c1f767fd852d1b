#!/usr/bin/env python3
"""Set up a private Python environment in `.venv` and run something in it. Needs Python 3.11 or newer with pip, nothing else.

    python3 scripts/bootstrap.py demo            the main job: stand-in services, flows, history
    python3 scripts/bootstrap.py test [ARG ...]  every test; ARGs go to pytest

Versions and hashes come from requirements.lock. A second call reuses the environment unless the lock changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed-from"


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):
        print(f"flowengine needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    match arguments:
        case ["demo", *rest]:
            command = [BIN / "flowengine", "demo", *rest]
        case ["test", *rest]:
            command = [BIN / "python", "-m", "pytest", "--numprocesses", "auto", *rest]
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    install()
    code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if arguments[0] == "demo" and code == 0 and sys.stderr.isatty() and os.name != "nt":
        where = os.path.relpath(BIN)
        print(f"\nThese commands are in {where}: type  . {where}/activate  once in this terminal.", file=sys.stderr)
    return code


def install() -> None:
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    print("Setting up .venv (once; about half a minute) ...", file=sys.stderr, flush=True)
    if not (BIN / "python").exists():
        create_environment()
    pip("--require-hashes", "--requirement", str(LOCK))
    pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(wanted)


def create_environment() -> None:
    """`python -m venv`, or virtualenv where the system's Python comes without ensurepip (Debian's does)."""
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False, capture_output=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    tool = ROOT / ".uv"
    run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tool), "virtualenv"])
    run([sys.executable, "-m", "virtualenv", "--quiet", str(VENV)], PYTHONPATH=str(tool))


def pip(*arguments: str) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run([str(BIN / "python"), "-m", "pip", "install", *quiet, *arguments])


def run(command: list[str], **environment: str) -> None:
    if subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode:
        sys.exit(f"could not set up .venv: {' '.join(command)} failed")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
