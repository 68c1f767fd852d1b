"""The program as people start it: `flowengine` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def _command(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-m", "flowengine", *map(str, arguments)]


def ended(
    *arguments: object, cwd: Path | None = None, stdin: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """A command that has ended, within a minute; `environ` is what it gets beside the test's own variables."""
    return subprocess.run(
        _command(arguments),
        cwd=cwd,
        input=stdin,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def begun(*arguments: object, **more) -> subprocess.Popen[str]:
    """A command that goes on; its lines can be read as they come."""
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", **more.pop("env", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen(_command(arguments), text=True, env=environ, **pipes)
