"""Keys of the addresses that waiting actions are answered at: made from the project's key, stored nowhere."""

from __future__ import annotations

from flowengine.triggers.hooks import Derive
from flowengine.types import Path, format_path


def callback_key(derive: Derive, run_id: str, path: Path) -> str:
    """The unguessable part of a callback's address."""
    return derive(f"callback:{run_id}:{format_path(path)}")


def approval_key(derive: Derive, run_id: str, path: Path, choice: str) -> str:
    """The unguessable part of a link that answers an `ask` with this choice."""
    return derive(f"approval:{run_id}:{format_path(path)}:{choice}")
