"""The page of a command group: each command with a whole sentence, however narrow or wide the place it is read at."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from flowengine.cli import output
from flowengine.cli.errors import WrongUsage
from flowengine.findings import did_you_mean

_ASKING = ("-h", "--help", "help")
_WIDEST = 110


def answered(name: str, command: Any, words: Sequence[str]) -> int | None:
    """The exit code when the group itself was asked for, and None when one of its commands was. Raises `WrongUsage`."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return None
    if not words or words[0] in _ASKING:
        output.say(page(name, str(command.help or ""), inner))
        return 0 if words else 2
    if words[0] not in inner and not words[0].startswith("-"):
        raise WrongUsage(f'"{name}" has no command "{words[0]}"; {did_you_mean(words[0], inner)}')
    return None


def page(name: str, about: str, inner: dict[str, Any]) -> str:
    """Usage, what the group is for, and its commands."""
    lines = [f"Usage: flowengine {name} COMMAND ...", "", about, "", "Commands:"]
    indent = max(map(len, inner)) + 4
    for sub, each in inner.items():
        told = " ".join(str(each.help or "").split("\n\n")[0].split())
        lines += _wrapped(f"  {sub:<{indent - 2}}{told}", indent)
    return "\n".join([*lines, "", f"More about one: flowengine {name} COMMAND --help"])


def _wrapped(line: str, indent: int) -> list[str]:
    """Folded on a terminal; in a pipe every command is one line."""
    if not output.on_terminal():
        return [line]
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return textwrap.wrap(line, max(width, indent + 30), subsequent_indent=" " * indent)
