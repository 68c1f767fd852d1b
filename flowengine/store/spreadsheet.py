"""Runs as rows of a spreadsheet, in which nothing that came from outside is a formula."""

from __future__ import annotations

import csv
import json
from typing import IO, Any, Final

from flowengine.store.documents import run_document
from flowengine.store.records import RunRecord
from flowengine.types import JsonObject

COLUMNS: Final = (
    "id", "flow", "flow_version", "status", "trigger", "created_at", "started_at", "finished_at", "duration_ms", "error_action",
    "error_code", "error_message", "event", "output", "resubmitted_from",
)  # fmt: skip
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def header(file: IO[str]) -> csv.DictWriter[str]:
    """Begin a table with the names of its columns."""
    table = csv.DictWriter(file, COLUMNS)
    table.writeheader()
    return table


def row(run: RunRecord) -> dict[str, Any]:
    """The cells of a run."""
    document = run_document(run)
    return {column: defused(_cell(document, column)) for column in COLUMNS}


def _cell(document: JsonObject, column: str) -> Any:
    error = document["error"] or {}
    match column:
        case "trigger":
            return document["trigger"]["name"]
        case "error_action" | "error_code" | "error_message":
            return error.get(column.removeprefix("error_"))
        case "event":
            return document["event"]["body"] if document["event"] else None
        case _:
            return document[column]


def defused(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"'{text}" if text.lstrip(" ")[:1] in _FORMULAS else text
