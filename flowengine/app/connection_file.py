"""Changes of connections.yaml that leave everything else in it as its author wrote it."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flowengine.errors import Conflict, InvalidFile, NotFound
from flowengine.findings import did_you_mean

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.spec.source import Source

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SECRET = re.compile(r"\{\{\s*secrets\.(\w+)\s*\}\}")


def refuse_known(here: Settings, name: str) -> None:
    """Raises `Conflict` for a name that is taken or cannot be one."""
    if not NAME.fullmatch(name):
        raise Conflict(f'"{name}" cannot be a connection\'s name; use letters, digits, - and _')
    if name in _data(here):
        raise Conflict(f'there is a connection "{name}" already; remove it first: flowengine connections remove {name}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A connection as it is to stand in the file."""

    name: str
    connector: str
    parameters: Mapping[str, str]
    authentication: str = ""
    base_url: str | None = None
    private: bool = False

    def lines(self) -> list[str]:
        lines = [f"{self.name}:", f"  connector: {_scalar(self.connector)}"]
        if self.authentication:
            lines.append(f"  authentication: {_scalar(self.authentication)}")
        if self.base_url:
            lines.append(f"  base_url: {_scalar(self.base_url)}")
        if self.private:
            lines.append("  allow_private_network: true")
        if self.parameters:
            lines.append("  parameters:")
            lines += [f"    {_scalar(key)}: {_quoted(value)}" for key, value in self.parameters.items()]
        return lines


def appended(here: Settings, entry: Entry) -> str:
    """The text that adds a connection at the end of the file.

    Raises `Conflict` with that text when the file is written in a way that nothing can be added to.
    """
    file = here.connections_file
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    lines = "\n".join(entry.lines()) + "\n"
    text = ("" if not before else "\n" if before.endswith("\n") else "\n\n") + lines
    known = _data(here)
    if _parsed(before + text, str(file)).keys() != {*known, entry.name}:
        raise Conflict(
            f"nothing can be added at the end of {file} as it is written; put this into it yourself:\n{lines}"
        )
    return text


def append(here: Settings, text: str) -> None:
    """Add text at the end of the file: what its author wrote stays, byte for byte."""
    here.connections_file.parent.mkdir(parents=True, exist_ok=True)
    with here.connections_file.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def _scalar(text: str) -> str:
    """Plain where that reads back as the same text."""
    return (
        text
        if re.fullmatch(r"[A-Za-z][\w.-]*", text) and text.lower() not in ("true", "false", "null")
        else _quoted(text)
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def is_private(url: str | None) -> bool:
    """Whether an address is plainly this machine's or network's, which a connection must allow by name."""
    host = urlsplit(url or "").hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def cut(here: Settings, name: str) -> list[str]:
    """Take a connection's lines out; gives the names of the secrets that it used. Raises `NotFound`."""
    source = _source(here)
    known = source.data or {}
    if name not in known:
        raise NotFound(f'there is no connection "{name}" in connections.yaml; {did_you_mean(name, known)}'.rstrip("; "))
    lines = source.text.splitlines(keepends=True)
    starts = sorted(source.keys[(key,)].line for key in known)
    first = source.keys[(name,)].line
    last = next((line - 1 for line in starts if line > first), len(lines))
    if last < len(lines):
        last = _without_comment_above(lines, first, last)
    taken = "".join(lines[first - 1 : last])
    here.connections_file.write_text("".join(lines[: first - 1] + lines[last:]), encoding="utf-8")
    return _SECRET.findall(taken)


def _without_comment_above(lines: list[str], first: int, last: int) -> int:
    """Comments right above the next connection belong to that one."""
    while last > first and lines[last - 1].lstrip().startswith("#") and not lines[last - 1].startswith(" "):
        last -= 1
    return last


def _data(here: Settings) -> dict[str, Any]:
    return (_source(here).data or {}) if here.connections_file.is_file() else {}


def _parsed(text: str, file: str) -> dict[str, Any]:
    from flowengine.spec.source import read_source

    source, _ = read_source(text, file)
    return source.data if source is not None and isinstance(source.data, dict) else {}


def _source(here: Settings) -> Source:
    from flowengine.spec.source import read_source

    source, findings = read_source(here.connections_file.read_bytes(), str(here.connections_file))
    if source is None or not isinstance(source.data, (dict, type(None))):
        raise InvalidFile(findings)
    return source
