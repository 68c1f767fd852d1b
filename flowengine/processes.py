"""Modules of this program that run in processes of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def command(module: str, *arguments: object) -> list[str]:
    """Our interpreter with one of our modules, whatever lies in the present folder."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def import_path() -> str:
    """`PYTHONPATH` for such a process, so that it finds the modules that this one found."""
    return os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
