"""Which files of a folder are the connector: Microsoft's names, and the misspelt ones that occur."""

from __future__ import annotations

import os
import re
from pathlib import Path

from flowengine.findings import Finding, Severity, Span

DEFINITION = "apiDefinition.swagger.json"
PROPERTIES = "apiProperties.json"
_KINDS = (".json", ".yaml", ".yml")
_START = Span(1, 1, 1, 1)


def connector_name(folder: Path) -> str:
    """What flows call the connector of a folder: its name, with `-` for what a flow cannot write."""
    return re.sub(r"[^\w-]+", "-", folder.resolve().name).strip("-") or "connector"


def definition_file(folder: Path) -> tuple[Path | None, list[Finding]]:
    """The definition in a folder (or `folder` itself when it is a file); a finding when its name is odd or it is absent."""
    if folder.is_file():
        return folder, []
    if not folder.is_dir():
        return None, [_finding(folder, "manifest-missing", "there is no such folder", Severity.ERROR)]
    found = _pick(folder, r"apidefinition\.swagger", r"apidef\w*(\.swagger)?", r".*swagger")
    if found is None:
        told = f"there is no {DEFINITION} in this folder"
        return None, [_finding(folder, "manifest-missing", told, Severity.ERROR)]
    return found, _odd_name(found, DEFINITION)


def properties_file(folder: Path) -> tuple[Path | None, list[Finding]]:
    """The apiProperties of a folder; without one the connection needs nothing."""
    found = _pick(folder, r"apiproperties", r".*properties")
    if found is None:
        return None, [
            _finding(folder, "manifest-properties-missing", f"there is no {PROPERTIES}: no sign-in, no policies")
        ]
    return found, _odd_name(found, PROPERTIES)


def is_connector(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".") and definition_file(folder)[0] is not None


def _pick(folder: Path, *patterns: str) -> Path | None:
    """The first file whose stem matches the first pattern that any file matches."""
    with os.scandir(folder) as entries:  # a third of pathlib's time, and lists of connectors are long
        names = sorted(each.name for each in entries if each.name.lower().endswith(_KINDS) and each.is_file())
    for pattern in patterns:
        for name in names:
            if re.fullmatch(pattern, name.rpartition(".")[0], re.IGNORECASE):
                return folder / name
    return None


def _odd_name(path: Path, expected: str) -> list[Finding]:
    right = {expected.removesuffix(".json") + kind for kind in _KINDS}
    if path.name in right:
        return []
    return [_finding(path, "manifest-file-name", f'is not called "{expected}"', hint="rename it")]


def _finding(path: Path, rule: str, message: str, severity: Severity = Severity.WARNING, hint: str = "") -> Finding:
    return Finding(str(path), _START, rule, message, hint, severity)
