"""The reference page of the template functions, made from their tables."""

from __future__ import annotations

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


def as_markdown() -> str:
    """One table a family: how a function is written, what it does, an example and what that gives."""
    parts = ["# Functions and filters in templates\n"]
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
