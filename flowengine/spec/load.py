"""From a file to a flow."""

from __future__ import annotations

from pathlib import Path

from flowengine.errors import InvalidFile
from flowengine.findings import Finding, Severity, Span
from flowengine.spec.flow import Flow
from flowengine.spec.read_flow import read_flow
from flowengine.spec.reading import FLOW_ID
from flowengine.spec.source import read_source
from flowengine.spec.spaces import told_once

_START = Span(1, 1, 1, 1)


def parse_flow(text: bytes | str, file: str, id: str | None = None) -> tuple[Flow | None, list[Finding]]:  # noqa: A002  # the word people use
    """Read a flow, with every mistake of form in it; None when one of them is an error.

    `id` is the file's stem when it is not given. What the flow uses (connectors, connections, other flows) is not looked at:
    that is the linter's work.
    """
    flow, findings = read_partly(text, file, id)
    broken = any(finding.severity is Severity.ERROR for finding in findings)
    return None if broken else flow, findings


def read_partly(text: bytes | str, file: str, flow_id: str | None = None) -> tuple[Flow | None, list[Finding]]:
    """Like `parse_flow`, but gives what could be read of a flow with errors, for the linter to look further."""
    source, findings = read_source(text, file)
    if source is None:
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return None, told_once(findings, shown.removeprefix("\ufeff"), file)
    name = flow_id if flow_id is not None else Path(file).stem
    flow, reading = read_flow(source, name)
    named = [] if flow_id is not None else _check_name(file, name)
    found = told_once([*named, *findings, *reading.findings], source.text, file)
    found.sort(key=lambda finding: (finding.span, finding.rule))
    return flow, found


def load_flow(path: Path | str) -> Flow:
    """Read the flow in a file. Raises `InvalidFile` with every mistake of form in it, or when it cannot be opened."""
    path = Path(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        told = f"the file cannot be opened: {reason}"
        raise InvalidFile([Finding(str(path), _START, "not-readable", told)]) from None
    flow, findings = parse_flow(text, str(path))
    if flow is None:
        raise InvalidFile(findings)
    return flow


def _check_name(file: str, name: str) -> list[Finding]:
    if FLOW_ID.fullmatch(name):
        return []
    told = f'the file\'s name "{name}" cannot be the id of a flow'
    return [Finding(file, _START, "file-name", told, "use lower-case letters, digits and - in the file's name")]
