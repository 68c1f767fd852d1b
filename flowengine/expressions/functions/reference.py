"""The reference page of the template functions, made from their tables."""

from __future__ import annotations

import sys

from flowengine.expressions.functions import ALL
from flowengine.expressions.functions.table import Function
from flowengine.expressions.values import json_text

_TITLES = {
    "text": "Text",
    "dates": "Dates and times",
    "lists": "Lists and objects",
    "numbers": "Numbers",
    "logic": "Choosing and comparing",
}

_HEAD = """\
# Functions and filters in templates

Every function here can be written as `name(value, ...)`; those that change one value can also stand behind a bar, as
`value | name(...)`. The names are Power Automate's where it has one, and Jinja's. The examples are run by the tests.

- Moments are text, such as `2026-03-15T13:27:36Z`. Written in one form and one zone they sort and compare by `<` and `>` as
  they should, since text is compared letter by letter; in different forms or zones they do not. The conditions `before:` and
  `after:` compare moments as moments, and so do `ticks(a) < ticks(b)` and `secondsBetween(a, b) > 0`.
- A value that may be missing needs `default`: `{{ trigger.note | default('none') }}`.
- `now()`, `today()`, `utcNow()`, `uuid()`, `guid()` and `rand()` are recorded with the run: a resumed run sees the same again.
- Days of the week count from Sunday, 0. Weekday, month and number formats are .NET's, with English names.
- This page is made from the functions themselves: `python -m flowengine.expressions.functions.reference > docs/functions.md`.
"""


def as_markdown() -> str:
    """One table a family: how a function is written, what it does, an example and what that gives."""
    parts = [_HEAD]
    for family, title in _TITLES.items():
        rows = [_row(function) for function in ALL if function.family == family]
        parts.append(
            f"## {title}\n\n| written | gives | example | result |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def _row(function: Function) -> str:
    written = function.signature if function.is_function else f"value \\| {function.signature}"
    cells = (f"`{written}`", function.about, f"`{function.example}`", f"`{json_text(function.result)}`")
    return (
        "| "
        + " | ".join(cell.replace("\n", "\\n").replace("|", "\\|").replace("\\\\|", "\\|") for cell in cells)
        + " |"
    )


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
