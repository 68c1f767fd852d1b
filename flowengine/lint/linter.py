"""The linter: every mistake of a flow in one pass."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from flowengine.findings import Finding, Span
from flowengine.lint.judge import check_flow
from flowengine.lint.many import check_texts
from flowengine.lint.project import Project
from flowengine.spec.flow import Flow
from flowengine.spec.load import read_partly
from flowengine.spec.source import SIZE

__all__ = ["Project", "called_flows", "check_flow", "check_paths", "check_texts", "flow_files"]

_CALL = re.compile(r"\bcall:\s*[\"']?([a-z0-9][a-z0-9-]*)")
_ENDINGS = (".yaml", ".yml")


def check_paths(paths: Iterable[Path], project: Project) -> list[Finding]:
    """Every mistake in the flows at these paths (files, or folders of them), file by file.

    The flows are known to each other: calls are checked against what the called flow declares.
    """
    findings: list[Finding] = []
    texts: list[tuple[str, bytes]] = []
    files = flow_files(paths, findings)
    if project.flow_ids:
        project = replace(project, flow_ids={*project.flow_ids, *_beside(files)})
    for path in files:
        try:
            with path.open("rb") as file:
                texts.append((str(path), file.read(SIZE + 1)))
        except OSError as error:
            findings.append(_unreadable(path, error.strerror or str(error)))
    return [*findings, *check_texts(texts, project)]


def called_flows(text: bytes | str, folder: Path) -> dict[str, Flow]:
    """The flows that a flow's text calls, and those that they call, by id, as their files in `folder` say it now."""
    found: dict[str, Flow] = {}
    waiting = _called(text)
    while waiting:
        flow_id = waiting.pop()
        path = next((one for one in (folder / f"{flow_id}{end}" for end in _ENDINGS) if one.is_file()), None)
        if flow_id in found or path is None:
            continue
        with path.open("rb") as file:
            written = file.read(SIZE + 1)
        flow, _ = read_partly(written, path.name)
        if flow is not None:
            found[flow_id] = flow
            waiting |= _called(written) - found.keys()
    return found


def _called(text: bytes | str) -> set[str]:
    written = text if isinstance(text, str) else text.decode("utf-8", errors="replace")
    return set(_CALL.findall(written))


def _beside(files: Iterable[Path]) -> Iterator[str]:
    """The ids of the flows that stand in the same folders, which a call may name although they are not checked."""
    for folder in {path.parent for path in files}:
        yield from (one.stem for one in folder.iterdir() if one.suffix in _ENDINGS)


def flow_files(paths: Iterable[Path], findings: list[Finding] | None = None) -> list[Path]:
    """The flow files at paths: files as they are named, folders searched through; what is missing is reported."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(_inside(path, findings)))
        elif path.exists():
            files.append(path)
        elif findings is not None:
            findings.append(_unreadable(path, "there is no such file"))
    return files


def _inside(folder: Path, findings: list[Finding] | None) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        if findings is not None:
            findings.append(_unreadable(Path(error.filename), error.strerror or str(error), "folder"))

    for place, _, names in os.walk(folder, onerror=refused):
        yield from (one for name in names if (one := Path(place, name)).suffix in _ENDINGS and one.is_file())


def _unreadable(path: Path, reason: str, kind: str = "file") -> Finding:
    told = f"the {kind} cannot be opened: {reason[:1].lower()}{reason[1:]}"
    return Finding(str(path), Span(1, 1, 1, 1), "not-readable", told)
