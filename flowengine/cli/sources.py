"""Lines of flow files shown beneath what is said about them, with a caret under the place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flowengine.cli.output import clean, paint
from flowengine.findings import Finding, Span


def caret_lines(text: str, span: Span, indent: str = "  ") -> list[str]:
    """The source line of a span and a line of carets under it; nothing when the text has no such line."""
    lines = text.splitlines()
    if not 1 <= span.line <= len(lines):
        return []
    line = lines[span.line - 1].expandtabs(1)
    end = span.end_column if span.end_line == span.line else len(line) + 1
    width = max(1, min(end, len(line) + 1) - span.column)
    number = f"{span.line} | "
    return [
        f"{indent}{number}{clean(line)}",
        f"{indent}{' ' * (len(number) - 2)}| {' ' * (span.column - 1)}{paint('^' * width, 'red')}",
    ]


def findings_with_lines(findings: Sequence[Finding]) -> str:
    """Each finding as `file:line:column: message`, its source line with a caret, and its rule."""
    texts: dict[str, str] = {}
    told = []
    for finding in findings:
        text = texts.setdefault(finding.file, _text_of(finding.file))
        told.append(
            "\n".join(
                [
                    f"{clean(finding, lines=True)} [{finding.rule}]",
                    *caret_lines(text, finding.span),
                ]
            )
        )
    return "\n".join(told) + "\n"


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
