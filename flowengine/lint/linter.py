"""The linter: every mistake of a flow in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from flowengine.findings import Finding, Span
from flowengine.lint.judge import check_flow
from flowengine.lint.many import check_texts
from flowengine.lint.project import Project
from flowengine.spec.source import SIZE

__all__ = ["Project", "check_flow", "check_paths", "check_texts", "flow_files"]

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


def _beside(files: Iterable[Path]) -> Iterator[str]:
    """The ids of the flows that stand in the same folders, which a call may name although they are not checked."""
    for folder in {path.parent for path in files}:
        yield from (one.stem for one in folder.iterdir() if one.suffix in _ENDINGS)


def flow_files(paths: Iterable[Path], findings: list[Finding] | None = None) -> list[Path]:
    """The flow files at paths: files as they are named, folders searched through; what is missing is reported."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(one for one in path.rglob("*") if one.suffix in _ENDINGS and one.is_file()))
        elif path.exists():
            files.append(path)
        elif findings is not None:
            findings.append(_unreadable(path, "there is no such file"))
    return files


def _unreadable(path: Path, reason: str) -> Finding:
    return Finding(
        str(path), Span(1, 1, 1, 1), "not-readable", f"the file cannot be opened: {reason[:1].lower()}{reason[1:]}"
    )
