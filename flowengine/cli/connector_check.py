"""What `connectors check` looks at: can the files be read, and can each operation be called?"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def examine(folder: Path) -> dict[str, Any]:
    """One folder's entry of the `connectors check` document."""
    from flowengine.manifests.definition import read_connector

    connector, findings = read_connector(folder)
    problems = [
        {
            "operation": None,
            "rule": each.rule,
            "message": each.message,
            "line": each.span.line,
            "column": each.span.column,
        }
        for each in findings
    ]
    if connector is None:
        return {"name": folder.name, "loaded": False, "operations": 0, "callable": 0, "problems": problems}
    return {
        "name": folder.name,
        "loaded": True,
        "operations": len(connector.operations),
        "callable": len(connector.operations),
        "problems": problems,
    }


def summary(reports: list[dict[str, Any]]) -> dict[str, int]:
    """The counts over all folders."""
    return {
        "connectors": len(reports),
        "loaded": sum(each["loaded"] for each in reports),
        "operations": sum(each["operations"] for each in reports),
        "callable": sum(each["callable"] for each in reports),
    }
