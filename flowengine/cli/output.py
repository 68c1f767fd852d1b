"""What commands print: data on stdout, progress and hints on stderr; pretty on a terminal, plain in a pipe.

Everything that came from outside (service answers, authors' texts) passes `clean`: control characters would let it rewrite
the terminal, and square brackets would be read as Rich's markup.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

WORD = 26
"""Columns that a word in a table may take before it is broken: ids have 26."""

STYLES = {
    "succeeded": "green",
    "started": "green",
    "ok": "green",
    "failed": "red",
    "timed_out": "red",
    "rejected": "red",
    "error": "red",
    "fail": "red",
    "running": "cyan",
    "queued": "cyan",
    "waiting": "yellow",
    "missed": "yellow",
    "warning": "yellow",
    "warn": "yellow",
    "filtered": "bright_black",
    "duplicate": "bright_black",
    "dropped": "bright_black",
    "disabled": "bright_black",
    "skipped": "bright_black",
    "cancelled": "bright_black",
}
_ANSI = {"green": "32", "red": "31", "cyan": "36", "yellow": "33", "bright_black": "90", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Styled:
    """A cell or word in a style; the words alone must say the same, for pipes and for those who see no colour."""

    text: str
    style: str


def status(word: str) -> Styled:
    """A status or disposition in its colour."""
    return Styled(str(word), STYLES.get(str(word), ""))


def on_terminal() -> bool:
    """Whether a person is looking at stdout."""
    return sys.stdout.isatty()


def coloured() -> bool:
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """The text in a style where stdout shows colours."""
    if not style or not coloured():
        return text
    return f"\x1b[{_ANSI[style]}m{text}\x1b[0m"


def shown(cell: Styled | str) -> str:
    """A styled word as text for `say`."""
    return paint(clean(cell.text), cell.style) if isinstance(cell, Styled) else clean(cell)


def clean(text: Any, *, lines: bool = False) -> str:
    """Text from outside made safe for a terminal: control, format and bidirectional characters are shown escaped.

    With `lines`, line breaks and tabs stay.
    """
    return "".join(_visible(sign, lines) for sign in str(text))


def _visible(sign: str, lines: bool) -> str:
    if sign.isprintable() or (lines and sign in "\n\t"):
        return sign
    if unicodedata.category(sign) == "Zs":
        return " "
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(sign) or f"\\u{ord(sign):04x}"


def say(text: str = "") -> None:
    """A line of data on stdout."""
    _write(sys.stdout, text + "\n")


def tell(text: str) -> None:
    """A line of progress, a hint or an error on stderr."""
    sys.stdout.flush()
    _write(sys.stderr, text + "\n")


def _write(stream: Any, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a terminal or locale that cannot show it
        stream.write(text.encode("ascii", "backslashreplace").decode())


def emit(**document: Any) -> None:
    """One JSON document on stdout, `{"v": 1, ...}`."""
    say(json.dumps({"v": 1, **document}, ensure_ascii=False, indent=2, default=_plain))


def done(text: str, *, as_json: bool, **document: Any) -> None:
    """What a command did: for people in a sentence, for programs as a document."""
    if as_json:
        emit(**document)
    else:
        say(text)


def emit_line(**document: Any) -> None:
    """One JSON object on one line, for streams."""
    say(json.dumps({"v": 1, **document}, ensure_ascii=False, default=_plain))
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    if hasattr(value, "to_json"):
        return value.to_json()
    return str(value)


def table(headers: Sequence[str], rows: Iterable[Sequence[Styled | str]]) -> None:
    """Rows under headers: a table on a terminal; in a pipe tab-separated lines under one line of headers."""
    if on_terminal():
        _rich_table(headers, rows)
        return
    say("\t".join(header.upper() for header in headers))
    for row in rows:
        say("\t".join(clean(cell.text if isinstance(cell, Styled) else cell) for cell in row))


def _rich_table(headers: Sequence[str], rows: Iterable[Sequence[Styled | str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [
        [Text(clean(cell.text), style=cell.style) if isinstance(cell, Styled) else Text(clean(cell)) for cell in row]
        for row in rows
    ]
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    # Words stay whole, so that ids can be copied; where that is too wide, the terminal may break the line.
    needed = 0
    for at, header in enumerate(headers):
        widest = max((len(word) for row in cells for word in row[at].plain.split()), default=0)
        width = min(max(widest, len(header)), WORD)
        needed += width + 2
        made.add_column(header, overflow="fold", min_width=width)
    for row in cells:
        made.add_row(*row)
    console = Console(no_color=not coloured(), highlight=False)
    console.width = max(console.width, needed)
    console.print(made, soft_wrap=console.width > shutil.get_terminal_size().columns)


def rfc3339(moment: datetime | str) -> str:
    """A moment in UTC as the documents write it."""
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    text = parsed.astimezone(UTC).isoformat(timespec="milliseconds" if parsed.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def moment(when: datetime | str | None) -> str:
    """A moment for people: in the reader's zone on a terminal, RFC 3339 in a pipe, `-` when there is none."""
    if when is None:
        return "-"
    if not on_terminal():
        return rfc3339(when)
    parsed = datetime.fromisoformat(when) if isinstance(when, str) else when
    return parsed.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def duration(milliseconds: float | None) -> str:
    """A length of time in the units that suit it; a dash while it goes on."""
    from flowengine.spec.times import lasted

    return lasted(milliseconds) or "-"


def took(started: datetime | None, finished: datetime | None) -> float | None:
    """The milliseconds between; None while it goes on."""
    return None if started is None or finished is None else (finished - started).total_seconds() * 1000


def json_text(value: Any, limit: int | None = None) -> str:
    """A JSON value as people read it: plain text bare, the rest as JSON; cut at `limit` signs with the count of what is missing."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}... ({len(text) - limit} more)"


def indented(value: Any, by: str) -> str:
    """A JSON value over several lines, each after `by`."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    return "\n".join(by + clean(line) for line in text.splitlines())
