"""One flow under all rules, less what its author asks to ignore."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from flowengine.findings import Finding, Severity
from flowengine.lint.context import Context
from flowengine.lint.project import Project
from flowengine.lint.rules import CHECKED
from flowengine.spec.document import MISTAKES
from flowengine.spec.flow import Flow
from flowengine.spec.load import read_partly

_IGNORE = re.compile(r"#\s*flowengine:\s*ignore\b[ \t]*(?P<rules>[\w, \t-]*)")


def check_flow(text: bytes | str, file: str, project: Project) -> list[Finding]:
    """Every mistake in a flow's text, sorted by place; what `# flowengine: ignore RULE` covers is left out."""
    flow, findings = read_partly(text, file)
    return _judge(flow, findings, project)


def _judge(flow: Flow | None, found: Sequence[Finding], project: Project) -> list[Finding]:
    findings = list(found)
    if flow is not None:
        context = Context(flow, project)
        for rule in CHECKED:
            if rule.check is not None:
                findings.extend(islice(rule.check(context), max(0, MISTAKES - len(findings))))
        findings = _without_ignored(findings, flow.source.text)
    return sorted(
        set(_settled(findings)), key=lambda finding: (finding.span, finding.severity, finding.rule, finding.message)
    )


def _settled(findings: list[Finding]) -> list[Finding]:
    """At one place one mistake is told once: YAML that flows do not use hides what follows from it, and what reading reported
    is not said again by a rule.
    """
    refused = {(one.span.line, one.span.column) for one in findings if one.rule.startswith("yaml-")}
    findings = [
        one for one in findings if one.rule.startswith("yaml-") or (one.span.line, one.span.column) not in refused
    ]
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
