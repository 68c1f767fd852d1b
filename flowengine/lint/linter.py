"""The linter: every mistake of a flow in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from flowengine.findings import Finding, Severity, Span
from flowengine.lint.context import Context
from flowengine.lint.project import Project
from flowengine.lint.rules import CHECKED
from flowengine.spec.flow import Flow
from flowengine.spec.load import read_partly

__all__ = ["Project", "check_flow", "check_paths", "flow_files"]

_IGNORE = re.compile(r"#\s*flowengine:\s*ignore\b[ \t]*(?P<rules>[\w, \t-]*)")
_ENDINGS = (".yaml", ".yml")


def check_flow(text: bytes | str, file: str, project: Project) -> list[Finding]:
    """Every mistake in a flow's text, sorted by place; what `# flowengine: ignore RULE` covers is left out."""
    flow, findings = read_partly(text, file)
    return _judge(flow, findings, project)


def check_paths(paths: Iterable[Path], project: Project) -> list[Finding]:
    """Every mistake in the flows at these paths (files, or folders of them), file by file.

    The flows are known to each other: calls are checked against what the called flow declares.
    """
    findings: list[Finding] = []
    read: list[tuple[Flow | None, list[Finding]]] = []
    for path in flow_files(paths, findings):
        try:
            read.append(read_partly(path.read_bytes(), str(path)))
        except OSError as error:
            findings.append(_unreadable(path, error.strerror or str(error)))
    flows = {flow.id: flow for flow, _ in read if flow is not None}
    known = replace(project, flows={**project.flows, **flows}, flow_ids={*project.flow_ids, *flows})
    for flow, found in read:
        findings.extend(_judge(flow, found, known))
    return findings


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


def _judge(flow: Flow | None, found: Sequence[Finding], project: Project) -> list[Finding]:
    findings = list(found)
    if flow is not None:
        context = Context(flow, project)
        for rule in CHECKED:
            if rule.check is not None:
                findings.extend(rule.check(context))
        findings = _without_ignored(findings, flow.source.text)
    return sorted(
        set(_settled(findings)), key=lambda finding: (finding.span, finding.severity, finding.rule, finding.message)
    )


def _settled(findings: list[Finding]) -> list[Finding]:
    """At one place one mistake is told once: what reading reported is not said again by a rule."""
    errors = {finding.span for finding in findings if finding.severity is Severity.ERROR}
    return [one for one in findings if one.severity is Severity.ERROR or one.span not in errors]


def _without_ignored(findings: list[Finding], text: str) -> list[Finding]:
    if "flowengine:" not in text:
        return findings
    ignored: dict[int, set[str]] = {}
    everywhere: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        match = _IGNORE.search(line)
        if match is None:
            continue
        rules = {word for word in re.split(r"[,\s]+", match["rules"]) if word}
        before = line[: match.start()].strip()
        # A comment of its own covers the next line; above everything else, the whole file.
        ignored.setdefault(number if before else number + 1, set()).update(rules or {"*"})
        if not before and not any(
            one.strip() and not one.lstrip().startswith("#") for one in text.splitlines()[: number - 1]
        ):
            everywhere |= rules
    return [
        finding
        for finding in findings
        if finding.rule not in everywhere and not ignored.get(finding.span.line, set()) & {finding.rule, "*"}
    ]
