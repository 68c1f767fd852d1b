"""Findings as programs read them: JSON, GitHub annotations, SARIF 2.1.0. For people the command line writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flowengine.findings import Finding, Severity
from flowengine.lint.rules import RULES
from flowengine.types import JsonObject

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def to_json(findings: Sequence[Finding], files: int) -> JsonObject:
    """The document of `flowengine check --format json`."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    return {
        "v": 1,
        "findings": [finding.to_json() for finding in findings],
        "summary": {"files": files, "errors": errors, "warnings": len(findings) - errors},
    }


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    return "\n".join(_annotation(finding) for finding in findings)


def _annotation(finding: Finding) -> str:
    span = finding.span
    place = {
        "file": finding.file,
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "endColumn": span.end_column,
    }
    place = {**place, "title": finding.rule}
    properties = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in place.items())
    told = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
    return f"::{finding.severity} {properties}::{_escaped(told)}"


def _escaped(value: str, also: str = "") -> str:
    escaped = value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for char in also:
        escaped = escaped.replace(char, f"%{ord(char):02X}")
    return escaped


def sarif(findings: Sequence[Finding]) -> str:
    """A SARIF 2.1.0 log, for code scanning."""
    used = {finding.rule for finding in findings}
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.meaning.split(". ")[0]},
            "fullDescription": {"text": rule.meaning},
        }
        for rule in RULES
        if rule.id in used
    ]
    driver = {"name": "flowengine", "rules": rules}
    run = {
        "tool": {"driver": driver},
        "results": [_result(finding) for finding in findings],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _result(finding: Finding) -> JsonObject:
    span = finding.span
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    place = {"artifactLocation": {"uri": finding.file.replace("\\", "/")}, "region": region}
    told = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
    return {
        "ruleId": finding.rule,
        "level": str(finding.severity),
        "message": {"text": told},
        "locations": [{"physicalLocation": place}],
    }
